"""Writes the rule book: every rule on real rows, as a validation judges them, and the trainer's line it stands on.

    python -m tests.core.data.rules.book

Rows are made from the rules' own examples, in every layout of every method; rules of lengths, of whole datasets and of
the trainer bring theirs here. A few clean rows stand around each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import trl

from hfft_widgets.core.data.fixes import FILTERS, OTHERS
from hfft_widgets.core.data.held_out import split_places
from hfft_widgets.core.data.match_columns import ColumnRole
from hfft_widgets.core.data.report import ValidationReport, validate_rows
from hfft_widgets.core.data.rules import RULES
from hfft_widgets.core.data.rules.base import Rule, Scope, Turns
from hfft_widgets.core.data.rules.book import FILE
from hfft_widgets.core.method import METHODS
from hfft_widgets.core.units import short_middle
from tests.core.data.oracle.tiny import VISION_TEMPLATE

Row = dict[str, Any]
TRL = Path(trl.__file__).parent
CLEAN = 3
ROLES = {role.value: role for role in ColumnRole} | {"messages": ColumnRole.CONVERSATION, "image": ColumnRole.PICTURES}
TOKENS = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
PICTURE = {"bytes": None, "path": "a.png"}
WITHOUT_SYSTEM = "{% for m in messages if m.role != 'system' %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
GEMMA = (TRL / "chat_templates" / "gemma.jinja").read_text("utf-8")
QWEN = (TRL / "chat_templates" / "qwen3.jinja").read_text("utf-8")
PLAIN = ("no_number", "same_answers", "repeated_prompt", "too_long", "answer_lost", "same_when_cut", "truncated",
         "duplicate", "leakage", "contradicted", "no_better_answer", "families_refuse", "first_row")  # fmt: skip
TEMPLATES = {**dict.fromkeys(PLAIN), "template_leaves_out": WITHOUT_SYSTEM, "template_refuses": GEMMA,
             "no_picture": VISION_TEMPLATE, "trainer_refuses": VISION_TEMPLATE}  # fmt: skip
BESIDE = {"first_row": {"no_value"}}  # what is odd about the row stands beside the finding that it leads astray


def user(text: Any) -> Row:
    return {"role": "user", "content": text}


def assistant(text: Any) -> Row:
    return {"role": "assistant", "content": text}


def bases(n: int) -> Iterator[tuple[str, bool, Row]]:
    """Every method's layouts, as text and as turns: (method, whether turns, a clean row)."""
    ask, good, bad = f"Which is town {n}?", f" It is the town of {n} bridges.", f" Nobody knows {n} of them."
    asked, well, poorly = [user(ask)], [assistant(good.strip())], [assistant(bad.strip())]
    yield "SFT", False, {"prompt": ask, "completion": good}
    yield "SFT", False, {"text": ask + good}
    yield "SFT", True, {"messages": asked + well}
    yield "SFT", True, {"prompt": asked, "completion": well}
    yield "SFT", True, {"messages": asked + well, "image": PICTURE}
    for pair in ("DPO", "Reward"):
        yield pair, False, {"prompt": ask, "chosen": good, "rejected": bad}
        yield pair, False, {"chosen": ask + good, "rejected": ask + bad}
        yield pair, True, {"prompt": asked, "chosen": well, "rejected": poorly}
        yield pair, True, {"chosen": asked + well, "rejected": asked + poorly}
    yield "Reward", False, {"prompt": ask, "chosen": good, "rejected": bad, "margin": 0.5 + n}
    for online in ("GRPO", "RLOO"):
        yield online, False, {"prompt": ask, "answer": str(n)}
        yield online, True, {"prompt": asked, "answer": str(n)}
    yield "KTO", False, {"prompt": ask, "completion": good, "label": n % 2 == 0}
    yield "KTO", True, {"prompt": asked, "completion": well, "label": n % 2 == 0}


def _long(words: int, last: str) -> str:
    return " ".join(["word"] * (words - 1)) + f" {last}."


