"""Pages of the rule book: what a rule means, a row with it and one without, and the trainer's line behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hfft_widgets.cards import known
from hfft_widgets.cards.parts import card, chip, fold
from hfft_widgets.cards.report.words import EFFECT_WORDS, effects_of
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.units import plural

Values = Mapping[str, Any]


def text(book: Values) -> str:
    """A page in full, or a line for each of several."""
    rules = book["rules"]
    if len(rules) == 1:
        return "\n".join(filter(None, (known(_full_text, rules[0]), "")))
    lines = [f"{rule['id']} ({rule['part']}): {rule['message']} ({effects_of(rule)})" for rule in rules]
    return "\n".join([f"{plural(len(rules), 'rule')}:", *lines, "A page each: hfft rules NAME."])


def markdown(book: Values) -> str:
    """The pages as Markdown."""
    return "\n".join(page for rule in book["rules"] if (page := known(_page_markdown, rule)))


def html(book: Values) -> Markup:
    """The pages as a card; several are folded."""
    rules = book["rules"]
    title = f"Rule {rules[0]['id']}" if len(rules) == 1 else "The rule book"
    pages = [known(_folded, rule, len(rules) == 1) for rule in rules]
    return card(title, "what is looked for in rows", chip("info", plural(len(rules), "rule")), *pages, label=title)


def page(rule: Values) -> Markup:
    """One page without its title: words, effects, the two rows, the trainer's line."""
    return join(
        [
            el("div", rule["why"]),
            el("div", effects_of(rule), class_="fix"),
            el("div", f"Fix: {rule['fix']}", class_="fix") if rule["fix"] else None,
            [[el("div", words, class_="sub"), el("pre", el("bdi", row))] for words, row in _rows(rule)],
            el("div", _line(rule), class_="fix"),
        ]
    )


def _folded(rule: Values, open_: bool) -> Markup:
    return fold(f"{rule['id']}: {rule['message']}", page(rule), open_=open_)


def _rows(rule: Values) -> Iterator[tuple[str, str]]:
    yield f"A row that has it, as {rule['method']} reads it", json.dumps(rule["bad"], ensure_ascii=False, indent=1)
    yield "A row that has not", json.dumps(rule["good"], ensure_ascii=False, indent=1)


def _line(rule: Values) -> str:
    trl = rule["trl"]
    return f"Behind it: TRL {trl['version']}, {trl['file']}, line {trl['line']:,}: {trl['code']}"


def _full_text(rule: Values) -> str:
    rows = [f"{words}:\n{row}" for words, row in _rows(rule)]
    fix = f"Fix: {rule['fix']}" if rule["fix"] else ""
    head = f"{rule['id']} ({rule['part']}): {rule['message']}"
    return "\n\n".join(filter(None, [head, rule["why"], effects_of(rule), fix, *rows, _line(rule)]))


def _page_markdown(rule: Values) -> str:
    effects = [f"- {method}: {EFFECT_WORDS[effect]}" for method, effect in rule["effects"].items()]
    rows = [line for words, row in _rows(rule) for line in (f"{words}:", "", "```json", row, "```", "")]
    fix = [f"Fix: {rule['fix']}", ""] if rule["fix"] else []
    trl = rule["trl"]
    line = f"Behind it: TRL {trl['version']}, `{trl['file']}`, line {trl['line']:,}: `{trl['code']}`"
    head = [f"## {rule['id']}", "", f"**{rule['message']}** {rule['why']}", ""]
    return "\n".join([*head, *effects, "", *fix, *rows, line, ""])
