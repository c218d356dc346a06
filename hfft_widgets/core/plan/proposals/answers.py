"""How long generated answers may be, and whether the model thinks first: where answers are cut, nothing is learned.

An answer that is cut before its end scores as a wrong one does: at 256 tokens 50 to 99 % of the answers to GSM8K and
DeepMath were cut, and the reward stayed at 0 (TRL's issues 5697 and 6263; TRL raised its own default to 512 for that).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hfft_widgets.core.estimate.padding import RowLengths

# tokens: the least and the most of an answer, of one with thoughts before it, and of a toy's
_PLAIN, _THINKING, _TINY = (512, 2048), (2048, 8192), (32, 256)
# a model says more than a reference answer, and in other words
_WORDIER = 2.0
_OPENED = ("<think>", "<|thinking|>", "<thinking>")


@dataclass(frozen=True)
class Answers:
    """How a model answers while it learns.

    Attributes:
        tokens: The longest answer.
        words: Why so long.
        masked: Whether an answer that is cut had better teach nothing: thoughts that reach the limit are not wrong,
            and punished they make the model think less (DAPO, arXiv 2503.14476, section 3.4). A plain answer that does
            not end should learn to.
    """

    tokens: int
    words: str
    masked: bool = False


def switches_thinking(template: str) -> bool:
    """Whether a chat template can switch thinking on and off (Qwen3's `enable_thinking`).

    >>> switches_thinking("{% if enable_thinking is defined and enable_thinking is false %}"), switches_thinking("")
    (True, False)
    """
    return "enable_thinking" in template


def always_thinks(template: str) -> bool:
    r"""Whether a chat template opens a thought before each answer, and nothing switches it off (distills of R1).

    >>> always_thinks("{% if add_generation_prompt %}{{'<|Assistant|><think>\\n'}}{% endif %}")
    True
    """
    asked = template.rpartition("add_generation_prompt")[2]
    return not switches_thinking(template) and any(word in asked for word in _OPENED)


def answers(references: RowLengths | None, room: int, *, thinks: bool, tiny: bool) -> Answers:
    """How long answers may be.

    Args:
        references: Tokens of the reference answers; None: not known.
        room: Tokens that the model's context leaves beside the longest prompt.
        thinks: Whether the model thinks before it answers.
        tiny: Whether the model is a toy.
    """
    least, most = _TINY if tiny else _THINKING if thinks else _PLAIN
    known = references.quantile(0.99) if references else 0.0
    wanted = 32 * math.ceil(max(least, _WORDIER * known) / 32)
    tokens = max(1, min(wanted, most, room))
    if tokens == room < wanted:
        why = "the model's context holds no more beside the longest prompt"
    elif wanted > least:
        why = f"twice the {known:,.0f} tokens that 99 % of the reference answers stay within"
    elif thinks:
        why = "thoughts come before the answer, and one that is cut scores nothing"
    else:
        why = "an answer that is cut scores nothing"
    return Answers(tokens, f"Answers of up to {tokens:,} tokens: {why}.", masked=thinks and not tiny)
