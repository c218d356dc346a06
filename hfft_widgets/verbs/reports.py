"""Data: can it be trained on, which rows hurt, what does a model read of a row, and what is looked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfft_widgets import api
from hfft_widgets.core.data.emulators.learned import Learned
from hfft_widgets.core.data.rules.book import rules as rule_book
from hfft_widgets.core.method import MethodName
from hfft_widgets.core.script import fingerprint
from hfft_widgets.errors import DataError, PlanError
from hfft_widgets.jobs import money, uploads
from hfft_widgets.jobs.local.dry_run import dry_run
from hfft_widgets.jobs.money import Allowance, plans
from hfft_widgets.verbs.reply import Reply, reply

if TYPE_CHECKING:
    from hfft_widgets.core.data.proof import Proof
    from hfft_widgets.core.data.report import ValidationReport

Progress = Callable[[int, int], None]

_FRESH_SECONDS = 600.0  # a report is taken again for so long: plan and preview follow validate
_KEPT = 4
_STOPS = {"BLOCKED BY ROWS", "INCOMPATIBLE"}
_proven: dict[tuple[int, str | None], tuple[ValidationReport, Proof]] = {}  # the last one
_kept: dict[str, tuple[float, tuple[int, int] | None, ValidationReport]] = {}


def validate(
    data: str,
    model: str | None = None,
    config: str | None = None,
    split: str | None = None,
    method: str | None = None,
    every_row: bool = False,
    learned: Learned = "answers",
    check_split: bool = False,
    progress: Progress | None = None,
) -> Reply:
    """Check whether a dataset can be trained on, with which method, and which rows hurt. Nothing is changed.

    Args:
        data: Hub id, file (JSON, JSONL, Parquet, CSV), or "sample:messages" and its kind.
        model: Hub id or folder of the model that shall learn; its chat template decides what it can read.
        config: Configuration of a Hub dataset that has several.
        split: Split to use; "train" where there is one.
        method: The method to judge by; the recommended one if not given.
        every_row: Whether to read all rows of a Hub dataset; else the first rows, which takes seconds.
        learned: Which words of a conversation SFT learns: the "answers" alone, or "all", questions too.
        check_split: Whether to look in large data, too, for held-out rows nearly the same as rows to train on.
        progress: Called with (rows done, rows in all).
    """
    report = report_on(data, model, config, split, every_row=every_row, learned=learned, progress=progress)
    key = (data, model, config, split, every_row, learned)
    if check_split and report.split_waits:
        report = report.check_split(method, progress=progress)
        _kept[_name(key)] = (*_kept[_name(key)][:2], report)  # a plan that follows says it, too
    judged = _judged(report, method)
    status = "none" if judged is None else str(report.verdicts[judged].status)
    said = f"{judged}: {status}." if judged else "No method can train on this data as it is."
    return reply(
        {
            "kind": "report",
            "report": _name(key),
            "judged": judged,
            "status": status,
            "sampled": report.sampled,
            **report.to_dict(),
        },
        f"{'Recommended: ' if method is None and judged else ''}{said}",
        f"{report.total:,} rows looked at, {len(report.findings)} kinds of findings.",
        "These are the first rows only; every_row looks at all of them." if report.sampled else "",
        _next_step(judged, status),
        quote=str(report),
        quotes=("name", "columns", "verdicts", "findings", "mappings", "fixes"),
        blocked=judged is None or status in _STOPS,
        shows=report,
    )


def _next_step(judged: str | None, status: str) -> str:
    if judged is None:
        return "Next: choose other data, or name a method and see what it needs."
    return {
        "READY": "Next: plan.",
        "NEEDS MAPPING": f"Next: look at preview with method={judged}, then plan with use_mapping.",
        "BLOCKED BY ROWS": "Next: plan with use_fixes, which leaves out or repairs the rows that hurt.",
    }.get(status, "Next: choose another method.")


def upload(
    data: str,
    to: str,
    split: str | None = None,
    progress: Progress | None = None,
    allowance: Allowance | None = None,
) -> Reply:
    """Upload a dataset of this machine to the Hub, private, so that a job can read it. Its id is then its name.

    Args:
        data: File (JSON, JSONL, Parquet, CSV) or folder, or "sample:messages" and its kind.
        to: The dataset repository, e.g. "your-name/talk": new, or of an earlier upload.
        split: Split of a folder; "train" where there is one.
        progress: Called with (bytes done, bytes in all).
        allowance: What a person allowed; given by the door, never by who calls it.
    """
    (allowance or money.from_environment(agent=True)).check_changes("uploaded")
    found = uploads.upload(report_on(data, None, None, split), to, progress=progress)
    revision = (found.reference or {}).get("revision")
    return reply(
        {"kind": "uploaded", "data": to, "rows": found.total, "revision": revision, "private": True},
        f"{found.total:,} rows are in the private dataset {to}; plan with that name.",
        f'It stays until it is deleted: hfft.delete_upload("{to}") in Python, or its settings on the Hub.',
    )


def preview(
    data: str,
    model: str | None = None,
    method: str | None = None,
    row: int = 0,
    config: str | None = None,
    split: str | None = None,
    learned: Learned = "answers",
) -> Reply:
    """Show one row: its cells, what the proposed mapping makes of it, and what the model reads and learns of it.

    Args:
        data: Hub id, file, or "sample:messages" and its kind.
        model: Hub id or folder of the model; without one there is no chat template.
        method: The method that reads it; the recommended one if not given.
        row: The row's number, from 0.
        config: Configuration of a Hub dataset that has several.
        split: Split to use; "train" where there is one.
        learned: Which words of a conversation SFT learns: the "answers" alone, or "all", questions too.
    """
    report = report_on(data, model, config, split, learned=learned)
    judged = _judged(report, method)
    if judged is None:
        raise DataError("No method can read this data as it is.", remedy="Name a method to see what it would read.")
    if not 0 <= row < report.total:
        raise DataError(f"There is no row {row:,}.", remedy=f"Rows go from 0 to {report.total - 1:,}.")
    values = report.look(judged, row)
    reading = values["reading"]
    passages, refusal = reading.get("passages") or (), str(reading.get("error") or reading.get("refusal") or "")
    cells = [f"{name}: {text}" for name, text in values["cells"].items()]
    read = [f"[{p['name']}, {_by(one)}] {one['text']!r}" for p in passages for one in p["pieces"]]
    return reply(
        {"kind": "row", **values},
        f"Row {row:,} of {report.total:,}, as {judged} reads it.",
        "The trainer refuses this row; the quote says why." if refusal else "",
        quote="\n".join([*cells, "", *read, refusal]),
        quotes=("cells", "reading"),
    )


def _by(piece: dict[str, Any]) -> str:
    return f"{piece['author']}, {'learned' if piece['learned'] else 'only read'}"


def prove(
    data: str,
    model: str | None = None,
    method: MethodName | None = None,
    config: str | None = None,
    split: str | None = None,
    learned: Learned = "answers",
    progress: Progress | None = None,
) -> Reply:
    """Let the installed TRL show what it does: of data, or, by a plan's fingerprint, with the plan's very script.

    Of data it trains two steps on rows of each kind and says where it does not do what validate says. Of a plan it
    makes a dry run: its script as far as the first step, with the tokens of an epoch, the parameters that are trained,
    and what TRL or PEFT refuse. The weights are tiny and random, on this machine, in seconds, and nothing is paid.
    Where TRL is not installed it says so, with what to install.

    Args:
        data: Hub id, file, or "sample:messages" and its kind; or the fingerprint of a plan, alone.
        model: Hub id or folder of the model that shall learn; "sample:model" is a tiny one. Needed with data.
        method: Of which method; of all that can be trained if not given.
        config: Configuration of a Hub dataset that has several.
        split: Split to use; "train" where there is one.
        learned: Which words of a conversation SFT learns: the "answers" alone, or "all", questions too.
        progress: Called with (trainings done, trainings in all).
    """
    if model is None:
        return _rehearsed(data, progress)
    report = report_on(data, model, config, split, learned=learned)
    known, kept = _proven.get((id(report), method), (None, None))
    proof = kept if known is report and kept else report.prove([method] if method else None, progress=progress)
    _proven.clear()
    _proven[id(report), method] = report, proof
    return reply(
        proof.to_dict(), quote=str(proof), quotes=("name", "trials", "not_tried"), blocked=bool(proof.differences)
    )


def _rehearsed(plan: str, progress: Progress | None) -> Reply:
    """The dry run of a plan that was kept."""
    try:
        asked = plans.kept(plan)
    except PlanError as error:
        raise DataError(
            f"{plan[:80]!r} is no plan's fingerprint, and no model was given.",
            remedy="Give data and model, or the fingerprint of a plan.",
        ) from error
    if asked.kind != "training":
        raise DataError("Only trainings have a dry run.", remedy="Launch the export: it proves its file itself.")
    found = dry_run(asked.script, asked.plan, asked.fingerprint, progress)
    return reply(
        {"name": asked.title, "model": asked.plan.get("model"), "agrees": found.passed and not found.differences,
         "trials": [], **found.to_dict(), "versions": dict(found.versions)},
        quote=str(found), quotes=("title", "name", "raised", "words", "not_tried", "notes"),
        blocked=bool(found.raised), shows=found,
    )  # fmt: skip


def rules(rule: str | None = None) -> Reply:
    """Read the rule book: what is looked for in rows, what each does to a training, a bad and a good row.

    Args:
        rule: A rule's id, or a part of the book: "text", "value", "messages", "pair", "row", "length", "dataset" or
            "trainer"; all if not given.
    """
    book = rule_book(rule)
    return reply(book.to_dict(), str(book))


def report_on(
    data: str,
    model: str | None,
    config: str | None,
    split: str | None,
    *,
    every_row: bool = False,
    learned: Learned = "answers",
    progress: Progress | None = None,
) -> ValidationReport:
    """The report, or the one that was just made of the same data; raises DataError, ModelError, HubError."""
    key, version = _name((data, model, config, split, every_row, learned)), _version(data)
    made, known, report = _kept.get(key, (float("-inf"), None, None))
    if report is None or known != version or time.monotonic() - made > _FRESH_SECONDS:
        report = api.validate(
            data, model=model, config=config, split=split, sample=not every_row, learned=learned, progress=progress
        )
        for old in list(_kept)[: max(0, len(_kept) - _KEPT + 1)]:
            _kept.pop(old, None)
        _kept[key] = (time.monotonic(), version, report)
    return report


def kept_report(name: str) -> ValidationReport:
    """A report that was made in this process, by the name that validate gave it; raises DataError."""
    if name not in _kept:
        raise DataError(f"There is no report {name[:80]!r}.", remedy="Validate the data first.")
    return _kept[name][2]


def _name(asked: tuple[Any, ...]) -> str:
    return fingerprint("report", *asked)


def _version(data: str) -> tuple[int, int] | None:
    """What changes with a file."""
    try:
        seen = Path(data).expanduser().stat()
    except (OSError, ValueError):
        return None
    return seen.st_mtime_ns, seen.st_size


def _judged(report: ValidationReport, method: str | None) -> str | None:
    if method is not None and method not in report.verdicts:
        raise DataError(f"There is no method {method!r}.", remedy=f"Choose one of {', '.join(report.verdicts)}.")
    return method or report.recommended
