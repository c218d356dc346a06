"""Column statistics as the dataset viewer gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

MAX_LABELS = 30
"""A text column with at most so many different values is one of labels."""
BINS = 10


def column_statistics(name: str, feature: Any, values: Sequence[Any]) -> dict[str, Any] | None:
    """One element of `statistics`; None for a type that has none here (images, dates, dicts)."""
    found = _by_type(feature, values)
    if found is None:
        return None
    return {"column_name": name, "column_type": found[0], "column_statistics": found[1]}


def _by_type(feature: Any, values: Sequence[Any]) -> tuple[str, dict[str, Any]] | None:
    dtype = str(getattr(feature, "dtype", ""))
    if hasattr(feature, "names"):
        return "class_label", _labels([None if value is None else feature.int2str(value) for value in values])
    if dtype == "bool":
        return "bool", _missing(values) | {"frequencies": _counted(values)}
    if dtype in ("string", "large_string"):
        return _texts(values)
    if dtype.startswith(("int", "uint", "float")):
        kind = "float" if dtype.startswith("float") else "int"
        return kind, _numbers(values, whole=kind == "int")
    is_list = isinstance(next((value for value in values if value is not None), None), list)
    return ("list", _numbers(_lengths(values), whole=True)) if is_list else None


def _texts(values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    different = {value for value in values if value is not None}
    if len(different) <= MAX_LABELS and len(different) < len(values):
        return "string_label", _labels(values)
    return "string_text", _numbers(_lengths(values), whole=True)


def _lengths(values: Sequence[Any]) -> list[int | None]:
    return [None if value is None else len(value) for value in values]


def _missing(values: Sequence[Any]) -> dict[str, Any]:
    count = sum(value is None for value in values)
    return {"nan_count": count, "nan_proportion": round(count / len(values), 5) if values else 0.0}


def _counted(values: Sequence[Any]) -> dict[str, int]:
    return dict(Counter(str(value) for value in values if value is not None))


def _labels(values: Sequence[Any]) -> dict[str, Any]:
    frequencies = _counted(values)
    nothing = {"no_label_count": 0, "no_label_proportion": 0.0}
    return _missing(values) | nothing | {"n_unique": len(frequencies), "frequencies": frequencies}


def _numbers(values: Sequence[Any], *, whole: bool) -> dict[str, Any]:
    import numpy as np

    known = np.array([value for value in values if value is not None], dtype=float)
    known = known[np.isfinite(known)]
    if not known.size:
        return _missing(values) | dict.fromkeys(("min", "max", "mean", "median", "std", "histogram"))
    plain = int if whole else float
    edges = np.linspace(known.min(), known.max(), BINS + 1)
    edges = np.unique(np.ceil(edges)) if whole else edges
    counts, edges = np.histogram(known, bins=edges if len(edges) > 1 and edges[0] < edges[-1] else 1)
    return _missing(values) | {
        "min": plain(known.min()),
        "max": plain(known.max()),
        "mean": round(float(known.mean()), 5),
        "median": float(np.median(known)),
        "std": round(float(known.std(ddof=1)), 5) if known.size > 1 else None,
        "histogram": {"hist": [int(count) for count in counts], "bin_edges": [plain(edge) for edge in edges]},
    }
