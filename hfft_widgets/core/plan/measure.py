"""Measuring the data for a plan: how many tokens its rows take in the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hfft_widgets.core.data.report import ValidationReport
from hfft_widgets.core.plan.settings import DataFacts

# a chat template adds about this many tokens per turn: role, markers, line ends
_TOKENS_PER_TURN = 6
# without a tokenizer: English text in a large vocabulary
_CHARACTERS_PER_TOKEN = 4.0


def measure_rows(
    rows: Sequence[Mapping[str, Any]],
    *,
    report: ValidationReport,
    method: str,
    counter: Callable[[Iterable[str]], list[int]] | None,
    sample: int,
) -> DataFacts:
    """Token statistics of up to `sample` rows spread over the data, and what the script needs to load them.

    Args:
        rows: The rows after mapping and fixes.
        report: Where they are from.
        method: What they are for: GRPO reads prompts only.
        counter: The model's tokenizer as a function from texts to token counts, or None.
        sample: At most so many rows are counted.
    """
    step = max(1, len(rows) // sample)
    chosen = [rows[i] for i in range(0, len(rows), step)]
    counts = sorted(_counts(chosen, method, counter)) or [1]
    first = rows[0] if len(rows) else {}
    return DataFacts(
        name=report.name,
        reference=dict(report.reference or {}),
        code=report.code(method),
        columns=tuple(first),
        conversational=any(
            isinstance(value, list) and value and isinstance(value[0], Mapping) for value in first.values()
        ),
        rows=len(rows),
        tokens_per_row=sum(counts) / len(counts),
        longest_tokens=counts[min(len(counts) - 1, int(len(counts) * 0.99))],
        tokens_source="the model's tokenizer" if counter else "characters divided by four",
    )


def _counts(
    rows: Sequence[Mapping[str, Any]], method: str, counter: Callable[[Iterable[str]], list[int]] | None
) -> list[int]:
    columns = ("prompt",) if method == "GRPO" else ("prompt", "completion", "messages", "text", "chosen", "rejected")
    texts, turns = zip(*[_text(row, columns) for row in rows], strict=True) if rows else ((), ())
    if counter is None:
        return [
            round(len(text) / _CHARACTERS_PER_TOKEN) + n * _TOKENS_PER_TURN
            for text, n in zip(texts, turns, strict=True)
        ]
    return [count + n * _TOKENS_PER_TURN for count, n in zip(counter(texts), turns, strict=True)]


def _text(row: Mapping[str, Any], columns: Sequence[str]) -> tuple[str, int]:
    """The text of a row and its number of turns; of chosen and rejected, the longer counts."""
    parts, turns = [], 0
    for column in columns:
        if column == "rejected":
            continue
        value = row.get(column)
        if column == "chosen" and len(str(row.get("rejected") or "")) > len(str(value or "")):
            value = row["rejected"]
        if isinstance(value, str):
            parts.append(value)
            turns += 1
        elif isinstance(value, list):
            contents = [m.get("content") for m in value if isinstance(m, Mapping)]
            parts += [content for content in contents if isinstance(content, str)]
            turns += len(contents)
    return "\n".join(parts), turns
