"""What can be wrong with rows: `RULES` holds all rules, in the order in which a cell is asked."""

from hfft_widgets.core.data.rules.base import Rule
from hfft_widgets.core.data.rules.dataset import DATASET_RULES
from hfft_widgets.core.data.rules.length import LENGTH_RULES
from hfft_widgets.core.data.rules.messages import MESSAGE_RULES
from hfft_widgets.core.data.rules.pairs import PAIR_RULES
from hfft_widgets.core.data.rules.template import TEMPLATE_RULES
from hfft_widgets.core.data.rules.text import TEXT_RULES
from hfft_widgets.core.data.rules.trainer import TRAINER_RULES
from hfft_widgets.core.data.rules.values import VALUE_RULES

RULES: tuple[Rule, ...] = (
    *MESSAGE_RULES,
    *TEXT_RULES,
    *VALUE_RULES,
    *PAIR_RULES,
    *TEMPLATE_RULES,
    *LENGTH_RULES,
    *DATASET_RULES,
    *TRAINER_RULES,
)

EMPTY = frozenset(rule.id for rule in RULES if rule.empty)
"""Rules of which nothing is learned where they hold."""
