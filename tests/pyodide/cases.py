"""Plans for 200 different requests: the same in every Python, with the standard library alone."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from hfft_widgets.core.data.findings import Status, Verdict
from hfft_widgets.core.method import METHODS
from hfft_widgets.core.plan.choose import PlanRequest, recommend
from hfft_widgets.core.plan.data_stats import DataStats
from hfft_widgets.core.plan.hardware import FLAVORS, local_flavor, local_gpu
from hfft_widgets.core.plan.model import model_facts
from hfft_widgets.errors import PlanError
from tests.core.plan.configs import CONFIGS
from tests.core.plan.variants import COLUMNS

MARKED = "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"
HERE = (local_flavor(16 * 2**30, 0.1), local_gpu("NVIDIA GeForce RTX 4090", 24 * 2**30))


def answers(count: int = 200) -> Iterator[str]:
    """Each plan as JSON, in which a number is written so that it comes back bit by bit; or why there is none."""
    for number in range(count):
        facts, report, data, machines, request = _case(random.Random(number))
        try:
            plan = recommend(facts, report, data, machines, request)
            made = {**plan.to_dict(), "script": plan.script, "fingerprint": plan.fingerprint, "words": str(plan)}
            made["card"] = plan.to_html()
        except PlanError as error:
            made = {"error": str(error)}
        yield json.dumps(made, sort_keys=True)


def _case(chance: random.Random) -> tuple[Any, Any, DataStats, Any, PlanRequest]:
    name, method = chance.choice(sorted(CONFIGS)), chance.choice(sorted(METHODS))
    facts = model_facts(
        {"max_position_embeddings": 32768, **CONFIGS[name]}, reference=f"org/{name}", local=False,
        licence="apache-2.0", gated=False, chat_template=chance.choice((MARKED, None)),
    )  # fmt: skip
    mean = chance.uniform(20, 3000)
    data = DataStats(
        name="org/data", reference={"path": "org/data", "name": None, "split": "train"}, code="",
        columns=COLUMNS[method], conversational=chance.random() < 0.5, rows=chance.randint(2, 2_000_000),
        tokens_per_row=mean, longest_tokens=int(mean * chance.uniform(1, 8)) + 1,
        trained_share=chance.choice((None, chance.random())),
    )  # fmt: skip
    verdicts = {one: Verdict(Status.READY if one == method else Status.INCOMPATIBLE, "as made") for one in METHODS}
    report = SimpleNamespace(
        name="org/data", verdicts=verdicts, recommended=method, fixes=(), mappings={}, lengths={}, findings=(),
        columns=dict.fromkeys(COLUMNS[method], "text"), model=f"org/{name}",
    )  # fmt: skip
    settings = {
        name: value
        for name, value in {
            "num_train_epochs": chance.choice((1, 2, 5)), "batch_size": chance.choice((1, 4, 8)),
            "lora_r": chance.choice((8, 64)), "max_length": chance.choice((256, 1024, 4096)),
        }.items()
        if chance.random() < 0.3
    }  # fmt: skip
    request = PlanRequest(
        None, method, chance.choice((None, "lora", "none")), chance.choice((None, None, "a10g-large", "t4-small")),
        "me/it", chance.random() < 0.7, settings,
    )  # fmt: skip
    return facts, report, data, (chance.choice(HERE), *FLAVORS), request
