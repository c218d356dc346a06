"""The words that all renderings of a report share, and how text of a dataset is shown: bounded, visible, isolated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hfft_widgets.core import html as h
from hfft_widgets.core.units import plural, short, short_middle

Values = Mapping[str, Any]

SYMBOLS = {"READY": "✓", "BLOCKED BY ROWS": "!", "NEEDS MAPPING": "!", "INCOMPATIBLE": "✗"}
EFFECT_WORDS = {  # the worst first
    "crash": "stops the training",
    "dropped": "left out by the trainer",
    "silent": "trains, but not on what was meant",
    "warn": "worth knowing",
}
LINE_CHARACTERS = 1000
_NAME_CHARACTERS, _CELL_CHARACTERS = 120, 160
_SHOWN_ROWS = 5

# Characters that would rearrange the text around them, or that a terminal would obey.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSEEN_BUT_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(text: str, characters: int = _CELL_CHARACTERS) -> str:
    r"""A text of the dataset in one line of bounded length, with every invisible character written out.

    >>> shown("a\nb\u202e")
    'a\\nb\\u202e'
    """
    return _UNSEEN.sub(_written_out, short(str(text), characters))


def shown_lines(text: str, characters: int) -> str:
    r"""The same with its lines and tabs; of a long text the middle is left out.

    >>> shown_lines("a\nb\u202e" + "c" * 90, 20)
    'a\nb\\u202ecccccc\n… 74 characters left out …\ncccccccccc'
    """
    return _UNSEEN_BUT_LINES.sub(_written_out, short_middle(text, characters))


def _written_out(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode()


def safe(text: str, characters: int = LINE_CHARACTERS) -> h.Markup:
    """Text of the dataset: isolated, so that right-to-left letters leave the rest of the card alone."""
    return h.el("bdi", shown(text, characters))


def name_of(report: Values) -> str:
    """The dataset's name as every rendering shows it."""
    return shown(report["name"], _NAME_CHARACTERS)


LEARNED_WORDS = {
    "marked": "{} learns the answers of the assistant alone; questions and system turns are only read",
    "last": "{} learns the last answer of each conversation alone: the chat template does not mark the others",
    "all": "{} learns whole conversations, the questions too",
}


def severity(finding: Values) -> str:
    """The worst of its effects."""
    effects: Mapping[str, str] = finding["effects"]
    return min(effects.values(), key=list(EFFECT_WORDS).index)


def effects_of(finding: Values) -> str:
    """The effects in words, methods with the same effect together: "SFT, DPO: stops the training"."""
    methods: dict[str, list[str]] = {}
    for method, effect in finding["effects"].items():
        methods.setdefault(effect, []).append(method)
    return "; ".join(f"{', '.join(names)}: {EFFECT_WORDS[effect]}" for effect, names in methods.items())


def rows_of(finding: Values) -> str:
    """The first of its row numbers: "rows 3, 17, 29"."""
    numbers = ", ".join(f"{number:,}" for number in finding["rows"][:_SHOWN_ROWS])
    more = " …" if finding["count"] > _SHOWN_ROWS else ""
    return f"{'row' if finding['count'] == 1 else 'rows'} {numbers}{more}"


def lines_of(report: Values, method: str) -> list[str]:
    """What a verdict says below its status: the reason, the mapping agreed to, and the rest."""
    verdict = report["verdicts"][method]
    words = report["card"].get("mapped", {}).get(method)
    mapped = [f"Mapped: {words}."] if words else []
    return [shown(line, LINE_CHARACTERS) for line in (verdict["reason"], *mapped, *verdict["details"])]


def looked_at(report: Values) -> str:
    """Which rows and which chat template: "checked all rows, chat template of Qwen/Qwen3-0.6B"."""
    seen = ", ".join([f"checked {report['coverage']}", *(shown(note, 80) for note in report.get("notes", ()))])
    if not report["model"]:
        return f"{seen}, no chat template"
    has = "chat template of" if report["card"].get("template", True) else "no chat template in"
    return f"{seen}, {has} {shown(report['model'], 80)}"


def sampled(report: Values) -> bool:
    """Whether there are rows that nobody looked at."""
    return bool(report["card"].get("sampled", report["coverage"] != "all rows"))


def not_known(report: Values) -> str | None:
    """What a sample leaves open; None where all rows were looked at."""
    if not sampled(report):
        return None
    return (
        f"This is what {report['coverage'].removeprefix('a sample: ')} tell. Only all rows can tell how many rows each "
        "finding concerns, whether a single broken row stops the training, and which rows repeat earlier ones."
    )


# ---- lengths ---------------------------------------------------------------------------------


def length_lines(report: Values) -> list[str]:
    """The lengths in tokens in two sentences per method, as far as they are known."""
    return [line for method, lengths in report["lengths"].items() for line in length_words(method, lengths)]


def learned_lines(report: Values) -> list[str]:
    """Which words of conversations SFT learns, where there is a choice."""
    method = report["recommended"]
    way = report["card"].get("learns", {}).get(method)
    return [LEARNED_WORDS[way].format(method)] if way else []


def length_words(method: str, lengths: Values) -> list[str]:
    """How many tokens and how they are spread; what a limit on them costs, where one was asked about."""
    return [token_words(method, lengths), *([limit_words(lengths["limit"])] if "limit" in lengths else [])]


def token_words(method: str, lengths: Values) -> str:
    """How many tokens, how many of them learned, and how they are spread."""
    exact = lengths["counted"] == lengths["rows"]
    error = "" if exact else f" (± {100 * lengths['error']:.1f} %, counted in {plural(lengths['counted'], 'row')})"
    if lengths["max"] == lengths.get("min"):
        spread = f"every row has {lengths['max']:,}"
    else:
        spread = (
            f"half of the rows have at most {lengths['median']:,}, 99 % at most {lengths['p99']:,}, "
            f"the longest {lengths['max']:,}"
        )
    learned = "all" if lengths["trained_tokens"] == lengths["tokens"] else f"{lengths['trained_tokens']:,}"
    return (
        f"{method} reads {'' if exact else 'about '}{lengths['tokens']:,} tokens{error} and learns {learned} of them; "
        f"{spread}"
    )


def limit_words(limit: Values) -> str:
    """What a limit on tokens costs."""
    whose = " (TRL's default limit)" if limit["usual"] else ""
    if not limit["rows_cut"]:
        return f"No row is cut at {limit['max_length']:,} tokens{whose}"
    longer = f"{plural(limit['rows_cut'], 'row')} {'is' if limit['rows_cut'] == 1 else 'are'} longer"
    return f"{limit['words']}; {longer}{whose}"
