"""What a validation found, and the function that finds it."""

from __future__ import annotations

from hfft_widgets.core.data.findings import Finding, Status, Verdict
from hfft_widgets.core.data.grouping import Progress
from hfft_widgets.core.data.report.made import validate_rows
from hfft_widgets.core.data.report.result import ValidationReport
from hfft_widgets.core.method import METHODS

__all__ = ["METHODS", "Finding", "Progress", "Status", "ValidationReport", "Verdict", "validate_rows"]
