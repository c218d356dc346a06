"""The recorded plans are those that the code makes today. `python -m tests.samples.test_agent_plans` records them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from hfft_widgets import samples
from hfft_widgets.core.plan.choose import PlanRequest, recommend
from hfft_widgets.core.plan.data_stats import data_stats
from hfft_widgets.samples import agent_plans
from tests.core.plan.reports import MACHINES, model, report

FILE = Path(samples.__file__).with_name("agent_plans.json")
GOAL, DATA, DESTINATION = "instruction following", "my-team/support-chats", "my-team/support-bot"
WHY = {
    "A": "It costs many times the $2: look at the ceiling, not at the middle of the estimate. No limit was given to "
    "the plan, the machine is the largest there is, and 10 epochs were chosen.",
    "B": "The result goes to a repository that nobody named, and it would be public: look at the destination and at "
    "PUSH_TO in the script. What a model learned from support chats can be asked out of it.",
    "C": "Model, data, destination, privacy and method are what was asked for, only the answers are learned, and the "
    "ceiling is below $2.",
    "D": "It learns the customers' questions too: the reason “Only the answers are learned” is missing, and the script "
    "does not set assistant_only_loss. It would run without an error.",
}


def made() -> dict[str, dict[str, object]]:
    """The plans as this package makes them, with what is to be said of each."""
    found = report("messages", count=600)
    data = dataclasses.replace(
        data_stats(found, "SFT"), name=DATA, reference={"path": DATA, "split": "train"}, rows=4200,
        tokens_per_row=410.0, longest_tokens=980,
    )  # fmt: skip
    facts = dataclasses.replace(model("Qwen3-0.6B"), reference="Qwen/Qwen3-0.6B")

    def plan(push_to: str = DESTINATION, max_usd: float | None = 2.0, **chosen: object) -> dict[str, object]:
        flavor = str(chosen.pop("flavor", "t4-small"))
        request = PlanRequest(goal=GOAL, flavor=flavor, push_to=push_to, max_usd=max_usd, settings=chosen)
        return recommend(facts, found, data, MACHINES, request).to_dict("card")

    plans = {
        "A": plan(max_usd=None, flavor="h200x8", num_train_epochs=10),
        "B": plan(push_to="helper-bot/support-bot", private=False),
        "C": plan(),
        "D": plan(assistant_only_loss=False),
    }
    return {name: {"values": values, "sign": name == "C", "why": WHY[name]} for name, values in plans.items()}


def test_they_are_what_the_code_makes_today():
    assert json.loads(FILE.read_text("utf-8")) == made(), f"record them anew: python -m {__spec__.name}"


def test_each_shows_its_fault_and_one_has_none():
    plans = agent_plans()
    dear, elsewhere, good, unmasked = plans.values()
    assert [one.sign for one in plans.values()] == [False, False, True, False]
    assert dear.values["estimate"]["ceiling_usd"] >= 20
    assert good.values["estimate"]["ceiling_usd"] <= 2
    assert 'PUSH_TO = "helper-bot/support-bot"' in elsewhere.recipe
    assert f'PUSH_TO = "{DESTINATION}"' in good.recipe
    assert "assistant_only_loss=True" in good.recipe
    assert "assistant_only_loss=True" not in unmasked.recipe
    words = "Only the answers are learned"
    assert [words in str(one) for one in plans.values()] == [True, True, True, False]
    for one in plans.values():
        assert "my-team/support-chats" in one.to_markdown()
        assert "card" not in one.to_dict()
    assert FILE.stat().st_size < 200_000


if __name__ == "__main__":
    FILE.write_text(json.dumps(made(), indent=1) + "\n", "utf-8")
