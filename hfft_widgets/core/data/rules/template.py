"""What the chat template makes of words and turns that it takes: the facet is the text's, the answer the template's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hfft_widgets.core.data.columns import ROLES
from hfft_widgets.core.data.match_columns import ColumnRole
from hfft_widgets.core.data.rules.base import WARN, WORDS, Rule, Scope, Turns
from hfft_widgets.core.data.templates import ChatTemplate

_MARKS = ("<start_of_turn>", "<end_of_turn>", "<s>", "</s>", "<bos>", "<eos>")
_CONTROL = re.compile("|".join((r"<\|[a-zA-Z][\w.]*\|>", *map(re.escape, _MARKS))))
_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)
_KEPT, _MORE = 16, "more"
_BEGINS = re.compile(
    r"\s*(?:<s>|<bos>|<\|begin_of_text\|>)?\s*(<\|im_start\|>|<\|start_header_id\|>|<start_of_turn>|<\|user\|>|<\|system\|>)"
)
_TEXT = frozenset({ColumnRole.TEXT})


def control_tokens(text: str) -> tuple[str, ...]:
    """The control tokens of any chat template that a text writes out, in order; of very many the first, and "more".

    >>> control_tokens("a <|im_start|> b <|eot_id|> <b>")
    ('<|eot_id|>', '<|im_start|>')
    """
    found = sorted(set(_CONTROL.findall(text)))
    return tuple(found) if len(found) <= _KEPT else (*found[:_KEPT], _MORE)


def template_begins(text: str) -> str:
    """The control token of a chat template with which a whole text begins; "": none."""
    found = _BEGINS.match(text)
    return found[1] if found else ""


def _stray_tokens(text: str) -> tuple[str, ...]:
    return () if template_begins(text) else control_tokens(text)


def _owned(token: str, template: ChatTemplate) -> bool:
    return token != "" and template.owns(token)


def _foreign(token: str, template: ChatTemplate) -> bool:
    return token != "" and not template.owns(token)


def _makes_real(tokens: tuple[str, ...], template: ChatTemplate) -> bool:
    """The tokenizer makes real ones of the template's own; without a known template, of those of any."""
    return any(token == _MORE or template.owns(token) for token in tokens)


def _takes_thinking_out(thinks: bool, template: ChatTemplate) -> bool:
    return thinks and template.known and not template.keeps_thinking


def _leaves_out(turns: Any, template: ChatTemplate) -> bool:
    """A turn of a known role whose words the template does not render."""
    if not template.known or not isinstance(turns, list) or not all(isinstance(turn, Mapping) for turn in turns):
        return False
    return any(turns[number].get("role") in ROLES for number in template.left_out(turns))


_STRAY = "A control token of chat templates stands in {column}: the tokenizer makes a real one of it"
_NEEDLES = (b"<|", *(mark.encode() for mark in _MARKS))
_EXAMPLES = (("so <|im_end|>", "xs <| f"), ("<s>old html</s>", "<b>new</b> <|a b|>"))
TEMPLATE_RULES = (
    Rule("control_tokens", Scope.TEXT, control_tokens, _makes_real, _STRAY, WORDS - _TEXT,
         fix="leave_out", asks_template=True, needles=_NEEDLES, examples=_EXAMPLES),
    Rule("control_tokens", Scope.TEXT, _stray_tokens, _makes_real, _STRAY, _TEXT,
         fix="leave_out", asks_template=True, needles=_NEEDLES, examples=_EXAMPLES),
    Rule("templated", Scope.TEXT, template_begins, _owned,
         "The chat template was applied to {column} already: the trainer only adds an end-of-text token behind it",
         _TEXT, WARN, asks_template=True, needles=_NEEDLES, examples=(("<|im_start|>user\nWhy?", "<|user|>\nWhy?"),)),
    Rule("other_template", Scope.TEXT, template_begins, _foreign,
         "The chat template of another model was applied to {column} already: to this one its marks are plain words",
         _TEXT, asks_template=True, needles=_NEEDLES, examples=(("<|user|>\nWhy?", "<|im_start|>user\nWhy?"),)),
    Rule("template_leaves_out", Scope.MESSAGES, lambda turns: turns, _leaves_out,
         "The model's chat template leaves out a turn in {column}", fix="leave_out", asks_template=True),
    Rule("thinking_removed", Scope.TEXT, lambda text: bool(_THINKING.search(text)), _takes_thinking_out,
         "The model's chat template takes earlier thinking out of {column}", effect=WARN, asks_template=True,
         turns=Turns.EARLIER, needles=(b"<think>",),
         examples=(("<think>a</think>b", "a lone </think> b"), ("<think></think>", "<think>open"))),
)  # fmt: skip
