"""Hardware a run can use: the flavors of Hugging Face Jobs with their prices, and this machine.

The table is a dated copy of the Hub's documentation; live prices replace it where they are known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from hfft_widgets.errors import PlanError

PRICES_DATE = "2026-08-20"
PRICES_SOURCE = "huggingface/hub-docs@0b8c07f docs/hub/jobs-pricing.md"


@dataclass(frozen=True)
class Flavor:
    """One kind of machine.

    Attributes:
        name: As Hugging Face Jobs calls it, or "local".
        gpu: Name of the GPU, or "" for a CPU machine.
        gpus: Number of GPUs.
        memory_bytes: Usable memory of one GPU; of the machine if it has none.
        usd_per_hour: Price; 0 on this machine.
        tflops: Peak dense 16-bit TFLOP/s of one GPU; on a CPU machine measured float32 TFLOP/s, all cores.
        gigabytes_per_second: Memory bandwidth of one GPU.
        bf16: Whether bfloat16 is computed in hardware.
        sustained: Share of the peak that power and schedulers leave, relative to an A100.
        cache_bytes: Second-level cache of one GPU.
        link_gigabytes_per_second: Between the GPUs of one machine.
        measured: Whether published timings of this card went into the constants: its times are surer.
        prices_source: Where the price is from.
        prices_date: The day of that price, ISO.
        startup_seconds: Paid before and after the training, as (low, mid, high) of earlier runs; None: not measured.
    """

    name: str
    gpu: str
    gpus: int
    memory_bytes: int
    usd_per_hour: float
    tflops: float
    gigabytes_per_second: float
    bf16: bool
    sustained: float = 1.0
    cache_bytes: float = 4e6
    link_gigabytes_per_second: float = 12.0
    measured: bool = False
    prices_source: str = PRICES_SOURCE
    prices_date: str = PRICES_DATE
    startup_seconds: tuple[float, float, float] | None = None

    @property
    def attainable_tflops(self) -> float:
        """16-bit TFLOP/s that do not exceed the card's power."""
        return self.tflops * self.sustained

    @property
    def where(self) -> str:
        """The machine in a few words."""
        if not self.gpu:
            return "CPU"
        return self.gpu if self.gpus == 1 else f"{self.gpus} x {self.gpu}"

    def priced(self, usd_per_hour: float, *, source: str, date: str) -> Flavor:
        """The same machine at a newer price, with where and when that was read."""
        return replace(self, usd_per_hour=usd_per_hour, prices_source=source, prices_date=date)


@dataclass(frozen=True)
class Gpu:
    """One kind of card.

    Attributes:
        gib: Usable GiB as torch reports them.
        tflops: Peak dense 16-bit TFLOP/s.
        gigabytes_per_second: Memory bandwidth.
        sustained: See `Flavor.sustained`.
        cache_megabytes: Second-level cache.
        bf16: Whether bfloat16 is computed in hardware.
        link: GB/s to the other cards of a machine: NVLink, or PCIe 4 as it is reached.
        measured: See `Flavor.measured`.
    """

    gib: float
    tflops: float
    gigabytes_per_second: float
    sustained: float = 1.0
    cache_megabytes: float = 40
    bf16: bool = True
    link: float = 12.0
    measured: bool = False


# Usable GiB: T4 and A100 from TRL's notebooks, the others from vendors' data sheets less 2 %. TFLOP/s: trl 1.16
# trl/trainer/utils.py _PEAK_FLOPS_BY_DEVICE (A10G: 70, its dense rate, where TRL gives the A10's 125); bandwidth and
# cache: data sheets. Sustained: cards of 70 W (T4, L4) hold about half of their peak; Hopper's peak is reached by
# kernels that torch's eager mode does not use (MosaicML's llm-foundry: 35-46 % on H100 where A100 has 45-64 %).
GPUS = {
    "T4": Gpu(14.74, 65, 320, 0.55, 4, bf16=False),
    "L4": Gpu(22.0, 121, 300, 0.55, 48),
    "A10G": Gpu(22.0, 70, 600, 0.95, 6),
    "L40S": Gpu(44.4, 362, 864, 0.75, 96, measured=True),
    "A100-40GB": Gpu(39.49, 312, 1555, 1.0, 40, link=250, measured=True),
    "A100": Gpu(79.25, 312, 2039, 1.0, 40, link=250, measured=True),
    "RTX PRO 6000": Gpu(94.9, 500, 1792, 0.75, 128),
    "H100": Gpu(79.1, 989, 3350, 0.72, 50, link=350, measured=True),
    "H200": Gpu(139.8, 989, 4800, 0.72, 50, link=350),
}

_TABLE = (
    ("t4-small", "T4", 1, 0.40),
    ("t4-medium", "T4", 1, 0.60),
    ("l4x1", "L4", 1, 0.80),
    ("l4x4", "L4", 4, 3.80),
    ("a10g-small", "A10G", 1, 1.00),
    ("a10g-large", "A10G", 1, 1.50),
    ("a10g-largex2", "A10G", 2, 3.00),
    ("a10g-largex4", "A10G", 4, 5.00),
    ("l40sx1", "L40S", 1, 1.80),
    ("l40sx4", "L40S", 4, 8.30),
    ("l40sx8", "L40S", 8, 23.50),
    ("a100-large", "A100", 1, 2.50),
    ("a100x4", "A100", 4, 10.00),
    ("a100x8", "A100", 8, 20.00),
    ("rtx-pro-6000", "RTX PRO 6000", 1, 2.75),
    ("rtx-pro-6000x2", "RTX PRO 6000", 2, 5.50),
    ("rtx-pro-6000x4", "RTX PRO 6000", 4, 11.00),
    ("rtx-pro-6000x8", "RTX PRO 6000", 8, 22.00),
    ("h200", "H200", 1, 5.00),
    ("h200x2", "H200", 2, 10.00),
    ("h200x4", "H200", 4, 20.00),
    ("h200x8", "H200", 8, 40.00),
)


