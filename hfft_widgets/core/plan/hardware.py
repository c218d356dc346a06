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
class FinishedRun:
    """A training of one's own that has ended well: what its steps took against what was estimated.

    Attributes:
        method: A name in `METHODS`.
        peft: How its weights were trained, see `PEFT`.
        parameters: Of the model.
        step_tokens: Tokens of one optimizer step on one device, padding included.
        ratio: Seconds of a step, as a share of what the arithmetic said before any correction.
        pilot: Whether it was a pilot: its steps were timed without its start.
        memory: Of a pilot, which begins with the longest rows, the most that torch held on a card, as a share of what
            the arithmetic said; 0: not known.
    """

    method: str
    peft: str
    parameters: int
    step_tokens: float
    ratio: float
    pilot: bool = False
    memory: float = 0.0


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
        note: What a plan for it should say, "" if nothing.
        finished: One's own runs on it that have ended well.
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
    note: str = ""
    finished: tuple[FinishedRun, ...] = ()

    @property
    def host(self) -> str:
        """The backend that runs it."""
        return host_of(self.name)

    @property
    def devices(self) -> int:
        """Devices that share a step; a machine without a GPU is one."""
        return max(1, self.gpus)

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


def host_of(flavor: str) -> str:
    """The backend that runs a flavor: this machine, Hugging Face Jobs, or the one before the colon.

    >>> host_of("local"), host_of("a100-large"), host_of("elsewhere:big")
    ('local', 'jobs', 'elsewhere')
    """
    host, colon, _ = flavor.partition(":")
    return host if colon or flavor == "local" else "jobs"


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
    "T4": Gpu(14.74, 65, 320, 0.55, 4, bf16=False, measured=True),
    "L4": Gpu(22.0, 121, 300, 0.55, 48),
    "A10G": Gpu(22.0, 70, 600, 0.95, 6),
    "L40S": Gpu(44.4, 362, 864, 0.75, 96, measured=True),
    "A100-40GB": Gpu(39.49, 312, 1555, 1.0, 40, link=250, measured=True),
    "A100": Gpu(79.25, 312, 2039, 1.0, 40, link=250, measured=True),
    "RTX PRO 6000": Gpu(94.9, 500, 1792, 0.75, 128),
    "H100": Gpu(79.1, 989, 3350, 0.72, 50, link=350, measured=True),
    "H200": Gpu(139.8, 989, 4800, 0.72, 50, link=350),
    # What people own. TFLOP/s with sums in float32, which is half the other figure on GeForce cards: NVIDIA's papers on
    # the Turing, Ampere, Ada and Blackwell architectures. Nobody's timings went into the constants.
    "RTX 2060": Gpu(5.8, 26, 336, 0.75, 3, bf16=False),
    "RTX 2070": Gpu(7.8, 30, 448, 0.75, 4, bf16=False),
    "RTX 2080": Gpu(7.8, 40, 448, 0.75, 4, bf16=False),
    "RTX 2080 Ti": Gpu(10.8, 54, 616, 0.75, 5.5, bf16=False),
    "RTX 3050": Gpu(7.8, 18, 224, 0.75, 2),
    "RTX 3060": Gpu(11.8, 26, 360, 0.75, 3),
    "RTX 3060 Ti": Gpu(7.8, 32, 448, 0.75, 4),
    "RTX 3070": Gpu(7.8, 41, 448, 0.75, 4),
    "RTX 3070 Ti": Gpu(7.8, 43, 608, 0.75, 4),
    "RTX 3080": Gpu(9.8, 60, 760, 0.75, 5),
    "RTX 3080 Ti": Gpu(11.8, 68, 912, 0.75, 6),
    "RTX 3090": Gpu(23.6, 71, 936, 0.75, 6),
    "RTX 3090 Ti": Gpu(23.6, 80, 1008, 0.75, 6),
    "RTX 4050": Gpu(5.8, 18, 192, 0.75, 12),
    "RTX 4060": Gpu(7.8, 30, 272, 0.75, 24),
    "RTX 4060 Ti": Gpu(7.8, 44, 288, 0.75, 32),
    "RTX 4070": Gpu(11.8, 58, 504, 0.75, 36),
    "RTX 4070 SUPER": Gpu(11.8, 71, 504, 0.75, 48),
    "RTX 4070 Ti": Gpu(11.8, 80, 504, 0.75, 48),
    "RTX 4070 Ti SUPER": Gpu(15.7, 88, 672, 0.75, 48),
    "RTX 4080": Gpu(15.7, 97, 717, 0.75, 64),
    "RTX 4080 SUPER": Gpu(15.7, 104, 736, 0.75, 64),
    "RTX 4090": Gpu(23.5, 165, 1008, 0.75, 72),
    "RTX 5060": Gpu(7.8, 38, 448, 0.75, 32),
    "RTX 5060 Ti": Gpu(15.6, 47, 448, 0.75, 32),
    "RTX 5070": Gpu(11.8, 62, 672, 0.75, 48),
    "RTX 5070 Ti": Gpu(15.7, 88, 896, 0.75, 48),
    "RTX 5080": Gpu(15.7, 113, 960, 0.75, 64),
    "RTX 5090": Gpu(31.4, 210, 1792, 0.75, 96),
    "RTX 6000 Ada": Gpu(47.4, 364, 960, 0.75, 96),
    "RTX A4000": Gpu(15.7, 77, 448, 0.75, 4),
    "RTX A5000": Gpu(23.6, 111, 768, 0.75, 6),
    "RTX A6000": Gpu(47.4, 155, 768, 0.75, 6),
    "A40": Gpu(44.4, 150, 696, 0.75, 6),
    "V100": Gpu(15.8, 112, 900, 0.75, 6, bf16=False),
    "P100": Gpu(15.9, 19, 732, 0.9, 4, bf16=False),
}
# As its driver calls a card in a portable computer, which has the chip's name and about half of its power.
_PORTABLE = re.compile(r"laptop|max-q|mobile", re.IGNORECASE)
_PORTABLE_SHARE = 0.6

