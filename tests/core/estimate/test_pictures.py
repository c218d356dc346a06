"""Tokens of pictures, against the processors of transformers themselves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfft_widgets.core.estimate.pictures import picture_tokens

sides = st.integers(28, 5000)  # Qwen-VL refuses a ratio of more than 200


@pytest.fixture(scope="module")
def qwen() -> Any:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    return Qwen2VLImageProcessorPil(size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 1280})


@pytest.fixture(scope="module")
def idefics() -> Any:
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    return Idefics3ImageProcessorPil(size={"longest_edge": 4 * 364}, max_image_size={"longest_edge": 364})


@given(sides, sides)
@settings(deadline=None)
def test_a_grid_at_the_picture_s_own_size(qwen: Any, height: int, width: int) -> None:
    config = {"vision_config": {"patch_size": 14, "spatial_merge_size": 2}}
    mine = picture_tokens(config, {"size": dict(qwen.size)}, height=height, width=width)
    assert mine == qwen.get_number_of_image_patches(height, width, {}) // qwen.merge_size**2
    assert mine == picture_tokens(
        config, {"min_pixels": 56 * 56, "max_pixels": 28 * 28 * 1280}, height=height, width=width
    )


@given(sides, sides)
@settings(deadline=None)
def test_tiles_and_the_whole(idefics: Any, height: int, width: int) -> None:
    config = {"scale_factor": 2, "vision_config": {"image_size": 364, "patch_size": 14}}
    preprocessor = {"size": dict(idefics.size), "max_image_size": dict(idefics.max_image_size)}
    _, rows, columns = idefics.get_number_of_image_patches(height, width)
    each = (364 // 14 // 2) ** 2
    # Idefics3Processor's own sum
    expected = each + 3 + rows * ((each + 2) * columns + 1)
    assert picture_tokens(config, preprocessor, height=height, width=width) == expected


@pytest.mark.parametrize(
    ("config", "tokens"),
    [
        ({"model_type": "llava", "vision_config": {"image_size": 336, "patch_size": 14}}, 576),
        ({"model_type": "llava", "image_seq_length": 576, "vision_config": {"image_size": 28, "patch_size": 14}}, 4),
        ({"model_type": "llava_next", "image_seq_length": 576}, None),
        ({"mm_tokens_per_image": 256, "vision_config": {"image_size": 896, "patch_size": 14}}, 256),
        ({"text_config": {"num_image_tokens": 256}, "vision_config": {"image_size": 224, "patch_size": 14}}, 256),
        ({"vision_config": {"image_size": 224, "patch_size": 14}}, None),
        ({"vision_config": {}}, None),
        ({"model_type": "llava", "vision_config": {"image_size": [224, 224], "patch_size": 14}}, None),
        ({"model_type": "llava", "vision_config": {"image_size": 224, "patch_size": 0}}, None),
        ({"scale_factor": 2, "vision_config": "none"}, None),
        ({}, None),
    ],
)
def test_a_fixed_number(config: dict[str, Any], tokens: int | None) -> None:
    assert picture_tokens(config, {}, height=300, width=400) == tokens
