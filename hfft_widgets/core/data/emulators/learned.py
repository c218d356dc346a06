"""Which words of a conversation are learned, and how TRL is brought to it: the plan takes it from here.

TRL by itself learns every word of a conversation, the questions too. Answers alone are learned in one of two ways:
where the chat template marks answers for TRL, all of them; else the last one, which the script takes apart.
"""

from __future__ import annotations

from typing import Literal

from hfft_widgets.core.data.columns import Row
from hfft_widgets.core.data.emulators.base import ALL, ANSWERS
from hfft_widgets.core.data.templates import ChatTemplate
from hfft_widgets.core.data.templates.authors import can_learn_answers

Learned = Literal["answers", "all"]
CHOICES: tuple[Learned, ...] = ("answers", "all")
MARKED, LAST = "marked", "last"


def way_of(learned: str, row: Row, template: ChatTemplate) -> str:
    """How SFT learns rows like this one: "all" of them, all "marked" answers, or the "last" answer.

    It is "all" wherever there is no choice: only conversations in a column `messages` have one. Beside pictures it is
    never by marks: TRL 1.16 finds them before a picture becomes many tokens, and learns the wrong ones.

    Args:
        learned: What a person chose: "answers" or "all".
        row: A row as the trainer gets it.
        template: The model's chat template.
    """
    if learned != ANSWERS or not isinstance(row.get("messages"), list) or "prompt" in row or "input_ids" in row:
        return ALL
    pictures = not {"image", "images"}.isdisjoint(row)
    return MARKED if can_learn_answers(template) and not pictures else LAST
