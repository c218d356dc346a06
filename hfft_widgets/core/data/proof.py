"""What the installed trainers did with a few rows of a dataset, beside what its report says they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hfft_widgets.core.card import Detail, HasCard
from hfft_widgets.core.units import plural


@dataclass(frozen=True)
class Trial:
    """One training of two steps.

    Attributes:
        method: The method.
        rows: Numbers of the rows that were given to its trainer.
        refuses: The row that it should stop at, by the report; None: it should take all of them.
        raised: What the trainer raised; "" for nothing.
        differing: Rows of which it learned other words than the report says.
        not_tried: Why it was not tried; "" where it was.
    """

    method: str
    rows: tuple[int, ...] = ()
    refuses: int | None = None
    raised: str = ""
    differing: tuple[int, ...] = ()
    not_tried: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the trainer did what the report says; also where it was not tried."""
        return bool(self.not_tried) or (bool(self.raised) is (self.refuses is not None) and not self.differing)

    @property
    def words(self) -> str:
        """What happened, in one sentence."""
        if self.not_tried:
            return f"Not tried: {self.not_tried}"
        rows = plural(len(self.rows), "row")
        if self.differing:
            numbers = ", ".join(f"{number:,}" for number in self.differing[:5])
            return f"It trained, but of row {numbers} it learned other words than the report says"
        if self.refuses is not None:
            stopped = f"It stops at row {self.refuses:,}, as the report says"
            return stopped if self.raised else f"It took row {self.refuses:,}, at which it stops by the report"
        return f"The trainer stopped, against the report: {self.raised}" if self.raised else f"It trained on {rows}"

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        numbers = {"rows": list(self.rows), "differing": list(self.differing)}
        return {**asdict(self), **numbers, "agrees": self.agrees, "words": self.words}


@dataclass(frozen=True)
class Proof(HasCard):
    """Whether the installed trainers do with a dataset's rows what its report says.

    Attributes:
        name: The dataset's name, for people.
        model: The model whose tokenizer and chat template were used.
        trials: One training of two steps each, on tiny random weights.
        versions: Package -> the version that was asked.
        not_tried: Why nothing was tried, with what to do; "" where something was.
    """

    name: str
    model: str | None
    trials: tuple[Trial, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    not_tried: str = ""

    @property
    def agrees(self) -> bool:
        """Whether every trainer that was asked did what the report says; False where none was asked."""
        return any(not trial.not_tried for trial in self.trials) and all(trial.agrees for trial in self.trials)

    @property
    def differences(self) -> tuple[Trial, ...]:
        """The trials in which a trainer did something else."""
        return tuple(trial for trial in self.trials if not trial.agrees)

    def to_dict(self, detail: Detail = "plain") -> dict[str, Any]:  # noqa: ARG002 - a card shows nothing more
        """JSON values."""
        trials = [trial.to_dict() for trial in self.trials]
        return {
            "kind": "proof",
            "name": self.name,
            "model": self.model,
            "agrees": self.agrees,
            "trials": trials,
            "versions": dict(self.versions),
            "not_tried": self.not_tried,
        }
