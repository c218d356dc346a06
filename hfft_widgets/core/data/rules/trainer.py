"""What the trainer itself says of a row, where no other rule explains it, and what a column mapping cannot do."""

from __future__ import annotations

from hfft_widgets.core.data.rules.base import CRASH, DROPPED, WARN, Rule, Scope

TRAINER_REFUSES = Rule("trainer_refuses", Scope.TRAINER, bool, bool, "The trainer stops", effect=CRASH,
                       fix="leave_out", examples=((True, False),))  # fmt: skip
TEMPLATE_REFUSES = Rule("template_refuses", Scope.TRAINER, bool, bool,
                        "The model's chat template refuses the conversation", effect=CRASH, fix="leave_out",
                        examples=((True, False),))  # fmt: skip
FAMILIES_REFUSE = Rule("families_refuse", Scope.TRAINER, bool, bool,
                       "Chat templates of well-known families refuse the conversation", effect=WARN,
                       examples=((True, False),))  # fmt: skip
NOTHING_LEARNED = Rule("nothing_learned", Scope.TRAINER, bool, bool,
                       "Nothing of the row is left to learn: the trainer leaves it out", effect=DROPPED,
                       fix="leave_out", examples=((True, False),))  # fmt: skip
MAPPING_FAILS = Rule("mapping_fails", Scope.TRAINER, bool, bool, "The column mapping cannot be applied",
                     effect=CRASH, fix="leave_out", examples=((True, False),))  # fmt: skip
NO_BETTER_ANSWER = Rule("no_better_answer", Scope.TRAINER, bool, bool,
                        "No answer is the better one (a tie, equal scores or no choice): the mapping leaves the row "
                        "out", effect=WARN, examples=((True, False),))  # fmt: skip
TRAINER_RULES = (TRAINER_REFUSES, TEMPLATE_REFUSES, FAMILIES_REFUSE, NOTHING_LEARNED, MAPPING_FAILS, NO_BETTER_ANSWER)
