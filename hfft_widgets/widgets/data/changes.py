"""What changes a report in the data panel: mappings, fixes, roles, the limit and what is learned; and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hfft_widgets.errors import DataError
from hfft_widgets.widgets.panel import History, Panel, report_errors

if TYPE_CHECKING:
    from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
    from hfft_widgets.core.data.preview import Change
    from hfft_widgets.core.data.proof import Proof
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.widgets.data.example import ExamplePart
    from hfft_widgets.widgets.data.findings import FindingsPart
    from hfft_widgets.widgets.data.mapping import MappingPart
    from hfft_widgets.widgets.data.roles import RolesPart


class ReportChanges(Panel):
    """A panel whose result is a report that is changed by clicking; every change can be taken back.

    Attributes:
        method: The method on show, or "".
        mapping: What is chosen for its columns.
        example: What was clicked in a row.
        findings: What was found.
        roles: The roles chosen for speakers.
        proof: Of the report on show, or None.
    """

    method: str
    mapping: MappingPart
    example: ExamplePart
    findings: FindingsPart
    roles: RolesPart
    proof: Proof | None

    def __init__(self) -> None:
        super().__init__()
        self._history = History()

    def can_change(self) -> None:
        """Offer what follows to the page."""
        self.can("map", self.use_mapping, doing="Applying the mapping")
        self.can("use_example", self.use_example, doing="Applying the mapping")
        self.can("use", self.apply_mapping, doing="Applying the mapping")
        self.can("better", self.say_better, doing="Applying the mapping")
        self.can("unmap", self.remove_mapping, doing="Taking the mapping back")
        self.can("fix", lambda index: self.apply_fix(int(index)), doing="Applying the fix")
        self.can("fixes", self.apply_fixes, doing="Applying the fixes")
        self.can("unfix", lambda index: self.remove_fix(int(index)), doing="Taking the fix back")
        self.can("preview", lambda index: self.preview_fix(int(index)), doing="Reading the rows")
        self.can("limit", lambda tokens: self.limit_length(int(tokens) if tokens else None))
        self.can("learn", self.learn)
        self.can("roles", self.use_roles)
        self.can("unrole", self.forget_role)
        self.can("undo", self.undo)
        self.can("undo_all", self.undo_all, doing="Taking everything back")

    @report_errors
    def apply_mapping(self, method: str, mapping: ColumnMapping | None = None) -> ValidationReport:
        """Use this mapping for a method; without one, the one that the report proposes."""
        report = self._report()
        mapping = mapping or report.verdicts[method].mapping
        if mapping is None:
            raise DataError(f"There is no mapping for {method}.", remedy=f"{report.verdicts[method].reason}.")
        return self._change(report.with_mapping(method, mapping))

    @report_errors
    def use_mapping(self) -> ValidationReport:
        """Use the mapping that is chosen for the method on show."""
        if not self.method or self.mapping.mapping is None:
            raise DataError("No mapping is chosen.", remedy=self.mapping.missing)
        return self.apply_mapping(self.method, self.mapping.mapping)

    @report_errors
    def use_example(self) -> ValidationReport:
        """Use the mapping that follows from the texts that were clicked."""
        return self.apply_mapping(self.method, self.example.mapping)

    @report_errors
    def say_better(self, wins: str) -> ValidationReport:
        """Use the proposed mapping of the method on show, now that it is known which score is the better one.

        Args:
            wins: "highest" or "lowest".
        """
        mapping = self._report().verdicts[self.method].mapping if self.method else None
        if mapping is None:
            raise DataError("No mapping is proposed that asks this.", remedy="Choose the method first.")
        return self.apply_mapping(self.method, mapping.better(wins))

    @report_errors
    def remove_mapping(self, method: str) -> ValidationReport:
        """Let a method read the columns as they are."""
        return self._change(self._report().with_mapping(method, None))

    @report_errors
    def apply_fix(self, index: int) -> ValidationReport:
        """Use the fix of the finding with this index."""
        report = self._report()
        fix = report.findings[index].fix
        if fix is None:
            raise DataError(
                "This finding has no fix that keeps the meaning.", remedy="Correct the rows at their source."
            )
        return self._change(report.with_fixes(fix))

    @report_errors
    def apply_fixes(self) -> ValidationReport:
        """Use the fixes of all findings."""
        report = self._report()
        return self._change(report.with_fixes(*report.safe_fixes))

    @report_errors
    def remove_fix(self, index: int) -> ValidationReport:
        """Take back the fix with this index among those in use."""
        report = self._report()
        kept = (*report.fixes[:index], *report.fixes[index + 1 :])
        return self._change(report.without_fixes().with_fixes(*kept))

    @report_errors
    def preview_fix(self, index: int) -> list[Change]:
        """Show what the fix of the finding with this index does to the first of its rows."""
        report = self._report()
        made = report.changes(report.findings[index])
        self.findings.toggle(index, made)
        self.clear_status()
        return made

    @report_errors
    def limit_length(self, tokens: int | None) -> ValidationReport:
        """Let plans cut rows longer than so many tokens; None: by their own rule."""
        return self._change(self._report().with_max_length(tokens))

    @report_errors
    def learn(self, learned: Literal["answers", "all"]) -> ValidationReport:
        """Let SFT learn the "answers" of conversations alone, or "all" of them; plans follow."""
        return self._change(self._report().with_learned(learned))

    @report_errors
    def take(self, report: ValidationReport) -> ValidationReport:
        """Show a report that was changed elsewhere: by a plan, or brought to the Hub; `undo` goes back."""
        return self._change(report)

    @report_errors
    def use_roles(self) -> ValidationReport:
        """Give the speakers the chat roles that are chosen."""
        return self._change(self._report().with_roles(self.roles.chosen))

    @report_errors
    def forget_role(self, name: str) -> ValidationReport:
        """Take back the chat role of a speaker."""
        report = self._report()
        return self._change(report.again(roles={one: role for one, role in report.roles.items() if one != name}))

    @report_errors
    def prove(self) -> Proof:
        """Let the installed TRL train two steps on rows of each kind, and show where it does something else."""
        self.proof = self._report().prove(
            progress=lambda done, total: self.progress(done, total, f"{done} of {total} trainings")
        )
        self.clear_status()
        return self.proof

    @report_errors
    def check_split(self) -> ValidationReport:
        """Look for held-out rows that are nearly the same as rows to train on, which takes large data some seconds."""
        report = self._report().check_split(progress=self.progress)
        self._change(report)
        if report.split_waits:
            self.set_status("ok", "No held-out row is nearly the same as a row to train on.")
        return report

    @report_errors
    def undo(self) -> ValidationReport:
        """Take back the last mapping or fix."""
        if not self._history:
            raise DataError("There is nothing to undo.", remedy="Nothing was changed yet.")
        report: ValidationReport = self._history.back()
        self._accept(report)
        return report

    @report_errors
    def undo_all(self) -> ValidationReport:
        """Take back every mapping and fix, and the limit; that, too, can be undone."""
        bare = self._report().again(mappings={}, fixes=(), roles={}, learned="answers")
        return self._change(bare.with_max_length(None))

    # ---- inside -------------------------------------------------------------------------------

    def _report(self) -> ValidationReport:
        if self.result is None:
            raise DataError("No dataset was checked yet.", remedy="Check one first.")
        report: ValidationReport = self.result
        return report

    def _change(self, report: ValidationReport) -> ValidationReport:
        self._history.keep(self._report())
        self._accept(report)
        return report

    def _accept(self, report: ValidationReport) -> None:
        """Show another report."""
        raise NotImplementedError
