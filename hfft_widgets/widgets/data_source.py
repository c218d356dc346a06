"""Which dataset, which part of it, and for which model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as W  # noqa: N812

from hfft_widgets.core.data.views_words import shown
from hfft_widgets.widgets.data_parts import visible, wide, wrapped

SAMPLES = ("sample:messages", "sample:prompt_completion", "sample:preference", "sample:verifiable")
_STYLE = {"description_width": "70px"}


class SourcePart(W.VBox):
    """The fields above the card. Those for configuration and split appear when there is something to choose."""

    def __init__(self, data: Any, model: Any) -> None:
        self._given = None if data is None or isinstance(data, str) else data
        self._splits: Mapping[str, Sequence[str]] = {}
        name = data if isinstance(data, str) else "" if data is None else f"({type(data).__name__} in this notebook)"
        self.dataset = W.Combobox(
            value=name,
            options=SAMPLES,
            ensure_option=False,
            description="Dataset",
            layout=wide(),
            style=_STYLE,
            continuous_update=False,
            placeholder="a Hub id, a file (JSON, JSONL, Parquet, CSV), or a sample",
        )
        self.model = W.Text(
            value="" if model is None else str(model),
            description="Model",
            layout=wide(),
            style=_STYLE,
            continuous_update=False,
            placeholder="optional: a Hub id or folder, e.g. Qwen/Qwen3-0.6B",
        )
        self.config = W.Dropdown(description="Config", style=_STYLE, layout=W.Layout(width="320px", display="none"))
        self.split = W.Dropdown(description="Split", style=_STYLE, layout=W.Layout(width="320px", display="none"))
        self.dataset.observe(lambda _: self._forget(), "value")
        self.config.observe(lambda _: self._offer_splits(), "value")
        super().__init__([self.dataset, wrapped(self.config, self.split), self.model])

    @property
    def data(self) -> Any:
        """The object given, or what stands in the field."""
        return self._given if self._given is not None else self.dataset.value.strip()

    def offer_choices(self, splits: Mapping[str, Sequence[str]]) -> None:
        """Let a person choose.

        Args:
            splits: Configuration -> its splits.
        """
        if splits != self._splits:
            self._splits = splits
            several = len(splits) > 1
            self.config.options = [("choose one", None), *((shown(name), name) for name in splits)] if several else []
            visible(self.config, several)
            self._offer_splits()

    def _offer_splits(self) -> None:
        """The splits of the configuration chosen, or of the only one."""
        alone = next(iter(self._splits), None) if len(self._splits) == 1 else None
        names = self._splits.get(self.config.value or alone or "", ())
        usual = "train" if "train" in names else None
        several = len(names) > 1
        self.split.options = [(shown(name), name) for name in names] if several else []
        self.split.value = usual if several and usual else self.split.value
        visible(self.split, several)

    def _forget(self) -> None:
        """Another name is another dataset."""
        self._given = None
        self.offer_choices({})
