"""How often the diagnosis is right: the logs of the tests, and what each becomes when it is carried another way.

    python -m tests.bench.bench_diagnosis [--small]

Each log is read as it is, cut to its end, without its exit code, and as Docker, Kubernetes, srun, Ray and torchrun
print it. The matrix says, class by class, what it was taken for.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from hfft_widgets.core.run.diagnosis import diagnose_log

CASES = json.loads((Path(__file__).parents[1] / "core/run/diagnosis/failures.json").read_text("utf-8"))
NOISE = "".join(f"{{'loss': '{3 - i / 200:.3f}', 'grad_norm': '1.2', 'epoch': '{i / 500:.2f}'}}\n" for i in range(400))
RIGHT, WRONG = 0.85, 0.03  # what must be reached


def each_line(prefix: str) -> Callable[[str], str]:
    return lambda log: "".join(f"{prefix}{line}\n" for line in log.rstrip("\n").split("\n"))


WAYS: dict[str, Callable[[str], str]] = {
    "as it is": lambda log: log,
    "its end": lambda log: log[-6000:],
    "after hours": lambda log: NOISE + log,
    "docker compose": each_line("trainer-1  | "),
    "kubernetes": each_line("2026-11-29T01:02:03.123456789Z stderr F "),
    "srun": lambda log: log if "[rank" in log else each_line("3: [rank3]: ")(log),
    "torchrun --tee": lambda log: log if "[rank" in log else each_line("[default0]:")(log),
    "ray": lambda log: log if "[rank" in log else each_line("(RayTrainWorker pid=811, ip=10.0.0.3) ")(log),
    "windows line ends": lambda log: log.replace("\n", "\r\n"),
    "with a farewell": lambda log: log + "wandb: You can sync this run to the cloud by running:\nwandb: wandb sync x\n",
}


def main() -> int:
    ways = list(WAYS)[:2] if "--small" in sys.argv else list(WAYS)
    taken: dict[str, Counter[str]] = defaultdict(Counter)
    score: dict[str, Counter[str]] = defaultdict(Counter)
    for way in ways:
        for case in CASES:
            found = diagnose_log(WAYS[way](case["log"]), case["exit_code"], case["message"])
            name = found.name if found else ""
            taken[case["class"]][name] += 1
            score[way]["right" if name == case["class"] else "wrong" if name else "unknown"] += 1
    print(f"{len(CASES)} logs, {len(taken) - 1} classes and those that are unknown\n")
    for true, counts in sorted(taken.items()):
        row = ", ".join(f"{name or '(unknown)'} {count}" for name, count in counts.most_common())
        print(f"{true or '(unknown)':18} {row}")
    print()
    total = Counter[str]()
    for way, counts in score.items():
        total += counts
        print(f"{way:18} {_shares(counts)}")
    print(f"{'all':18} {_shares(total)}")
    good = total["right"] >= RIGHT * total.total() and total["wrong"] <= WRONG * total.total()
    return 0 if good else 1


def _shares(counts: Counter[str]) -> str:
    return ", ".join(f"{kind} {counts[kind] / counts.total():.1%}" for kind in ("right", "unknown", "wrong"))


if __name__ == "__main__":
    sys.exit(main())
