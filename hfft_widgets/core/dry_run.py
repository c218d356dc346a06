"""What came of running a plan's own script up to its first step, with the real trainer and tiny random weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfft_widgets.core.card import Detail, HasCard, with_card
from hfft_widgets.core.units import count_text, plural

# a figure this near to the plan's is the same
_NEAR = 0.05


@dataclass(frozen=True)
class DryRun(HasCard):
    """A plan's script as far as its first step, before anything is paid for.

    Attributes:
        title: The plan's title.
        fingerprint: Of the plan.
        planned: What the plan says: trained, steps, step_tokens, rows.
        trained: Parameters that the real model would train, by PEFT and transformers; None: not known.
        rows: Rows that the trainer takes in one epoch, as it made them: packed, or without those that it leaves out.
        steps: Optimizer steps that it would make.
        tokens: Tokens of one epoch, padding included; None where they depend on what the model writes.
        step_tokens: Of them those of one step on one device.
        longest: Tokens of the longest row in a batch.
        counted: Share of the epoch's batches that were looked at, above 0.
        loss: Of the step that was made, with random weights; None: none was.
        raised: What the script, TRL or PEFT raised; "" for nothing.
        notes: What else is to be said of it, in sentences.
        versions: Package -> the version that was asked.
        not_tried: Why it was not tried, with what to do; "" where it was.
    """

    title: str
    fingerprint: str
    planned: Mapping[str, float] = field(default_factory=dict, repr=False)
    trained: int | None = None
    rows: int = 0
    steps: int = 0
    tokens: int | None = None
    step_tokens: float | None = None
    longest: int = 0
    counted: float = 1.0
    loss: float | None = None
    raised: str = ""
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict, repr=False)
    not_tried: str = ""

    @property
    def passed(self) -> bool:
        """Whether the script made its first step; False where it was not tried."""
        return not (self.raised or self.not_tried)

    @property
    def differences(self) -> tuple[str, ...]:
        """Where the plan said something else by more than a twentieth, in sentences."""
        return tuple(self._differences()) if self.passed else ()

    def _differences(self) -> Iterator[str]:
        found = {"trained": self.trained, "steps": self.steps, "step_tokens": self.step_tokens, "rows": self.rows}
        words = {"trained": "parameters are trained", "steps": "steps are made", "rows": "rows are taken",
                 "step_tokens": "tokens are in a step"}  # fmt: skip
        for name, value in found.items():
            said = self.planned.get(name)
            if value and said and abs(value / said - 1) > _NEAR:
                yield f"{count_text(round(value))} {words[name]}, and the plan says {count_text(round(said))}"

    @property
    def words(self) -> str:
        """What came of it, in one sentence."""
        if self.not_tried:
            return f"Not tried: {self.not_tried}"
        if self.raised:
            return f"It would stop before its first step: {self.raised}"
        trained = f"{count_text(self.trained)} parameters trained, " if self.trained is not None else ""
        tokens = f"{self.tokens:,} tokens an epoch" if self.tokens is not None else "tokens as the model writes them"
        return f"It would run: {trained}{plural(self.steps, 'step')}, {tokens}"

    def to_dict(self, detail: Detail = "plain") -> dict[str, Any]:
        """JSON values."""
        values = {
            "kind": "dry_run",
            "title": f"Dry run of {self.title}",
            "fingerprint": self.fingerprint,
            "planned": dict(self.planned),
            "trained": self.trained,
            "rows": self.rows,
            "steps": self.steps,
            "tokens": self.tokens,
            "step_tokens": self.step_tokens,
            "longest": self.longest,
            "counted": self.counted,
            "loss": self.loss,
            "raised": self.raised,
            "notes": list(self.notes),
            "versions": dict(self.versions),
            "not_tried": self.not_tried,
            "passed": self.passed,
            "differences": list(self.differences),
            "words": self.words,
        }
        return values if detail == "plain" else with_card(values)
