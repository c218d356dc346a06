"""What came of trying a reward on right and on wrong answers, before a training is paid for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hfft_widgets.core.card import Detail, HasCard, with_card
from hfft_widgets.errors import PlanError


@dataclass(frozen=True)
class RewardTrial(HasCard):
    """What reward functions pay for right answers and for wrong ones that a model would soon find.

    Attributes:
        rewards: Names of the functions.
        data: What the rows are from.
        rows: Rows that were tried.
        form: How a right answer had to be written to be paid for; "{}" stands for it.
        right: The weighted sum of rewards for each right answer; empty where the rows hold none.
        wrong: Kind of wrong answer -> the same for each of that kind.
        problems: Why it must not be used, in sentences; none: it can tell them apart.
    """

    rewards: tuple[str, ...]
    data: str
    rows: int
    form: str = field(repr=False)
    right: tuple[float, ...] = field(repr=False)
    wrong: Mapping[str, tuple[float, ...]] = field(repr=False)
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it pays right answers, and wrong ones clearly less."""
        return not self.problems

    def check(self) -> None:
        """Refuse a reward that teaches the wrong thing.

        Raises:
            PlanError: It cannot tell right answers from wrong ones, pays wrong ones more than half, or fails.
        """
        if self.problems:
            raise PlanError(
                f"The reward {' + '.join(self.rewards)} would teach the wrong thing.",
                why=". ".join(self.problems) + ".",
                remedy="Choose other rewards (correct is the strictest), or mend the function, and try it again.",
            )

    def to_dict(self, detail: Detail = "plain") -> dict[str, Any]:
        """JSON values."""
        values = {
            "kind": "reward_trial",
            "title": f"Trial of {' + '.join(self.rewards)}",
            "rewards": list(self.rewards),
            "data": self.data,
            "rows": self.rows,
            "form": self.form,
            "right": list(self.right),
            "wrong": {kind: list(paid) for kind, paid in self.wrong.items()},
            "problems": list(self.problems),
        }
        return values if detail == "plain" else with_card(values)
