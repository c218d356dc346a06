"""The small values a validation report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hfft_widgets.core.data.fixes import Fix
    from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping

MAX_LENGTH = 1024  # TRL's default limit in tokens for SFT, DPO, KTO and Reward
EFFECTS = ("crash", "dropped", "silent", "warn")


class Status(StrEnum):
    """What a method makes of a dataset. Where several hold, the first of these is told: from last to first."""

    READY = "READY"
    BLOCKED_BY_ROWS = "BLOCKED BY ROWS"
    NEEDS_MAPPING = "NEEDS MAPPING"
    INCOMPATIBLE = "INCOMPATIBLE"


@dataclass(frozen=True)
class Finding:
    """Something about some rows that a person should know.

    Attributes:
        rule: The check's name, e.g. "null_value".
        message: One sentence, with the column.
        effects: Method -> "crash" (the trainer raises), "dropped" (it leaves the rows out), "silent" (it trains, but
            not on what was meant) or "warn" (worth knowing).
        count: Number of rows.
        rows: Their numbers in the dataset as it was given, from 0; the first 1,000.
        example: A cell of the first of them, shortened.
        fix: What can be done about it, or None.
        coverage: Which rows were looked at.
        sweeping: Whether the fix would leave out most rows: no fix for "all at once".
    """

    rule: str
    message: str
    effects: Mapping[str, str]
    count: int
    rows: tuple[int, ...]
    example: str = ""
    fix: Fix | None = None
    coverage: str = "all rows"
    sweeping: bool = False

    @property
    def severity(self) -> str:
        """The worst effect."""
        return min(self.effects.values(), key=EFFECTS.index)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "rule": self.rule,
            "message": self.message,
            "effects": dict(self.effects),
            "count": self.count,
            "rows": list(self.rows),
            "example": self.example,
            "fix": self.fix.to_dict() if self.fix else None,
            "coverage": self.coverage,
            "sweeping": self.sweeping,
        }


@dataclass(frozen=True)
class Verdict:
    """Whether a method can train on a dataset.

    Attributes:
        status: The answer.
        reason: Why, in one line.
        mapping: The column mapping in use, or, under NEEDS MAPPING, the one proposed; None if none is needed.
        details: More lines: what the trainer will do, and what is not known.
    """

    status: Status
    reason: str
    mapping: ColumnMapping | None = None
    details: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "status": str(self.status),
            "reason": self.reason,
            "mapping": self.mapping.to_dict() if self.mapping else None,
            "details": list(self.details),
        }