def _pictured(*places: str) -> Row:
    parts = [{"type": "image", "text": None}] * len(places) + [{"type": "text", "text": f"Which is it, {places}?"}]
    return {"messages": [user(parts), assistant([{"type": "text", "text": "It is a bridge."}])], "images": [PICTURE]}


def _apart(n: int) -> str:
    return " ".join(f"word{(n * 31 + place) % 997}" for place in range(30))


# a row whose near copy behind all rows is held out, while it is not itself
AROUND = [{"text": _apart(n)} for n in range(120)]
TWIN = next(
    n for n in range(120) if 120 in (held := split_places([*AROUND, {"text": _apart(n) + " or so"}])) and n not in held
)
_TIMES = {"response_a": " It is noon.", "response_b": " It is not."}
OWN: dict[str, tuple[str, list[Row], Row, Row]] = {
    # method, rows around, the bad row, the good row
    "too_long": ("Reward", [], {"prompt": "Why?", "chosen": _long(1100, "So"), "rejected": " No."},
                 {"prompt": "Why?", "chosen": " So.", "rejected": " No."}),
    "answer_lost": ("SFT", [], {"prompt": _long(1100, "Why"), "completion": " So."},
                    {"prompt": "Why?", "completion": " So."}),
    "same_when_cut": ("DPO", [], {"prompt": "Why?", "chosen": _long(1100, "So"), "rejected": _long(1100, "No")},
                      {"prompt": "Why?", "chosen": " So.", "rejected": " No."}),
    "truncated": ("SFT", [], {"prompt": "Why?", "completion": _long(1100, "So")},
                  {"prompt": "Why?", "completion": " So."}),
    "duplicate": ("SFT", [], {"prompt": "Which is town 1?", "completion": " It is the town of 1 bridges."},
                  {"prompt": "Why?", "completion": " So it is."}),
    "leakage": ("SFT", AROUND, {"text": _apart(TWIN) + " or so"}, {"text": "So."}),
    "contradicted": ("DPO", [{"prompt": f"Why {n}?", "chosen": " So.", "rejected": " No.", "chosen_score": 9,
                              "rejected_score": 2} for n in range(CLEAN)],
                     {"prompt": "Why?", "chosen": " So.", "rejected": " No.", "chosen_score": 1, "rejected_score": 8},
                     {"prompt": "Why?", "chosen": " So.", "rejected": " No.", "chosen_score": 8, "rejected_score": 1}),
    "plain_text": ("SFT", [], {"prompt": "Why?", "completion": " So it is."},
                   {"prompt": [user("Why?")], "completion": [assistant("So it is.")]}),
    "templated": ("SFT", [], {"text": "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\nSo.<|im_end|>\n"},
                  {"text": "Why? So it is."}),
    "other_template": ("SFT", [], {"text": "<|user|>\nWhy?\n<|assistant|>\nSo."}, {"text": "Why? So it is."}),
    "first_row": ("SFT", [{"text": None, "messages": [user(f"Why {n}?"), assistant("So.")]} for n in range(CLEAN)],
                  {"text": "Why? So.", "messages": None}, {"text": None, "messages": [user("Why?"), assistant("So.")]}),
    "trainer_refuses": ("SFT", [_pictured(str(n)) for n in range(1)], _pictured("left", "right"), _pictured("one")),
    "nothing_learned": ("SFT", [{"input_ids": [65, 66, n], "labels": [-100, 66, n]} for n in range(CLEAN)],
                        {"input_ids": [65, 66, 9], "labels": [-100, -100, -100]},
                        {"input_ids": [65, 66, 9], "labels": [-100, 66, 9]}),
    "mapping_fails": ("SFT", [{"messages": json.dumps([user(f"Why {n}?"), assistant("So.")])} for n in range(CLEAN)],
                      {"messages": "Why? So."}, {"messages": json.dumps([user("Why?"), assistant("So.")])}),
    "no_picture": ("SFT", [], {"messages": [user("Why?"), assistant("So.")], "image": {"bytes": b"none", "path": None}},
                   {"messages": [user("Why?"), assistant("So.")], "image": PICTURE}),
    "template_leaves_out": ("SFT", [], {"messages": [{"role": "system", "content": "Be brief."}, user("Why?"),
                                                     assistant("So.")]},
                            {"messages": [user("Why?"), assistant("So.")]}),
    "template_refuses": ("SFT", [], {"messages": [user("Why?"), user("Why is it?"), assistant("So.")]},
                         {"messages": [user("Why?"), assistant("So.")]}),
    "families_refuse": ("SFT", [], {"messages": [user("Why?"), user("Why is it?"), assistant("So.")]},
                        {"messages": [user("Why?"), assistant("So.")]}),
    "no_better_answer": ("DPO", [{"prompt": f"Why {n}?", **_TIMES, "winner": "ab"[n % 2]} for n in range(CLEAN)],
                         {"prompt": "Why?", **_TIMES, "winner": "tie"}, {"prompt": "Why?", **_TIMES, "winner": "a"}),
}  # fmt: skip


