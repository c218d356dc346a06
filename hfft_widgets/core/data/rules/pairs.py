"""What can be wrong between two columns of a row."""

from __future__ import annotations

from hfft_widgets.core.data.emulators.outline import Pair
from hfft_widgets.core.data.match_columns import ColumnRole
from hfft_widgets.core.data.rules.base import ANSWERS, Rule, Scope, Uses
from hfft_widgets.core.method import Method

_BOTH = (frozenset({ColumnRole.CHOSEN}), frozenset({ColumnRole.REJECTED}))
_ASKED = (frozenset({ColumnRole.PROMPT}), ANSWERS)


def _seeks_prompt(method: Method, uses: Uses) -> bool:
    """Whether the trainer takes what both answers begin with for the prompt."""
    return ColumnRole.PROMPT not in uses and not method.drops_long_rows


def _seeks_prompt_in_turns(method: Method, uses: Uses) -> bool:
    return _seeks_prompt(method, uses) and any(use.turns for use in uses.values())


def _seeks_prompt_in_text(method: Method, uses: Uses) -> bool:
    return _seeks_prompt(method, uses) and not any(use.turns for use in uses.values())


def _apart(pair: Pair) -> bool:
    return not pair.equal and not pair.begin


_APART = "Chosen and rejected answers do not begin alike, so that there is no prompt"
PAIR_RULES = (
    Rule("same_answers", Scope.PAIR, lambda pair: pair.equal, bool,
         "Chosen and rejected answers are the same: nothing is learned", _BOTH, fix="answers_differ", explains=1,
         empty=True,
         examples=((("So.", "So."), ("So.", "No.")),)),
    Rule("no_shared_start", Scope.PAIR, _apart, bool, _APART, _BOTH, fix="share_a_start", explains=2,
         fits=_seeks_prompt_in_turns,
         examples=((([{"role": "assistant", "content": "So."}], [{"role": "assistant", "content": "No."}]),
                    ([{"role": "user", "content": "Why?"}], [{"role": "user", "content": "Why?"}])),)),
    Rule("no_shared_start", Scope.PAIR, _apart, bool, _APART, _BOTH, fix="leave_out", fits=_seeks_prompt_in_text,
         examples=((("So.", "No."), ("Why? So.", "Why? No.")),)),
    Rule("nothing_behind_the_prompt", Scope.PAIR, lambda pair: pair.begin and pair.inside and not pair.equal, bool,
         "One answer is the start of the other: nothing of it is left behind the prompt", _BOTH, fix="leave_out",
         explains=1, fits=_seeks_prompt, examples=((("Why?", "Why? So."), ("Why? So.", "Why? No.")),)),
    Rule("repeated_prompt", Scope.PAIR, lambda pair: pair.repeats, bool,
         "The answer in {column} begins with the prompt once more", _ASKED, fix="leave_out",
         examples=((("Why?", "Why? So."), ("Why?", "So.")),)),
)  # fmt: skip
