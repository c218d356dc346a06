"""Rewards for GRPO and RLOO: one number per completion. The dataset's columns arrive as lists, by name.

A reward that is None or not a number stops learning silently, and an exception ends the run: whatever a completion
or an answer is, these functions give a number.
"""

import math
import re
from difflib import SequenceMatcher

_NUMBER = r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?"
_COMPARED = 500  # characters; comparing is quadratic, and rambling answers are long


def correct(completions, answer, **kwargs):
    """1.0 where the completion gives the answer, else 0.0. Numbers are compared as numbers: 42.0 is 42.

    Where the answer has the form of GSM8K, `reasoning #### 42`, what follows the last `####` counts. The completion
    may use that form too; if it does not, a numeric answer is compared with the last number in it. Of a list of right
    answers one is enough.
    """
    return [_score(_is_correct, given, wanted) for given, wanted in zip(completions, answer, strict=True)]


def close(completions, answer, **kwargs):
    """From 0.0 to 1.0: how much of the answer the completion spells, in order; 1.0 only for the answer itself.

    A model that knows nothing yet gets different values for different completions, which is what GRPO learns from.
    """
    return [_score(_closeness, given, wanted) for given, wanted in zip(completions, answer, strict=True)]


def ends_in_answer(completions, **kwargs):
    """1.0 where the last line is `#### ` and an answer, as in GSM8K. Give it a small weight: form is not content."""
    return [_has(_answer_line, completion) for completion in completions]


def thinks_first(completions, **kwargs):
    """1.0 for `<think>` and `</think>` once each, thoughts between them and an answer after them.

    The `<think>` may be missing: some chat templates end the prompt with it.
    """
    return [_has(_thoughts_then_answer, completion) for completion in completions]


def brief(completions, completion_ids, **kwargs):
    """From 0.0 down to -1.0, at 1,000 tokens: answers do not grow longer without need.

    Alone it would teach silence: combine it with a reward for being right, and give it a small weight.
    """
    return [-min(1.0, len(ids) / 1000) for ids in completion_ids]


def _has(form, completion):
    try:
        return float(form(_spoken(completion).strip()))
    except Exception:  # noqa: BLE001 - one odd row must not end a run of hours
        return 0.0


def _answer_line(text):
    mark, _, answer = text.rpartition("\n")[2].partition(" ")
    return mark == "####" and bool(answer.strip())


def _thoughts_then_answer(text):
    thoughts, _, answer = text.removeprefix("<think>").partition("</think>")
    once = text.count("</think>") == 1 and text.count("<think>") == text.startswith("<think>")
    return once and bool(thoughts.strip()) and bool(answer.strip())


def _score(judge, given, wanted):
    if isinstance(wanted, (list, tuple)) and not (wanted and isinstance(wanted[-1], dict)):  # several right answers
        return max([_score(judge, given, one) for one in wanted], default=0.0)
    try:
        given, wanted = _spoken(given).strip(), _spoken(wanted).strip()
        return float(judge(given, wanted)) if wanted else 0.0
    except Exception:  # noqa: BLE001 - one odd row must not end a run of hours
        return 0.0


def _is_correct(given, wanted):
    wanted = _final(wanted)
    number = _number(wanted)
    if number is None:
        return bool(wanted) and _final(given) == wanted
    last = _last_number(_final(given))
    return last is not None and math.isclose(last, number, rel_tol=1e-9)


def _closeness(given, wanted):
    if _is_correct(given, wanted):
        return 1.0
    given, wanted = _final(given).lower()[:_COMPARED], _final(wanted).lower()[:_COMPARED]
    blocks = SequenceMatcher(None, wanted, given, autojunk=False).get_matching_blocks()
    spelled = sum(block.size for block in blocks) / len(wanted)
    too_long = max(0.0, 1 - len(wanted) / max(1, len(given)))
    return 0.9 * spelled * (1 - too_long / 2)


def _spoken(value):
    """The text of a completion or an answer: a string, a number, or the last of a list of messages."""
    if isinstance(value, (list, tuple)):
        value = value[-1]["content"]
    if isinstance(value, list):  # a message in parts: text, image, ...
        value = "".join(part.get("text") or "" for part in value)
    value = value.item() if hasattr(value, "item") else value  # a number of numpy or torch
    if not isinstance(value, (str, int, float)) or (isinstance(value, float) and math.isnan(value)):
        raise TypeError(f"{value!r} is no text")
    return str(value)


def _final(text):
    """What follows the last `####`, its first line; the whole text if there is none."""
    return text.rpartition("####")[2].strip().partition("\n")[0].strip() if "####" in text else text


def _number(text):
    """The number a text is, `$1,234.50` or `42%` too, or None if it is anything else."""
    plain = text.removeprefix("$").rstrip("%.").strip()
    return float(plain.replace(",", "")) if re.fullmatch(_NUMBER, plain) else None


def _last_number(text):
    found = re.findall(rf"(?<![\w.]){_NUMBER}", text)
    return float(found[-1].replace(",", "")) if found else None
