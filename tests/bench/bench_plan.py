"""CPU seconds from a report to a plan, its estimate, script and card, for the sample; and of `hfft.estimate`.

    python -m tests.bench.bench_plan [OTHER CHECKOUT] [--small]

"first" is with what has to be imported; "again" is the mean of twenty more, as each change in the planner costs. The
sample and its report are made before, and not counted.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

CONFIG = {"model_type": "qwen3", "hidden_size": 1024, "num_hidden_layers": 28, "num_attention_heads": 16,
          "num_key_value_heads": 8, "intermediate_size": 3072, "vocab_size": 151936, "tie_word_embeddings": True,
          "head_dim": 128}  # fmt: skip
AGAIN = 20


def main() -> None:
    from tests.bench import turns

    words = turns.asked(__doc__)
    print(turns.table(turns.least(__file__, ["child"], words.checkouts, rounds=1 if words.small else 5)))


def child() -> None:
    import hfft_widgets as hfft

    report = hfft.validate("sample:messages", model="sample:model")
    plans: list[hfft.TrainingPlan] = []
    found: dict[str, float] = {}

    def counted(name: str, does: Callable[[int], object]) -> None:
        times = []
        for number in range(1 + AGAIN):
            before = time.process_time()
            does(number)
            times.append(time.process_time() - before)
        found[f"{name}, first"], found[f"{name}, again"] = times[0], sum(times[1:]) / AGAIN

    counted("plan", lambda n: plans.append(hfft.plan_training("sample:model", report, max_steps=50 + n)))
    counted("its estimate", lambda n: plans[n].estimate)
    counted("its script", lambda n: plans[n].script)
    counted("its card", lambda n: plans[n]._repr_html_())
    counted("a change and its estimate", lambda n: plans[n].replace(batch_size=2).estimate)
    counted("hfft.estimate", lambda n: hfft.estimate(CONFIG, rows=1000 + n))
    print(json.dumps(found))


if __name__ == "__main__":
    child() if sys.argv[1:] == ["child"] else main()