_CPU_TFLOPS = 0.03  # float32 per virtual CPU: about what one core of a server reaches in a large matrix product

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
    >>> gpu_name("NVIDIA GeForce RTX 4070 Ti SUPER"), gpu_name("Tesla V100-SXM2-32GB"), gpu_name("4090")
    ('RTX 4070 Ti SUPER', 'V100', 'RTX 4090')
    """
    letters = re.sub(r"^\s*(?=[2-5]0[5-9]0)", "RTX ", spelled.upper())
    if _names("A100", letters):
        return "A100-40GB" if "40GB" in letters else "A100"
    # an A10 is nearly an A10G
    named = sorted((name for name in GPUS if _names(name.upper(), letters)), key=len)  # the longest says most
    return (named[-1] if named else None) or ("A10G" if _names("A10", letters) else None)


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


def cpu_flavor(name: str, cpus: float, gigabytes: float, usd_per_hour: float) -> Flavor:
    """A machine without a GPU, of so many virtual CPUs."""
    return Flavor(name, "", 0, int(gigabytes * 1e9), usd_per_hour, cpus * _CPU_TFLOPS, 20.0, bf16=False)


CPU_FLAVORS: tuple[Flavor, ...] = tuple(
    cpu_flavor(*values)
    for values in (
        ("cpu-basic", 2, 16, 0.01),
        ("cpu-upgrade", 8, 32, 0.03),
        ("cpu-xl", 16, 124, 1.00),
        ("cpu-performance", 32, 256, 1.90),
    )
)
"""Enough for an export, which computes little."""


def local_flavor(memory_bytes: int, tflops: float) -> Flavor:
    """This machine without a GPU: its memory and its measured float32 speed."""
    return Flavor("local", "", 0, memory_bytes, 0.0, tflops, 20.0, bf16=False)


def local_gpu(gpu: str, memory_bytes: int, gpus: int = 1) -> Flavor:
    """This machine with GPUs of one kind; an unknown card is taken as an L4, which the plan says.

    Args:
        gpu: Its name, as the driver has it.
        memory_bytes: Free memory of one; of several that of the fullest.
        gpus: How many there are.
    """
    known = gpu_flavor(gpu_name(gpu) or "L4", gpus, name="local")
    share = _PORTABLE_SHARE if _PORTABLE.search(gpu) else 1.0
    return replace(known, gpu=gpu, memory_bytes=memory_bytes, sustained=known.sustained * share)


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
