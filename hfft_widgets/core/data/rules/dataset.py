"""What only a look at all rows tells of one: its facet is that answer."""

from __future__ import annotations

from hfft_widgets.core.data.rules.base import CRASH, WARN, Rule, Scope

DUPLICATE = Rule("duplicate", Scope.DATASET, bool, bool, "The same as an earlier row", effect=WARN,
                 fix="deduplicate", examples=((True, False),))  # fmt: skip
FIRST_ROW = Rule("first_row", Scope.DATASET, bool, bool,
                 "The first row decides how TRL reads all, and this one leads it astray", effect=CRASH,
                 fix="leave_out", examples=((True, False),))  # fmt: skip
CONTRADICTED = Rule("contradicted", Scope.DATASET, bool, bool,
                    "The scores of the two answers contradict which one is chosen", fix="leave_out",
                    examples=((True, False),))  # fmt: skip
PLAIN = Rule("plain_text", Scope.DATASET, bool, bool,
             "Prompt and answer are glued together without the model's chat template, through which it will be asked",
             effect=WARN, fix="as_turns", examples=((True, False),))  # fmt: skip
LEAKAGE = Rule("leakage", Scope.DATASET, bool, bool,
               "Held out, and nearly the same as a row to train on: the score there would be too good", effect=WARN,
               fix="keep_apart", examples=((True, False),))  # fmt: skip
DATASET_RULES = (DUPLICATE, FIRST_ROW, CONTRADICTED, PLAIN, LEAKAGE)
