"""CPU seconds of `import ipywidgets, anywidget` and of using `hfft.FineTuner`, in turn, in one run.

python -m tests.bench.bench_import
"""

from __future__ import annotations

import resource
import subprocess
import sys

BASE = "import ipywidgets, anywidget"
OURS = "import hfft_widgets as hfft; hfft.FineTuner"
SHOWN = "import hfft_widgets as hfft; hfft.FineTuner()"


def cpu_seconds(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(rounds: int = 7) -> None:
    times: dict[str, list[float]] = {BASE: [], OURS: [], SHOWN: []}
    for code in times:
        cpu_seconds(code)
    for _ in range(rounds):
        for code, seen in times.items():
            seen.append(cpu_seconds(code))
    middle = {code: sorted(seen)[rounds // 2] for code, seen in times.items()}
    for code, seconds in middle.items():
        print(f"{seconds:.3f} CPU s  x{seconds / middle[BASE]:.2f}  {code}")


if __name__ == "__main__":
    main()
