"""One sentence, read by rules into a request that a person confirms: deterministic, no network, nothing is started.

request = sentence.read("Fine-tune Qwen3-0.6B on the open-r1/codeforces-cots dataset for instruction following.")
request.asked, request.dataset, request.model, request.assumed, request.not_understood
"""

from __future__ import annotations

import re
from collections.abc import Collection

from hfft_widgets.sentence import choices, limits, roles
from hfft_widgets.sentence.asked import read_asked
from hfft_widgets.sentence.draft import GAP, SIGNS, Draft
from hfft_widgets.sentence.names import drafted
from hfft_widgets.sentence.orders import EXPORT, VALIDATE
from hfft_widgets.sentence.request import EXAMPLES as EXAMPLES
from hfft_widgets.sentence.request import FIELDS_OF, in_words
from hfft_widgets.sentence.request import STEPS as STEPS
from hfft_widgets.sentence.request import Assumption as Assumption
from hfft_widgets.sentence.request import NotUnderstood as NotUnderstood
from hfft_widgets.sentence.request import Request as Request
from hfft_widgets.sentence.words import FILLERS

LONGEST = 1000  # characters: beyond it is no sentence
_SHOWN = 200  # characters of what was not understood

# negations that negate no order
_NOT_FORGETTING = (
    r"\b(?:don't|do not|never) (?:forget|hesitate) to\b|\bnot only\b|\bwhy not\b(?=\s+(?:re)?(?:train|fine|tune))"
)
_UNCHECKED = (
    r"\b(?:skip|without|no need for|no)\s+(?:the |a |any |further |more )*(?:validation|validating|checks?|checking)\b"
    r"(?:\s+(?:it|that|the data|first)\b)?"
)
# what shall not be done besides
_NOTHING_MORE = (
    r"\b(?:without|no|not|don't|do not|never|instead of|rather than)\s+(?:\w+\s+){0,2}?"
    r"(?:train|fine-?tun|export|launch|start|spend|pay|convert|quanti[sz])\w*"
    r"(?:\s+(?:anything|it|yet|on it|any|money|a|the|run|job|training))*"
)


def read(sentence: str) -> Request:
    """What a sentence asks for, and what of it was not understood.

    Args:
        sentence: In English; names and quoted text are taken as they are and never read as orders.
    """
    if len(sentence) > LONGEST:
        shown = NotUnderstood(_short(sentence), f"it is longer than {LONGEST:,} characters: say it in a sentence")
        return Request(_short(sentence), not_understood=(shown,))
    draft = drafted(sentence)
    for rule in (limits.read_money, limits.read_time, limits.read_rows, limits.read_settings, choices.read_place):
        rule(draft)
    choices.read_part(draft)
    choices.read_adapters(draft)
    for harmless in (_NOT_FORGETTING, _UNCHECKED):
        draft.take(harmless)
    found = read_asked(draft)
    if not found.asked:
        return _nothing(sentence)
    roles.read_destination(draft, found)
    roles.read_names(draft, found)
    if set(found.asked) == {VALIDATE} and "model" in draft.values and "dataset" not in draft.values:
        return _nothing(sentence, "what is checked is a dataset, for a model")
    choices.read_method(draft)
    for start, end in (*found.asked.values(), *found.negated):
        draft.blank(start, end)
    choices.read_goal(draft)
    if EXPORT in found.asked:
        choices.read_quantization(draft)
    draft.take(_NOTHING_MORE)
    _drop_what_is_not_asked(draft, found.asked)
    _refuse_the_rest(draft, found.asked)
    return _request(sentence, draft, tuple(found.asked))


def _nothing(sentence: str, why: str = "") -> Request:
    """Nothing was asked for: no field is filled in."""
    return Request(sentence, not_understood=(NotUnderstood(_short(" ".join(sentence.split())), why),))


def _request(sentence: str, draft: Draft, asked: tuple[str, ...]) -> Request:
    assumed = tuple(Assumption(name, *why) for name, why in draft.assumed.items() if name in draft.values)
    left = tuple(NotUnderstood(_short(what), why) for what, why in draft.unread)
    return Request(sentence, asked, **draft.values, assumed=assumed, not_understood=left)


def _drop_what_is_not_asked(draft: Draft, asked: Collection[str]) -> None:
    """A check has no price and no destination: what says nothing of the steps asked for is not filled in."""
    known = frozenset().union(*(FIELDS_OF[step] for step in asked))
    for name in [name for name in draft.values if name not in known]:
        value = draft.values.pop(name)
        if name != "peft" or "validate" in asked:  # "convert my LoRA" names what is converted
            draft.refuse(in_words(name, value), "nothing that is asked for has it")


def _refuse_the_rest(draft: Draft, asked: Collection[str]) -> None:
    """Each stretch of words that no rule has read; those that carry no wish are left out at its ends."""
    for stretch in re.split(rf"[{GAP}{SIGNS},;:!?()\n]+|\.(?=\s|$)", draft.text):
        words = stretch.split()
        while words and _is_filler(words[0]):
            words = words[1:]
        while words and _is_filler(words[-1]):
            words = words[:-1]
        unnamed = not {"dataset", "model"} <= set(draft.values) and EXPORT not in asked
        draft.refuse(" ".join(words), "names on the Hub are owner/name" if len(words) == 1 and unnamed else "")


def _is_filler(word: str) -> bool:
    return not re.search(r"\w", word) or word.lower().strip("'\"-/*#") in FILLERS


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
