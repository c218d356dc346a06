"""Trying a reward before it is paid for: on right answers, and on wrong ones that a model would soon find.

A reward that cannot tell them apart, or pays a wrong answer more than half of a right one, teaches the wrong thing.
"""

import math
import os

from hfft_widgets.scripts.events import tell

REFERENCES = (
    "answer", "completion", "solution", "canonical_solution", "ground_truth", "reference", "target", "output", "chosen",
)  # fmt: skip
# how a right answer may have to be written for a reward to see it; the first that is paid for is taken
FORMS = (
    "{}", "#### {}", "The answer is {}.", "\\boxed{{}}", "<answer>{}</answer>", "```python\n{}\n```",
    "<think>\nLet me see.\n</think>\n{}", "<think>\nLet me see.\n</think>\n<answer>\n{}\n</answer>", '{"answer": "{}"}',
)  # fmt: skip
WRONG = ("empty", "the question again", "the longest", "another row's", "form without content", "all answers at once")
HALF = 0.5
APART = 0.75  # of the pairs of a right and a wrong answer, so many must be paid in that order


def try_rewards(functions, weights, rows):
    """What reward functions pay for right and for wrong answers to these rows.

    Args:
        functions: As GRPO takes them.
        weights: One for each; None: 1.0.
        rows: The dataset's rows as dicts, with `prompt`; 32 are enough.

    Returns:
        `form` a right answer was written in, what was paid for `right` ones and for each kind of `wrong` ones, and
        `problems` in words: with one, the reward must not be used.
    """
    trial = {"rows": len(rows), "form": "", "right": [], "wrong": {}, "problems": []}
    weights = [1.0] * len(functions) if weights is None else weights
    rights = [reference_of(row) for row in rows]
    known = [number for number, right in enumerate(rights) if right]
    try:
        if len(known) > 1:
            _try_known(trial, functions, weights, [rows[number] for number in known], [rights[n] for n in known])
        else:  # what is wrong can be tried all the same
            trial["wrong"] = _paid_for_wrong(functions, weights, rows, [None] * len(rows), FORMS[0])
    except RewardFaultError as fault:
        trial["problems"] = [str(fault)]
    trial["problems"] += _problems(trial["right"], trial["wrong"])
    return trial


class RewardFaultError(Exception):
    """A reward function does not give one number for each answer."""


def reference_of(row):
    """The right answer that a row holds, as text, or None."""
    for name in REFERENCES:
        value = row.get(name)
        if isinstance(value, (list, tuple)) and value:
            value = value[-1].get("content") if isinstance(value[-1], dict) else value[0]
        if isinstance(value, (str, int, float)) and str(value).strip():
            return str(value).strip()
    return None


def _try_known(trial, functions, weights, rows, rights):
    empty, best = _paid(functions, weights, rows, [""] * len(rows)), -1.0
    for form in FORMS:
        paid = _paid(functions, weights, rows, [form.replace("{}", right) for right in rights])
        apart = _apart(paid, empty)
        if apart > best:
            best, trial["form"], trial["right"] = apart, form, paid
        if apart == 1.0:
            break
    trial["wrong"] = _paid_for_wrong(functions, weights, rows, rights, trial["form"])


def _paid_for_wrong(functions, weights, rows, rights, form):
    found = {}
    for kind, texts in wrong_answers(rows, rights, form).items():
        kept = [number for number, text in enumerate(texts) if text is not None]
        if kept:
            found[kind] = _paid(functions, weights, [rows[n] for n in kept], [texts[n] for n in kept])
    return found


