"""The grid, as a table. See the package."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

from hfft_widgets.core.plan.hardware import Flavor, gpu_machine, local_flavor
from tests.bench.gpu.measure import Measured, measure
from tests.bench.gpu.setups import TOY, USUAL, Setup, lengths, rivals, shapes, variations

HEAD = f"{'':34}{'tokens/s':>10}{'tokens/$':>12}{'GiB':>7}{'loss':>8}{'said/took, s':>14}{'said/took, B':>14}"


def machine() -> Flavor:
    """The machine that is here, with the price of the flavor that has its card; without a card there is none."""
    import torch

    if not torch.cuda.is_available():
        return local_flavor(8 * 2**30, 0.1)
    return gpu_machine(torch.cuda.get_device_name())


def line(setup: Setup, found: Measured | str, usd_per_hour: float) -> str:
    """One row of the table."""
    if isinstance(found, str):
        return f"{setup.name:34}{found}"
    dollars = f"{found.tokens_per_second * 3600 / usd_per_hour / 1e6:,.1f} M" if usd_per_hour else "open"
    said = ("", "")
    if setup.expected is not None:
        seconds, size = setup.expected
        said = f"{seconds / found.step_seconds:.2f}", f"{size / found.peak_bytes:.2f}" if found.peak_bytes else "open"
    memory = f"{found.peak_bytes / 2**30:.1f}" if found.peak_bytes else "open"
    return (
        f"{setup.name:34}{found.tokens_per_second:>10,.0f}{dollars:>12}{memory:>7}{found.loss:>8.3f}"
        f"{said[0]:>14}{said[1]:>14}"
    )


def grid(shape: str, here: Flavor, rows: list[int], batches: tuple[int, ...]) -> Iterator[Setup]:
    """What is measured of a shape: whole settings first, then single choices."""
    sides = list(rivals(shape, here, rows))
    yield from sides
    yield from variations(sides[0], here, batches)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gpu")
    parser.add_argument("shapes", nargs="*", choices=[*shapes(), []], help=f"as {', '.join(USUAL)}, which are usual")
    parser.add_argument("--minutes", type=float, default=25.0, help="no cell begins after so many")
    parser.add_argument("--seconds", type=float, default=15.0, help="of training that are timed in a cell")
    parser.add_argument("--toy", action="store_true", help="a toy, on whatever is here")
    asked = parser.parse_args()
    here, began = machine(), time.monotonic()
    toy = asked.toy or not here.gpu
    rows = lengths(160, mean=24) if toy else lengths(12_000)
    batches, seconds = ((2,), 0.3) if toy else ((1, 2, 4, 8, 16, 32), asked.seconds)
    for shape in (TOY,) if toy else asked.shapes or USUAL:
        print(f"{shape} on {here.where}, {len(rows):,} rows, {sum(rows) / len(rows):.0f} tokens each\n{HEAD}")
        for setup in grid(shape, here, rows, batches):
            late = time.monotonic() - began > 60 * asked.minutes
            found = "not measured: the minutes are over" if late else measure(shapes()[shape], setup, rows, seconds)
            print(line(setup, found, here.usd_per_hour), flush=True)
    if toy:
        print("No figure of this says anything about a card: they stay open until it runs on one.")


if __name__ == "__main__":
    main()
