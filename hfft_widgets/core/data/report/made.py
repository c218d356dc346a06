"""From rows to the report on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from hfft_widgets.core.data.columns import Row
from hfft_widgets.core.data.emulators.learned import Learned
from hfft_widgets.core.data.grouping import Progress
from hfft_widgets.core.data.report.result import Prover, ValidationReport
from hfft_widgets.core.data.rows import PythonRows, Rows
from hfft_widgets.core.data.token_lengths import Counter, remembering
from hfft_widgets.errors import EmptyDatasetError


def validate_rows(  # noqa: PLR0913 - what a report stands on, each by its name
    rows: Rows | Iterable[Row],
    *,
    name: str,
    reference: Mapping[str, Any] | None = None,
    model: str | None = None,
    template: str | None = None,
    training_template: str | None = None,
    tokens: Mapping[str, str] | None = None,
    vision: bool | None = None,
    counter: Counter | None = None,
    prover: Prover | None = None,
    learned: Learned = "answers",
    coverage: str = "all rows",
    all_rows: int | None = None,
    whole: Callable[[Progress | None], ValidationReport] | None = None,
    progress: Progress | None = None,
) -> ValidationReport:
    """Say for each method whether it can train on these rows, and what is wrong with which of them.

    Args:
        rows: Rows that can be read several times (`Rows`), or any rows as mappings from column to cell.
        name: The dataset's name, for people.
        reference: Keyword arguments of `load_dataset` that give the same rows.
        model: The model whose chat template is `template`.
        template: The chat template's Jinja source; "": the model has none; None: not known, which the report says.
        training_template: The marked version of it that TRL trains with; None: it has none, or it is not known.
        tokens: The model's special tokens by name, e.g. {"eos_token": "<|im_end|>"}.
        vision: Whether the model reads pictures; None: not known.
        counter: The model's tokenizer, from texts to numbers of tokens; None: lengths stay unknown.
        prover: Trains two steps with the model's tokenizer; None: nothing can be proven.
        learned: Which words of conversations SFT learns: "answers" or "all".
        coverage: Which rows these are.
        all_rows: Rows of the whole dataset; None: not known.
        whole: Makes a report on all rows, where these are a sample.
        progress: Called with (rows read, all rows; 0 if not known) now and then; what it raises ends the validation.

    Raises:
        EmptyDatasetError: There is no row.
        ModelError: The template cannot be read.
    """
    kept = cast("Rows", rows) if hasattr(rows, "batches") else PythonRows([dict(row) for row in rows])
    if kept.total == 0:
        raise EmptyDatasetError(f"{name} has no row.", remedy="Choose a dataset, split or file with at least one row.")
    empty = ValidationReport(
        name, kept.total or 0, {}, {}, (), None, reference=reference, model=model, template=template,
        tokens=tokens or {}, vision=vision, learned=learned, coverage=coverage, rows=kept,
        all_rows=all_rows, whole=whole, prover=prover,
        training_template=training_template, counter=remembering(counter) if counter else None,
    )  # fmt: skip
    return empty.again(progress=progress)
