"""The stages of a run, in the words of Hugging Face Jobs, for runs anywhere."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """Where a run stands. The last four are final."""

    SCHEDULING = "SCHEDULING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"
    ERROR = "ERROR"
    DELETED = "DELETED"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen."""
        return self not in {Stage.SCHEDULING, Stage.RUNNING}
