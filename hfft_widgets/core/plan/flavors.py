"""Hardware a run can use: the flavors of Hugging Face Jobs with their prices, and this machine.

The table is a dated copy of the Hub's documentation; live prices replace it where they are known.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """

    name: str
    gpu: str
    gpus: int
    memory_bytes: int
    usd_per_hour: float
    tflops: float
    gigabytes_per_second: float
    bf16: bool

    @property
    def where(self) -> str:
        """The machine in a few words."""
        if not self.gpu:
            return "CPU"
        return self.gpu if self.gpus == 1 else f"{self.gpus} x {self.gpu}"


# (usable GiB as torch reports it, peak dense 16-bit TFLOP/s, GB/s, bfloat16 in hardware).
# TFLOP/s: trl/trainer/utils.py _PEAK_FLOPS_BY_DEVICE (A10G: 70, its dense rate); bandwidth: vendor data sheets.
_GPUS = {
    "T4": (14.74, 65, 320, False),
    "L4": (22.0, 121, 300, True),
    "A10G": (22.0, 70, 600, True),
    "L40S": (44.4, 362, 864, True),
    "A100": (79.25, 312, 2039, True),
    "RTX PRO 6000": (94.9, 500, 1792, True),
    "H200": (139.8, 989, 4800, True),
}

_TABLE = (
    ("t4-small", "T4", 1, 0.40),
    ("t4-medium", "T4", 1, 0.60),
    ("l4x1", "L4", 1, 0.80),
    ("a10g-small", "A10G", 1, 1.00),
    ("a10g-large", "A10G", 1, 1.50),
    ("l40sx1", "L40S", 1, 1.80),
    ("a100-large", "A100", 1, 2.50),
    ("rtx-pro-6000", "RTX PRO 6000", 1, 2.75),
    ("h200", "H200", 1, 5.00),
)


def _flavor(name: str, gpu: str, gpus: int, usd_per_hour: float) -> Flavor:
    gib, tflops, bandwidth, bf16 = _GPUS[gpu]
    return Flavor(name, gpu, gpus, int(gib * 2**30), usd_per_hour, tflops, bandwidth, bf16)


FLAVORS: tuple[Flavor, ...] = tuple(_flavor(*row) for row in _TABLE)


def local_flavor(memory_bytes: int, tflops: float) -> Flavor:
    """This machine without a GPU: its memory and its measured float32 speed."""
    return Flavor("local", "", 0, memory_bytes, 0.0, tflops, 20.0, bf16=False)


def local_gpu(gpu: str, memory_bytes: int) -> Flavor:
    """This machine with a GPU; an unknown card is taken as an L4 and the estimate says so by its range."""
    known = next((key for key in _GPUS if key.lower() in gpu.lower()), "L4")
    _, tflops, bandwidth, bf16 = _GPUS[known]
    return Flavor("local", gpu, 1, memory_bytes, 0.0, tflops, bandwidth, bf16)


def recommended_name(parameters: int) -> str:
    """The flavor by size class, from the exact parameter count.

    Below 1.0 B t4-small, below 3.5 B a10g-small, below 8.0 B a10g-large; larger ones a100-large.

    >>> recommended_name(596_049_920), recommended_name(1_720_574_976), recommended_name(7_615_616_512)
    ('t4-small', 'a10g-small', 'a10g-large')
    """
    for limit, name in ((1.0e9, "t4-small"), (3.5e9, "a10g-small"), (8.0e9, "a10g-large")):
        if parameters < limit:
            return name
    return "a100-large"
