"""CPU seconds of `import ipywidgets, anywidget` and of using `hfft.FineTuner`, in turn, in one run.

python -m tests.bench.bench_import [OTHER CHECKOUT] [--small]
"""

from __future__ import annotations

import json
import sys

HOST = "import ipywidgets, anywidget"
CODES = (
    "pass",
    "import hfft_widgets",
    HOST,
    "import hfft_widgets as hfft; hfft.FineTuner",
    "import hfft_widgets as hfft; hfft.FineTuner()",
    "import hfft_widgets as hfft; hfft.validate, hfft.ValidationReport, hfft.TrainingPlan",
)

BOUNDS = {"import hfft_widgets as hfft; hfft.FineTuner": 1.5, "import hfft_widgets as hfft; hfft.FineTuner()": 2}


def main() -> None:
    from tests.bench import turns

    words = turns.asked(__doc__)
    found = turns.least(__file__, ["child"], words.checkouts, rounds=1 if words.small else 7)
    print(turns.table(found))
    seconds = {code: value - found["this"]["pass"] for code, value in found["this"].items()}
    for code, bound in BOUNDS.items():
        print(f"{seconds[code] / seconds[HOST]:10.2f}x  of {HOST} (at most {bound}x)  {code}")


def child() -> None:
    import resource
    import subprocess

    found = {}
    for code in CODES:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found[code] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps(found))


if __name__ == "__main__":
    child() if sys.argv[1:] == ["child"] else main()
