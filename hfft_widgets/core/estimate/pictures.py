"""How many tokens a picture takes in a vision model, from its config.json and preprocessor_config.json.

The rules are those of transformers' processors: a fixed number, a grid of patches at the picture's own size, or tiles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# names under which configurations say it outright
_FIXED = ("mm_tokens_per_image", "num_image_tokens", "image_seq_length")
# one grid of patches for each picture; what they say of its length is often a default that nobody corrected
_GRIDS = {"llava", "vipllava", "fast_vlm"}
# as many tiles as the picture's shape asks for, or attention across: no rule here
_OTHERS = {"llava_next", "llava_next_video", "llava_onevision", "mllama", "internvl", "phi4_multimodal"}
# Idefics3 and SmolVLM: newline and tile marks beside each tile, then those of the whole picture
_TILE_MARKS, _WHOLE_MARKS = 2, 3
_LARGEST = 4096


def picture_tokens(
    config: Mapping[str, Any], preprocessor: Mapping[str, Any], *, height: int, width: int
) -> int | None:
    """Tokens that a picture takes, or None where these files do not say.

    Args:
        config: A vision model's config.json.
        preprocessor: Its preprocessor_config.json.
        height: Of the picture, in pixels.
        width: The same.

    >>> picture_tokens({"mm_tokens_per_image": 256}, {}, height=480, width=640)
    256
    """
    try:
        return _counted(config, preprocessor, height, width)
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError):
        return None


def _counted(config: Mapping[str, Any], preprocessor: Mapping[str, Any], height: int, width: int) -> int | None:
    vision, kind = config.get("vision_config") or {}, config.get("model_type")
    if kind in _OTHERS:
        return None
    if kind in _GRIDS:
        return (int(vision["image_size"]) // int(vision["patch_size"])) ** 2
    if "scale_factor" in config:
        side = int(vision["patch_size"]) * int(config["scale_factor"])
        return _tiles(int(vision["image_size"]), side, preprocessor, height, width)
    if "spatial_merge_size" in vision:
        return _grid(int(vision["patch_size"]) * int(vision["spatial_merge_size"]), preprocessor, height, width)
    said = (part[name] for part in (config, config.get("text_config") or {}) for name in _FIXED if part.get(name))
    return next(map(int, said), None)


def _grid(side: int, preprocessor: Mapping[str, Any], height: int, width: int) -> int:
    """Qwen-VL and its kin: one token for each `side` x `side` pixels, after a resize to a range of pixels."""
    size = preprocessor.get("size") or {}
    least = preprocessor.get("min_pixels") or size.get("shortest_edge") or 4 * side**2
    most = preprocessor.get("max_pixels") or size.get("longest_edge") or 1280 * side**2
    rows, columns = round(height / side), round(width / side)
    if rows * columns * side**2 > most:
        shrink = math.sqrt(height * width / most)
        return max(1, math.floor(height / shrink / side)) * max(1, math.floor(width / shrink / side))
    if rows * columns * side**2 < least:
        grow = math.sqrt(least / (height * width))
        return math.ceil(height * grow / side) * math.ceil(width * grow / side)
    return rows * columns


def _tiles(tile: int, side: int, preprocessor: Mapping[str, Any], height: int, width: int) -> int:
    """Idefics3 and SmolVLM: the picture in tiles, and once more as a whole."""
    each = (tile // side) ** 2
    if not preprocessor.get("do_image_splitting", True):
        return each + _WHOLE_MARKS
    tile = int((preprocessor.get("max_image_size") or {}).get("longest_edge") or tile)
    longest = int((preprocessor.get("size") or {}).get("longest_edge") or 4 * tile)
    height, width = _scaled(height, width, min(longest, _LARGEST))
    rows, columns = math.ceil(height / tile), math.ceil(width / tile)
    split = rows * (columns * (each + _TILE_MARKS) + 1) if rows * columns > 1 else 0
    return each + _WHOLE_MARKS + split


def _scaled(height: int, width: int, longest: int) -> tuple[int, int]:
    """The size at which the longer side is `longest`, the other one even."""
    shorter = int(longest * min(height, width) / max(height, width))
    shorter = max(1, shorter + shorter % 2)
    return (shorter, longest) if width >= height else (longest, shorter)
