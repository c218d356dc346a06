"""Which dataset, which part of it, and for which model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hfft_widgets.cards.report.words import shown
from hfft_widgets.core.html import Markup
from hfft_widgets.widgets.form import Form, fields
from hfft_widgets.widgets.names import Names

if TYPE_CHECKING:
    from hfft_widgets.widgets.panel import Panel


class SourcePart:
    """The fields above the report. Those for configuration and split appear when there is something to choose.

    Args:
        panel: Whose fields these are.
        data: Whatever `hfft.validate` takes, or None.
        model: Hub id or folder, or None.
    """

    def __init__(self, panel: Panel, data: Any, model: Any) -> None:
        self._values = panel.values
        self._given = None if data is None or isinstance(data, str) else data
        self._splits: Mapping[str, Sequence[str]] = {}
        name = data if isinstance(data, str) else "" if data is None else f"({type(data).__name__} in this notebook)"
        panel.has("dataset", name, self._forget)
        panel.has("model", "" if model is None else str(model))
        panel.has("config", None, lambda _: self._choose_split())
        panel.has("split", None)
        self.datasets, self.models = Names(panel, "dataset"), Names(panel, "model")

    @property
    def data(self) -> Any:
        """The object given, or what stands in the field."""
        return self._given if self._given is not None else str(self._values["dataset"]).strip()

    @property
    def model(self) -> str | None:
        """The model's name, or None."""
        return str(self._values["model"]).strip() or None

    @property
    def asked(self) -> tuple[Any, ...]:
        """What a check would look at."""
        return (id(self._given), *(self._values[name] or None for name in ("dataset", "model", "config", "split")))

    @property
    def splits(self) -> Sequence[str]:
        """Those of the configuration chosen, or of the only one."""
        alone = next(iter(self._splits), None) if len(self._splits) == 1 else None
        return self._splits.get(self._values["config"] or alone or "", ())

    def offer_choices(self, splits: Mapping[str, Sequence[str]]) -> None:
        """Let a person choose.

        Args:
            splits: Configuration -> its splits.
        """
        if splits != self._splits:
            self._splits = splits
            if self._values["config"] not in splits:
                self._values["config"] = None
            self._choose_split()

    @property
    def undecided(self) -> bool:
        """Whether a configuration must be chosen first."""
        return len(self._splits) > 1 and not self._values["config"]

    def suggest(self) -> None:
        """Offer what is here to choose from."""
        self.datasets.suggest()
        self.models.suggest()

    def remember(self) -> None:
        """What was checked is suggested first from now on."""
        self.datasets.remember(self.data)
        self.models.remember(self.model)

    def view(self, form: Form) -> Markup:
        """The fields."""
        configs = [("choose one", ""), *((shown(name), name) for name in self._splits)]
        splits = [(shown(name), name) for name in self.splits]
        return fields(
            form.text(
                "dataset", "Dataset", half=True, enter="validate", suggestions=self.datasets.offered,
                hint="a Hub id, a file, or a sample",
            ),
            form.text(
                "model", "Model that learns", half=True, enter="validate", suggestions=self.models.offered,
                hint="optional: a Hub id or a folder",
            ),
            form.choice("config", "Configuration", configs) if len(self._splits) > 1 else None,
            form.choice("split", "Split", splits) if len(splits) > 1 else None,
        )  # fmt: skip

    def _choose_split(self) -> None:
        names = self.splits
        if self._values["split"] not in names or len(names) < 2:
            self._values["split"] = "train" if len(names) > 1 and "train" in names else None

    def _forget(self, _name: str) -> None:
        """Another name is another dataset."""
        self._given = None
        self.offer_choices({})