def wrong_answers(rows, rights, form):
    """Kind -> for each row a wrong answer of that kind, or None where there is none."""
    distinct = list(dict.fromkeys(right for right in rights if right))
    longest = max(distinct, key=len, default="")
    others = [_other(distinct, right) for right in rights]
    nothing = "\n".join(empty.replace("{}", "") for empty in FORMS[1:]) + "\n" + form.replace("{}", "")
    short = len(distinct) > 3 and all(len(text) <= 40 for text in distinct)
    every = "\n".join(distinct) if short else None
    answers = [
        [""] * len(rows),
        [_text_of(row.get("prompt")) or None for row in rows],
        [form.replace("{}", " ".join([_other([longest, *distinct], right) or "so it is"] * 20)) for right in rights],
        [None if other is None else form.replace("{}", other) for other in others],
        [nothing] * len(rows),
        [every if right and right != distinct[-1] else None for right in rights],
    ]
    return dict(zip(WRONG, answers, strict=True))


def _other(texts, right):
    """The one after the right one that differs from it, or None."""
    at = texts.index(right) if right in texts else 0
    return next((text for text in [*texts[at + 1 :], *texts[:at]] if text != right), None)


def _text_of(prompt):
    if isinstance(prompt, (list, tuple)):
        prompt = prompt[-1].get("content") if prompt and isinstance(prompt[-1], dict) else None
    return prompt if isinstance(prompt, str) else ""


def _paid(functions, weights, rows, texts):
    """The weighted sum of rewards for each answer; raises RewardFaultError."""
    talks = bool(rows) and isinstance(rows[0].get("prompt"), (list, tuple))
    completions = [[{"role": "assistant", "content": text}] for text in texts] if talks else texts
    columns = {name: [row.get(name) for row in rows] for name in rows[0] if name not in {"prompt", "completion"}}
    given = dict(
        columns, prompts=[row.get("prompt") for row in rows], completions=completions, trainer_state=None,
        completion_ids=[list(range(len(text) // 4 + 1)) for text in texts],
        log_extra=lambda *_: None, log_metric=lambda *_: None,
    )  # fmt: skip
    each = [_values(function, given, len(texts)) for function in functions]
    return [sum(w * (v or 0.0) for w, v in zip(weights, values, strict=True)) for values in zip(*each, strict=True)]


def _values(function, given, count):
    name = getattr(function, "__name__", "the reward")
    try:
        values = list(function(**given))
        values = [None if value is None else float(value) for value in values]
    except Exception as error:
        raise RewardFaultError(f"{name} raises {type(error).__name__}: {str(error)[:200]}") from error
    if len(values) != count:
        raise RewardFaultError(f"{name} gives {len(values)} rewards for {count} answers")
    if all(value is None or not math.isfinite(value) for value in values) or any(map(_is_odd, values)):
        raise RewardFaultError(f"{name} gives what is no number: {values[:3]}")
    return values


def _is_odd(value):
    return value is not None and not math.isfinite(value)


def _apart(right, wrong):
    """Of the pairs of a right and a wrong answer the share in which the right one is paid more; equal counts half."""
    return sum(1.0 if r > w else 0.5 if r == w else 0.0 for r in right for w in wrong) / (len(right) * len(wrong))


def _problems(right, wrong):
    everything = [*right, *(value for values in wrong.values() for value in values)]
    if not right or not everything:
        return []
    usual = sum(right) / len(right)
    zero = min(0.0, *everything)
    found = []
    for kind, values in wrong.items():
        share = (sum(values) / len(values) - zero) / (usual - zero) if usual > zero else 1.0
        if _apart(right, values) < APART:
            found.append(f"It cannot tell right answers from wrong ones of the kind {kind!r}")
        elif share > HALF:
            found.append(f"It pays wrong answers of the kind {kind!r} {share:.0%} of what it pays for right ones")
    return found


def check_rewards(functions, weights, rows):
    """Try the rewards on some rows, tell what came of it, and end a run that costs money if they teach nothing."""
    count = 6 if any(function.__name__ == "passes_tests" for function in functions) else 32
    trial = try_rewards(functions, weights, [rows[number] for number in range(min(count, len(rows)))])
    tell("reward_trial", **trial)
    if not trial["problems"]:
        return
    message = "The reward would teach the wrong thing: " + "; ".join(trial["problems"])
    if os.environ.get("HFFT_NEEDS_GPU"):
        raise ValueError(message)
    tell("progress", message=message)
