"""The words that all renderings of a report share, and how text of a dataset is shown: bounded, visible, isolated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hfft_widgets.core import html as h
from hfft_widgets.core.data.shortening import shortened
from hfft_widgets.core.data.values import MAX_LENGTH, Finding, Status, Verdict
from hfft_widgets.core.units import plural

if TYPE_CHECKING:
    from hfft_widgets.core.data.lengths import Lengths
    from hfft_widgets.core.data.report import ValidationReport

SYMBOLS = {Status.READY: "✓", Status.BLOCKED_BY_ROWS: "!", Status.NEEDS_MAPPING: "!", Status.INCOMPATIBLE: "✗"}
EFFECT_WORDS = {
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


def shown(value: object, characters: int = _CELL_CHARACTERS) -> str:
    r"""A text of the dataset in one line of bounded length, with every invisible character written out.

    >>> shown("a\nb\u202e")
    'a\\nb\\u202e'
    """
    return _UNSEEN.sub(_written_out, shortened(value, characters))


def shown_lines(text: str, characters: int) -> str:
    r"""The same with its lines and tabs; of a long text the middle is left out.

    >>> shown_lines("a\nb\u202e" + "c" * 90, 20)
    'a\nb\\u202ecccccc\n… 74 characters left out …\ncccccccccc'
    """
    if len(text) > characters:
        half = characters // 2
        left_out = len(text) - 2 * half
        text = f"{text[:half]}\n… {left_out:,} characters left out …\n{text[-half:]}"
    return _UNSEEN_BUT_LINES.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode()


def safe(value: object, characters: int = LINE_CHARACTERS) -> h.Markup:
    """Text of the dataset: isolated, so that right-to-left letters leave the rest of the card alone."""
    return h.el("bdi", shown(value, characters))


def name_of(report: ValidationReport) -> str:
    """The dataset's name as every rendering shows it."""
    return shown(report.name, _NAME_CHARACTERS)


def effects_of(finding: Finding) -> str:
    """The effects in words, methods with the same effect together: "SFT, DPO: stops the training"."""
    methods: dict[str, list[str]] = {}
    for method, effect in finding.effects.items():
        methods.setdefault(effect, []).append(method)
    return "; ".join(f"{', '.join(names)}: {EFFECT_WORDS[effect]}" for effect, names in methods.items())


def rows_of(finding: Finding) -> str:
    """The first of its row numbers: "rows 3, 17, 29"."""
    numbers = ", ".join(f"{number:,}" for number in finding.rows[:_SHOWN_ROWS])
    more = " …" if finding.count > _SHOWN_ROWS else ""
    return f"{'row' if finding.count == 1 else 'rows'} {numbers}{more}"


def lines_of(report: ValidationReport, method: str) -> list[str]:
    """What a verdict says below its status: the reason, the mapping agreed to, and the rest."""
    verdict: Verdict = report.verdicts[method]
    agreed = report.mappings.get(method)
    mapped = [f"Mapped: {agreed.words}."] if agreed and agreed.words else []
    return [shown(line, LINE_CHARACTERS) for line in (verdict.reason, *mapped, *verdict.details)]


def agreements(report: ValidationReport) -> list[str]:
    """Each mapping, then each fix agreed to, in words."""
    mappings = [f"{method}: {mapping.words}" for method, mapping in report.mappings.items()]
    return [shown(words, LINE_CHARACTERS) for words in (*mappings, *(fix.label for fix in report.fixes))]


def method_labels(report: ValidationReport) -> list[tuple[str, str]]:
    """(symbol and name, name) of each method, for a row of toggles."""
    return [(f"{SYMBOLS[verdict.status]} {method}", method) for method, verdict in report.verdicts.items()]


def offered_mapping(report: ValidationReport) -> str | None:
    """The recommended method, if a mapping for it waits to be agreed to."""
    method = report.recommended
    return method if method and report.verdicts[method].status is Status.NEEDS_MAPPING else None


def looked_at(report: ValidationReport) -> str:
    """Which rows and which chat template: "checked all rows, chat template of Qwen/Qwen3-0.6B"."""
    if not report.model:
        return f"checked {report.coverage}, no chat template"
    has = "chat template of" if report.template else "no chat template in"
    return f"checked {report.coverage}, {has} {shown(report.model, 80)}"


def not_known(report: ValidationReport) -> str | None:
    """What a sample leaves open; None where all rows were looked at."""
    if not report.sampled:
        return None
    return (
        f"This is what {report.coverage.removeprefix('a sample: ')} tell. Only all rows can tell how many rows each "
        "finding concerns, whether a single broken row stops the training, and which rows repeat earlier ones."
    )


# ---- lengths ---------------------------------------------------------------------------------


def length_lines(report: ValidationReport) -> list[str]:
    """The lengths in tokens in two sentences per method, as far as they are known."""
    return [line for lengths in report.lengths.values() for line in (token_words(lengths), limit_words(lengths))]


def token_words(lengths: Lengths) -> str:
    """How many tokens, how many of them learned, and how they are spread."""
    about = "" if lengths.exact else "about "
    error = "" if lengths.exact else f" (± {100 * lengths.error:.1f} %, counted in {plural(len(lengths.total), 'row')})"
    learned = "all" if lengths.trained_tokens == lengths.tokens else f"{lengths.trained_tokens:,}"
    return (
        f"{lengths.method} reads {about}{lengths.tokens:,} tokens{error} and learns {learned} of them; half "
        f"of the rows have at most {lengths.quantile(0.5):,}, 99 % at most {lengths.quantile(0.99):,}, "
        f"the longest {lengths.quantile(1.0):,}"
    )


def limit_words(lengths: Lengths, limit: int = MAX_LENGTH) -> str:
    """What a limit on tokens costs; without one named, TRL's default."""
    whose = " (TRL's default limit)" if limit == MAX_LENGTH else ""
    cut = lengths.at(limit)
    if not cut.rows_cut:
        return f"No row is cut at {limit:,} tokens{whose}"
    longer = f"{plural(cut.rows_cut, 'row')} {'is' if cut.rows_cut == 1 else 'are'} longer"
    return f"{cut.words}; {longer}{whose}"
