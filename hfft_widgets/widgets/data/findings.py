"""What some rows have, each with its remedy beside it, and what was changed so far."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hfft_widgets.cards.parts import icon, items
from hfft_widgets.cards.report import finding_item
from hfft_widgets.cards.report.rows import changes_view
from hfft_widgets.cards.report.words import safe
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.units import plural
from hfft_widgets.errors import HfftError
from hfft_widgets.widgets.form import Form, actions

if TYPE_CHECKING:
    from hfft_widgets.core.data.preview import Change
    from hfft_widgets.core.data.report import ValidationReport


class FindingsPart:
    """A line per finding, with a button for its fix and a look at what that does to the rows."""

    def __init__(self) -> None:
        self.previews: dict[int, list[Change]] = {}

    def show(self) -> None:
        """Another report: what was looked at is no more."""
        self.previews = {}

    def toggle(self, index: int, changes: list[Change]) -> None:
        """Show what a fix does; a second look folds it away."""
        if self.previews.pop(index, None) is None:
            self.previews[index] = changes

    def view(self, form: Form, report: ValidationReport, *, button: bool) -> Markup | None:
        """The findings, the worst first.

        Args:
            form: The panel's fields.
            report: What was found.
            button: Whether a button for all fixes stands here.
        """
        if not report.findings:
            seen = f"Checked {report.coverage} for {report.recommended}"
            return items([("ok", "Nothing found in the rows", seen, "")]) if report.recommended else None
        found = items(self._item(form, index, finding) for index, finding in enumerate(report.findings))
        return join([found, actions(all_fixes(form, report))]) if button and fixes_of(report) > 1 else found

    def _item(self, form: Form, index: int, finding: Any) -> tuple[str, Any, Any, Any]:
        if finding.fix is None:
            return finding_item(finding.to_dict())
        preview = self.previews.get(index)
        buttons = actions(
            form.button(finding.fix.label, "fix", value=index),
            form.button("Preview" if preview is None else "Hide the preview", "preview", value=index, quiet=True),
        )
        made = changes_view([change.to_dict() for change in preview]) if preview is not None else None
        return finding_item(finding.to_dict(), remedy=[buttons, made])


def fixes_of(report: ValidationReport) -> int:
    """How many findings have a fix."""
    return len(report.safe_fixes)


def all_fixes(form: Form, report: ValidationReport, *, primary: bool = False) -> Markup:
    """A button for all fixes at once."""
    count = fixes_of(report)
    return form.button("Apply the fix" if count == 1 else f"Apply all {count} fixes", "fixes", primary=primary)


def kept_changes(before: ValidationReport, report: ValidationReport) -> ValidationReport:
    """A new report with the mappings and fixes of an earlier one that still apply."""
    for method, mapping in before.mappings.items():
        with suppress(HfftError):
            report = report.with_mapping(method, mapping)
    for fix in (fix for fix in before.fixes if not fix.rows):  # numbers of rows mean other rows now
        with suppress(HfftError):
            report = report.with_fixes(fix)
    return report.with_max_length(before.max_length)


def changed_view(form: Form, report: ValidationReport, *, undo: bool) -> Markup | None:
    """What was changed so far, each with a button that takes it back."""
    lines = [
        _line(form, f"{method}: {mapping.words}", "unmap", method) for method, mapping in report.mappings.items()
    ] + [_line(form, fix.label, "unfix", index) for index, fix in enumerate(report.fixes)]
    if report.max_length:
        lines.append(_line(form, f"Rows are cut after {report.max_length:,} tokens", "limit", ""))
    lines += [_line(form, f"{name} is the {role}", "unrole", name) for name, role in report.roles.items()]
    if report.learned == "all":
        lines.append(_line(form, "Whole conversations are learned, the questions too", "learn", "answers"))
    if not lines and not undo:
        return None
    title = f"{plural(len(lines), 'change')} so far" if lines else "No change is left"
    back = actions(
        form.button("Undo", "undo", help_="Take back the last change") if undo else None,
        form.button("Take everything back", "undo_all", quiet=True) if len(lines) > 1 else None,
    )
    return el("div", el("div", title, class_="sub"), lines, back)


def _line(form: Form, words: str, do: str, value: object) -> Markup:
    take_back = form.button("Take back", do, value=value, quiet=True)
    return el("div", icon("ok"), " ", safe(words, 300), " ", take_back, class_="line", data_key=f"{do} {value}")
