"""What a person finds on the stand-in Hub who starts it by hand."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from hfft_widgets import samples

if TYPE_CHECKING:
    from tests.standin_hub import StandInHub

CARD = """---
license: other
license_name: psf
tags: [sample]
---
# {name}

{text}
"""


def fill(hub: StandInHub) -> list[str]:
    """The package's own samples as repositories; their names."""
    import datasets

    datasets.disable_progress_bars()
    names = [_dataset(hub, kind) for kind in samples.KINDS]
    gated = _dataset(hub, "messages", "other/python-docs-gated")
    hub.add_dataset(gated, gated="manual")
    hub.add_model(samples.model(), "user/tiny-llama")
    return [*names, gated, "user/tiny-llama"]


def _dataset(hub: StandInHub, kind: str, name: str | None = None) -> str:
    name = name or f"user/python-docs-{kind.replace('_', '-')}"
    parts = samples.dataset(kind).train_test_split(test_size=0.1, seed=0)
    files = {f"data/{split}-00000-of-00001.parquet": _parquet(rows) for split, rows in parts.items()}
    text = "Made on this machine from its own Python's documentation."
    hub.add_dataset(name, files={**files, "README.md": CARD.format(name=name, text=text)})
    return name


def _parquet(rows: object) -> bytes:
    content = io.BytesIO()
    rows.to_parquet(content)  # type: ignore[attr-defined]
    return content.getvalue()
