"""Cards are known by their whole names, models by their size."""

from __future__ import annotations

import pytest

from hfft_widgets.core.plan.hardware import (
    gpu_flavor,
    gpu_name,
    local_gpu,
    recommended_name,
    size_class,
)
from hfft_widgets.errors import PlanError


@pytest.mark.parametrize(
    ("spelled", "card"),
    [
        ("Tesla T4", "T4"), ("NVIDIA T400 4GB", None), ("NVIDIA L4", "L4"), ("NVIDIA L40", None),
        ("NVIDIA L40S", "L40S"), ("NVIDIA A10", "A10G"), ("NVIDIA A10G", "A10G"), ("NVIDIA RTX A1000", None),
        ("NVIDIA A100-SXM4-40GB", "A100-40GB"), ("NVIDIA H100 80GB HBM3", "H100"), ("H100SXM5", "H100"),
        ("NVIDIA GH200 480GB", "H200"), ("NVIDIA GeForce RTX 4090", "RTX 4090"), ("Rubin\x00R9", None), ("", None),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX PRO 6000"),
        ("NVIDIA GeForce RTX 3080 Ti Laptop GPU", "RTX 3080 Ti"), ("GeForce RTX 3080", "RTX 3080"),
        ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"), ("NVIDIA RTX A6000", "RTX A6000"), ("NVIDIA A40", "A40"),
        ("Tesla P100-PCIE-16GB", "P100"), ("rtx 4070 ti super", "RTX 4070 Ti SUPER"), ("3060", "RTX 3060"),
        ("NVIDIA GeForce GTX 1060", None), ("Quadro RTX 4000", None),
    ],
)  # fmt: skip
def test_a_card_is_known_by_its_whole_name(spelled, card):
    assert gpu_name(spelled) == card


def test_size_classes_go_by_the_exact_total():
    assert [size_class(n).name for n in (999_999_999, 1_000_000_000, 3_499_999_999, 3_500_000_000, 8_000_000_000)] == [
        "under 1B", "1B to 3B", "1B to 3B", "4B to 7B", "8B and more",
    ]  # fmt: skip
    assert recommended_name(3_212_749_824) == "a10g-small"


def test_an_unknown_card_is_refused_with_those_known():
    with pytest.raises(PlanError, match="L40S"):
        gpu_flavor("TPU v5")


def test_a_card_in_a_laptop_has_the_chips_name_and_half_its_power():
    desk, lap = (local_gpu(f"NVIDIA GeForce RTX 4080{more}", 2**34) for more in ("", " Laptop GPU"))
    assert lap.attainable_tflops < 0.7 * desk.attainable_tflops
    assert (lap.bf16, local_gpu("NVIDIA GeForce RTX 2080 Ti", 2**33).bf16) == (True, False)


def test_several_cards_share_a_step():
    assert local_gpu("Tesla T4", 2**33, 2).devices == 2
