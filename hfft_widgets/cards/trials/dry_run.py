"""A dry run as a card: what the script would do, beside what its plan says."""

from __future__ import annotations

from hfft_widgets.cards import parts as p
from hfft_widgets.cards.report.words import Values, shown
from hfft_widgets.core import html as h

_WORD_CHARACTERS = 400


def html(run: Values) -> h.Markup:
    """The card."""
    return p.card(run["title"], _subtitle(run), _chip(run), lines(run), label=run["title"])


def lines(run: Values) -> h.Markup:
    """What came of it, its figures, and where the plan says something else."""
    kind = "info" if run["not_tried"] else "ok" if run["passed"] else "bad"
    said = h.el("div", p.icon(kind), " ", shown(run["words"], _WORD_CHARACTERS), class_="line")
    differing = [h.el("div", p.icon("warn"), " ", shown(one, _WORD_CHARACTERS), class_="line") for one in _noted(run)]
    rows = [(name, value) for name, value in _figures(run) if run["passed"]]
    table = p.table(("", ""), rows, class_="words facts") if rows else None
    under = _subtitle(run)
    return h.join([said, *differing, table, h.el("div", f"{under}.", class_="fix") if under else None])


def text(run: Values) -> str:
    """The same for a terminal."""
    return "\n".join([f"{run['title']}: {_verdict(run)}.", *(f"  {line}" for line in _said(run))])


def markdown(run: Values) -> str:
    """The same for an issue."""
    escaped = (line.replace("`", "'").replace("<", "&lt;") for line in _said(run))
    return "\n".join([f"### {run['title']}", "", *(f"- {line}" for line in escaped)]) + "\n"


def _said(run: Values) -> list[str]:
    figures = [f"{name}: {value}" for name, value in _figures(run) if run["passed"]]
    under = [f"{_subtitle(run)}."] if _subtitle(run) else []
    return [
        shown(run["words"], _WORD_CHARACTERS),
        *(shown(one, _WORD_CHARACTERS) for one in _noted(run)),
        *figures,
        *under,
    ]


def _noted(run: Values) -> list[str]:
    return [f"{one}." for one in run["differences"]] + list(run["notes"])


def _figures(run: Values) -> list[tuple[str, str]]:
    planned = run["planned"]
    rows = [
        ("Rows in an epoch", run["rows"], planned.get("rows")),
        ("Steps", run["steps"], planned.get("steps")),
        ("Tokens in a step", run["step_tokens"], planned.get("step_tokens")),
        ("Tokens in an epoch", run["tokens"], None),
        ("Longest row, in tokens", run["longest"], None),
        ("Parameters trained", run["trained"], planned.get("trained")),
    ]
    return [
        (name, f"{value:,.0f}" + (f" (planned {said:,.0f})" if said and round(said) != round(value) else ""))
        for name, value, said in rows
        if value
    ]


def _verdict(run: Values) -> str:
    if run["not_tried"]:
        return "Not tried"
    return "The script would run" if run["passed"] else "The script would stop before its first step"


def _chip(run: Values) -> h.Markup:
    return p.chip("info" if run["not_tried"] else "ok" if run["passed"] else "bad", _verdict(run))


def _subtitle(run: Values) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    return f"Real rows, trainer and collator, tiny random weights; {versions}" if versions else ""