def _more(name: str) -> list[Row]:
    """Rows of other methods that have it, for their effects alone."""
    bad = OWN[name][2] if name in OWN else {}
    long = _long(1100, "Why")
    if name in {"template_leaves_out", "template_refuses", "families_refuse"}:
        asked, answers = bad["messages"][:-1], {"chosen": [assistant("So.")], "rejected": [assistant("No.")]}
        return [{"prompt": asked, **answers}, {"prompt": asked, "completion": [assistant("So.")], "label": True},
                {"prompt": asked, "answer": "7"}]  # fmt: skip
    return {
        "duplicate": [base for n in (1, 2) for method, turns, base in bases(n) if method != "SFT" and not turns],
        "answer_lost": [{"prompt": long, "chosen": " So.", "rejected": " No."},
                        {"prompt": long, "completion": " So.", "label": True}],
        "truncated": [{"prompt": "Why?", "chosen": long, "rejected": " No."},
                      {"prompt": "Why?", "completion": long, "label": True}],
        "plain_text": [base for method, turns, base in bases(CLEAN) if method != "SFT" and not turns],
    }.get(name, [])  # fmt: skip


def _counted(texts: list[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def judged(rule: str, rows: list[Row]) -> ValidationReport:
    """The validation that the book's rows go through; every proposed mapping is agreed to."""
    template = TEMPLATES.get(rule, QWEN)
    own = {} if template is None else {"template": template, "tokens": TOKENS, "model": "a model"}
    report = validate_rows(
        rows, name="x", vision=True if {"image", "images"} & {*rows[0]} else None, counter=_counted, **own
    )
    mapping = report.verdicts[OWN[rule][0]].mapping if rule in OWN else None
    return report.with_mapping(OWN[rule][0], mapping) if mapping else report


def around(rule: str, row: Row) -> list[Row]:
    """Clean rows with the same columns."""
    if rule in OWN and OWN[rule][1]:
        return OWN[rule][1]
    turned = any(isinstance(cell, list) for cell in row.values())
    return [base for n in range(CLEAN) for _, turns, base in _first(n, [*row], turned)]


def _first(n: int, names: list[str], turned: bool) -> list[tuple[str, bool, Row]]:
    found = [one for one in bases(n) if [*one[2]] == names]
    return ([one for one in found if one[1] is turned] or found)[:1]


def effects(rule: str, row: Row, others: list[Row]) -> dict[str, dict[str, str]]:
    """Rule -> method -> effect of what is found in a row that stands among others."""
    found: dict[str, dict[str, str]] = {}
    rows, number = ([row, *others], 0) if rule == "first_row" else ([*others, row], len(others))
    for finding in judged(rule, rows).findings:
        if number in finding.rows:
            found.setdefault(finding.rule, {}).update(finding.effects)
    return found


def of(method: str, found: dict[str, dict[str, str]]) -> set[str]:
    """The rules found for a method."""
    return {rule for rule, told in found.items() if method in told}


def only(rule: str, found: dict[str, dict[str, str]]) -> str:
    """The first method for which this rule is found, and nothing else; "": none."""
    alone = (method for method in found.get(rule, {}) if of(method, found) - BESIDE.get(rule, set()) == {rule})
    return next(alone, "")


def variants(rule: Rule) -> Iterator[tuple[Row, Row]]:
    """Rows with it and without it, in every layout that it fits."""
    for _, turns, base in bases(CLEAN):
        for has, other in rule.examples:
            yield from _put(rule, base, turns, has, other)


def _put(rule: Rule, base: Row, turns: bool, has: Any, other: Any) -> Iterator[tuple[Row, Row]]:
    columns = {name: ROLES[name] for name in base if name in ROLES}
    if rule.scope is Scope.ROW:
        yield {**base, **has}, {**base, **other}
    elif rule.scope is Scope.PAIR:
        firsts, seconds = ([n for n, role in columns.items() if role in roles] for roles in rule.roles)
        for a, b in ((a, b) for a in firsts for b in seconds):
            if isinstance(has[0], list) is turns:
                yield {**base, a: has[0], b: has[1]}, {**base, a: other[0], b: other[1]}
    else:
        for name in (name for name, role in columns.items() if role in rule.roles):
            if rule.scope is Scope.TEXT and isinstance(base[name], list):
                place = 0 if rule.turns is Turns.EARLIER else -1
                yield {**base, name: _said(base[name], place, has)}, {**base, name: _said(base[name], place, other)}
            elif rule.scope is Scope.TEXT or (rule.scope is Scope.MESSAGES) is isinstance(base[name], list):
                yield {**base, name: has}, {**base, name: other}


def _said(turns: list[Row], place: int, text: str) -> list[Row]:
    """A conversation in which the turn at this place says this; an earlier answer, where that is asked."""
    if place == 0:
        return [user("Why?"), assistant(text), user("And then?"), assistant("Then it ends.")]
    return [*turns[:-1], {**turns[-1], "content": text}]


@cache
def seen(name: str) -> tuple[dict[str, str], str, Row, Row]:
    """Method -> effect over all layouts; the first pair of rows that shows the rule alone, of a method."""
    pairs = [OWN[name][2:]] if name in OWN else [pair for rule in _rules(name) for pair in variants(rule)]
    told: dict[str, str] = {}
    shown: list[tuple[str, Row, Row]] = []
    for bad, good in pairs:
        found = effects(name, bad, around(name, bad))
        for method, effect in found.get(name, {}).items():
            told.setdefault(method, effect)
        if not shown and (method := only(name, found)) and not of(method, effects(name, good, around(name, good))):
            shown.append((method, bad, good))
    for bad in _more(name):
        told |= {m: e for m, e in effects(name, bad, around(name, bad)).get(name, {}).items() if m not in told}
    return {method: told[method] for method in METHODS if method in told}, *shown[0]


def _rules(name: str) -> list[Rule]:
    return [rule for rule in RULES if rule.id == name]


def page(name: str) -> Row:
    """The rule's page."""
    rule, (told, method, bad, good) = _rules(name)[0], seen(name)
    words, said = {**FILTERS, **OTHERS}, rule.page
    lines = (TRL / said.file).read_text("utf-8").splitlines()
    number = next(n for n, line in enumerate(lines, 1) if said.code in line)
    return {
        "id": name,
        "part": rule.scope.name.lower(),
        "message": rule.message.format(column="a column"),
        "why": said.why,
        "effects": told,
        "fix": words[rule.fix].format("a column", "another") if rule.fix else "",
        "method": method,
        "bad": _shown(bad),
        "good": _shown(good),
        "trl": {"version": trl.__version__, "file": f"trl/{said.file}", "line": number, "code": said.code},
    }


def _shown(cell: Any) -> Any:
    """Of a long text the ends, and what is no JSON in words."""
    if isinstance(cell, dict):
        return {name: _shown(value) for name, value in cell.items()}
    if isinstance(cell, list):
        return [_shown(value) for value in cell]
    return short_middle(cell, 120) if isinstance(cell, str) else cell.decode() if isinstance(cell, bytes) else cell


@cache
def pages() -> tuple[Row, ...]:
    return tuple(page(name) for name in dict.fromkeys(rule.id for rule in RULES))


def main() -> None:
    FILE.write_text(json.dumps(pages(), indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