def gpu_flavor(gpu: str, gpus: int = 1, *, name: str = "", usd_per_hour: float = 0.0) -> Flavor:
    """A machine with so many cards of a kind in `GPUS`, also one that no flavor has.

    Raises:
        PlanError: The card is not known, or their number is none.
    """
    if isinstance(gpus, bool) or not isinstance(gpus, int) or gpus < 1:
        raise PlanError(f"gpus is {gpus!r}.", remedy="It must be a whole number of at least 1.")
    known = gpu_name(gpu)
    if known is None:
        raise PlanError(f"Unknown GPU {gpu!r}.", remedy=f"Choose one of {', '.join(GPUS)}.")
    card = GPUS[known]
    return Flavor(
        name=name or f"{gpus} x {known}",
        gpu=known,
        gpus=gpus,
        memory_bytes=int(card.gib * 2**30),
        usd_per_hour=usd_per_hour,
        tflops=card.tflops,
        gigabytes_per_second=card.gigabytes_per_second,
        bf16=card.bf16,
        sustained=card.sustained,
        cache_bytes=card.cache_megabytes * 1e6,
        link_gigabytes_per_second=card.link,
        measured=card.measured,
    )


def gpu_name(spelled: str) -> str | None:
    """The name in `GPUS` of a card as a driver, a table or a person spells it, or None.

    >>> gpu_name("NVIDIA A100-SXM4-80GB"), gpu_name("RTXPRO6000"), gpu_name("A100-40GB"), gpu_name("RTX A1000")
    ('A100', 'RTX PRO 6000', 'A100-40GB', None)
    """
    letters = spelled.upper()
    if _names("A100", letters):
        return "A100-40GB" if "40GB" in letters else "A100"
    # an A10 is nearly an A10G
    return next((name for name in GPUS if _names(name, letters)), None) or ("A10G" if _names("A10", letters) else None)


def _names(card: str, letters: str) -> bool:
    """Whether a card is named: no part of a longer name, as the L4 is in L40 and the A100 in RTX A1000."""
    spelled = card.replace(" ", "[ _-]?")
    return re.search(rf"(?<![A-Z0-9])G?{spelled}(?![0-9])", letters) is not None


def gpu_machine(gpu: str, gpus: int = 1) -> Flavor:
    """The cheapest flavor with these cards; one without a price, which its source says, if no flavor has them.

    Raises:
        PlanError: The card is not known.
    """
    machine = gpu_flavor(gpu, gpus)
    same = [flavor for flavor in FLAVORS if (flavor.gpu, flavor.gpus) == (machine.gpu, gpus)]
    unpriced = machine.priced(0.0, source=f"no flavor of Hugging Face Jobs has {machine.name}", date="")
    return min(same, key=lambda flavor: flavor.usd_per_hour, default=unpriced)


FLAVORS: tuple[Flavor, ...] = tuple(
    gpu_flavor(gpu, gpus, name=name, usd_per_hour=usd_per_hour) for name, gpu, gpus, usd_per_hour in _TABLE
)


def local_flavor(memory_bytes: int, tflops: float) -> Flavor:
    """This machine without a GPU: its memory and its measured float32 speed."""
    return Flavor("local", "", 0, memory_bytes, 0.0, tflops, 20.0, bf16=False)


def local_gpu(gpu: str, memory_bytes: int) -> Flavor:
    """This machine with a GPU; an unknown card is taken as an L4 and the estimate says so by its range."""
    return replace(gpu_flavor(gpu_name(gpu) or "L4", name="local"), gpu=gpu, memory_bytes=memory_bytes)


@dataclass(frozen=True)
class SizeClass:
    """Models that take the same hardware.

    Attributes:
        name: What people call them.
        below: They have fewer parameters than this.
        flavors: The usual ones, the first is the default.
    """

    name: str
    below: float
    flavors: tuple[str, ...]


# the rules of the field, by exact totals: a model of 3.2 billion parameters is a "3B", one of 7.6 billion a "7B"
SIZE_CLASSES = (
    SizeClass("under 1B", 1.0e9, ("t4-small",)),
    SizeClass("1B to 3B", 3.5e9, ("a10g-small", "t4-medium")),
    SizeClass("4B to 7B", 8.0e9, ("a10g-large", "a100-large")),
    SizeClass("8B and more", float("inf"), ("a100-large",)),
)


def size_class(parameters: int) -> SizeClass:
    """The size class of an exact parameter count.

    >>> size_class(3_212_749_824).name, size_class(7_615_616_512).name, size_class(8_030_261_248).name
    ('1B to 3B', '4B to 7B', '8B and more')
    """
    return next(size for size in SIZE_CLASSES if parameters < size.below)


def recommended_name(parameters: int) -> str:
    """The default flavor of the size class.

    >>> recommended_name(596_049_920), recommended_name(1_720_574_976), recommended_name(7_615_616_512)
    ('t4-small', 'a10g-small', 'a10g-large')
    """
    return size_class(parameters).flavors[0]
