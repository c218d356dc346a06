"""How long the rows are in the model's own tokens, and what a limit on them costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from hfft_widgets.core.card import Detail
from hfft_widgets.core.data.emulators import Passage, Reading
from hfft_widgets.core.data.emulators.base import shared
from hfft_widgets.core.data.findings import MAX_LENGTH
from hfft_widgets.core.data.rules.length import Tokens
from hfft_widgets.core.method import METHODS

if TYPE_CHECKING:
    from numpy.typing import NDArray

Counter = Callable[[Iterable[str]], list[int]]
ReadRows = Callable[[Sequence[int]], list[Reading]]

EXACT_ROWS, SAMPLE_ROWS = 2000, 1000
_REMEMBERED, _AT_ONCE = 500_000, 256
# What a chat template writes around the words of a row is seldom longer, in bytes.
_AROUND = 256


@dataclass(frozen=True)
class Cut:
    """What a limit costs.

    Attributes:
        max_length: The limit, in tokens.
        rows_lost: Rows of which nothing is learned any more.
        rows_cut: Rows of which some tokens go.
        trained_lost: Share of the trained tokens that go, from 0 to 1.
        error: Half the width of a 95 % interval around the share of rows lost; 0 where all rows were counted.
    """

    max_length: int
    rows_lost: int
    rows_cut: int
    trained_lost: float
    error: float

    @property
    def words(self) -> str:
        """In one sentence, e.g. "At 512 tokens you lose 3 rows and 1.2 % of the trained tokens"."""
        about = "" if self.error == 0 else f"about (± {100 * self.error:.1f} % of the rows) "
        rows = f"{self.rows_lost:,} row{'' if self.rows_lost == 1 else 's'}"
        tokens = f"{100 * self.trained_lost:.1f} % of the trained tokens"
        return f"At {self.max_length:,} tokens you lose {about}{rows} and {tokens}"


@dataclass(frozen=True)
class Lengths:
    """Tokens per row, as a method's trainer makes them.

    Attributes:
        method: The method.
        rows: Rows that the trainer can read; from a sample an estimate.
        numbers: The rows that were counted; shape (n,).
        total: Tokens of each one's longest text; shape (n,).
        context: Tokens before the answer; shape (n,).
        trained: Tokens that carry a loss, of all its texts; shape (n,).
    """

    method: str
    rows: int
    numbers: NDArray[np.int64] = field(repr=False)
    total: NDArray[np.int64] = field(repr=False)
    context: NDArray[np.int64] = field(repr=False)
    trained: NDArray[np.int64] = field(repr=False)

    @property
    def exact(self) -> bool:
        """Whether all rows were counted."""
        return len(self.numbers) == self.rows

    @property
    def tokens(self) -> int:
        """Tokens of all rows; from a sample an estimate."""
        return self._of_all(self.total)

    @property
    def trained_tokens(self) -> int:
        """Tokens that carry a loss, of all rows; from a sample an estimate."""
        return self._of_all(self.trained)

    def _of_all(self, tokens: NDArray[np.int64]) -> int:
        return round(float(tokens.mean()) * self.rows) if len(tokens) else 0

    @property
    def error(self) -> float:
        """Half the width of a 95 % interval around `tokens`, as a share of it; 0 where all rows were counted."""
        n = len(self.total)
        if self.exact or n < 2 or not self.total.mean():
            return 0.0
        left = sqrt(max(0.0, 1 - n / self.rows))
        return float(1.96 * self.total.std(ddof=1) / sqrt(n) / self.total.mean() * left)

    def quantile(self, share: float) -> int:
        """The length that this share of the rows does not exceed."""
        return int(np.quantile(self.total, share, method="higher")) if len(self.total) else 0

    def histogram(self, bins: int = 24, *, cut_at: int | None = None) -> list[tuple[int, int, int]]:
        """(least tokens, most tokens, rows) per bar; the last bar holds everything from the 99.5th percentile on.

        Args:
            bins: The most bars.
            cut_at: Count only the rows that a limit of so many tokens cuts, in the same bars; None: all.
        """
        if not len(self.total):
            return []
        top = max(self.quantile(0.995), 1)
        step = -(-top // bins)
        edges = np.arange(0, top + step, step)
        counted = self.total if cut_at is None else self.total[self._cut_by(cut_at)]
        counts, _ = np.histogram(np.minimum(counted, top), edges)
        scale = self.rows / len(self.total)
        bars = zip(edges, edges[1:], counts, strict=False)
        return [(int(low), int(high), round(int(count) * scale)) for low, high, count in bars]

    def _cut_by(self, max_length: int) -> NDArray[np.bool_]:
        """Which of the counted rows lose tokens; shape (n,)."""
        if METHODS[self.method].generates:  # prompts are never cut
            return np.zeros(len(self.total), bool)
        return self.total > max_length

    def at(self, max_length: int) -> Cut:
        """What a limit of so many tokens costs."""
        long = self._cut_by(max_length)
        lost = long if METHODS[self.method].drops_long_rows else long & (self.context >= max_length)
        gone = np.where(lost, self.trained, np.where(long, np.minimum(self.total - max_length, self.trained), 0))
        share = float(lost.mean()) if len(lost) else 0.0
        scale = self.rows / max(1, len(self.total))
        return Cut(
            max_length,
            round(int(lost.sum()) * scale),
            round(int(long.sum()) * scale),
            int(gone.sum()) / max(1, int(self.trained.sum())),
            0.0 if self.exact else 1.96 * sqrt(max(share * (1 - share), 1 / len(lost)) / len(lost)),
        )

    def to_dict(self, detail: Detail = "plain", max_length: int = MAX_LENGTH) -> dict[str, Any]:
        """JSON values: the figures, and the histogram; for a card also what a limit of so many tokens costs."""
        values = {
            "rows": self.rows,
            "counted": len(self.numbers),
            "tokens": self.tokens,
            "trained_tokens": self.trained_tokens,
            "error": self.error,
            "min": self.quantile(0.0),
            "median": self.quantile(0.5),
            "p99": self.quantile(0.99),
            "max": self.quantile(1.0),
            "histogram": [list(bar) for bar in self.histogram()],
        }
        cut = self.at(max_length)
        limit = {
            "words": cut.words,
            "rows_cut": cut.rows_cut,
            "max_length": max_length,
            "usual": max_length == MAX_LENGTH,
            "cut": [rows for _, _, rows in self.histogram(cut_at=max_length)],
        }
        return values if detail == "plain" else {**values, "limit": limit}


def remembering(counter: Counter) -> Counter:
    """A counter that counts no text twice, for reports that are made anew with every click."""
    known: dict[int, int] = {}

    def count(texts: Iterable[str]) -> list[int]:
        listed = list(texts)
        new = [text for text in dict.fromkeys(listed) if hash(text) not in known]
        if len(known) > _REMEMBERED:
            known.clear()
            new = list(dict.fromkeys(listed))
        known.update(zip(map(hash, new), counter(new) if new else (), strict=True))
        return [known[hash(text)] for text in listed]

    return count


def noticed(counter: Counter, progress: Callable[[int, int], None], rows: int) -> Counter:
    """A counter that calls `progress(rows, rows)` now and then, so that counting can be ended as reading can."""

    def count(texts: Iterable[str]) -> list[int]:
        listed, counts = list(texts), []
        for start in range(0, len(listed), _AT_ONCE):
            progress(rows, rows)
            counts += counter(listed[start : start + _AT_ONCE])
        return counts

    return count


def lengths_of(method: str, kept: NDArray[np.bool_], read: ReadRows, counter: Counter) -> Lengths:
    """Count a method's rows: all where they are few, else a random sample (the same always).

    Args:
        method: The method.
        kept: Which rows the trainer gets; shape (total,).
        read: What the trainer makes of rows, by number.
        counter: The model's tokenizer, from texts to numbers of tokens.
    """
    numbers = np.flatnonzero(kept)
    return _counted(method, len(numbers), _few(numbers), read, counter)


def spoiled(
    method: str, kept: NDArray[np.bool_], sizes: NDArray[np.int64], read: ReadRows, counter: Counter
) -> tuple[NDArray[np.int64], Tokens, bool]:
    """The rows that TRL's default limit may spoil, their tokens, and whether all that could be were counted.

    Only rows whose bytes could exceed the limit are counted: a byte-level tokenizer never makes more tokens than
    bytes.

    Args:
        method: The method.
        kept: Which rows the trainer gets; shape (total,).
        sizes: Bytes of text of each kept row; shape (kept,).
        read: What the trainer makes of rows, by number.
        counter: The model's tokenizer.
    """
    suspects = np.flatnonzero(kept)[sizes + _AROUND > MAX_LENGTH]
    chosen = _few(suspects)
    lengths = _counted(method, len(suspects), chosen, read, counter)
    alike = np.zeros(len(lengths.numbers), np.int64)
    cut = np.flatnonzero((lengths.total > MAX_LENGTH) & (lengths.context < MAX_LENGTH))
    if METHODS[method].paired and METHODS[method].cuts_rows:
        alike[cut] = _alike(read(lengths.numbers[cut].tolist()), counter)
    whole = lengths.exact if METHODS[method].drops_long_rows else len(chosen) == len(suspects)
    return lengths.numbers, Tokens(lengths.total, lengths.context, alike), whole


def _few(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(numbers) <= EXACT_ROWS:
        return numbers
    return np.sort(np.random.default_rng(0).choice(numbers, SAMPLE_ROWS, replace=False))


def _alike(readings: list[Reading], counter: Counter) -> NDArray[np.int64]:
    """The tokens that both texts of a pair begin with."""
    pairs = [[passage.text for passage in reading.passages] for reading in readings]
    return _tokens([pair[0][: shared(*pair)] for pair in pairs], counter)


def _counted(method: str, rows: int, numbers: NDArray[np.int64], read: ReadRows, counter: Counter) -> Lengths:
    readings = read(numbers.tolist())
    fine = [(n, reading) for n, reading in zip(numbers.tolist(), readings, strict=True) if reading.passages]
    passages = [passage for _, reading in fine for passage in reading.passages]
    context = _tokens([passage.before_answer for passage in passages], counter)
    whole = _tokens([passage.text for passage in passages], counter)
    learned = _learned(passages, whole, counter)
    owner = np.repeat(np.arange(len(fine)), [len(reading.passages) for _, reading in fine])
    total, before, trained = (np.zeros(len(fine), np.int64) for _ in range(3))
    np.maximum.at(total, owner, whole)
    np.maximum.at(before, owner, context)
    np.add.at(trained, owner, learned)
    readable = round(rows * len(fine) / max(1, len(numbers)))  # rows at which the trainer stops have no length
    return Lengths(method, readable, np.array([n for n, _ in fine], np.int64), total, before, trained)


def _learned(passages: Sequence[Passage], whole: NDArray[np.int64], counter: Counter) -> NDArray[np.int64]:
    """Tokens that carry the loss: what follows the context, or several answers, each counted by itself."""
    apart = [not passage.text.endswith(passage.learned) for passage in passages]
    after = whole - _tokens([passage.context for passage in passages], counter)
    spans = [passage.spans if alone else () for passage, alone in zip(passages, apart, strict=True)]
    counted = _tokens([span for each in spans for span in each], counter)
    owner = np.repeat(np.arange(len(passages)), [len(each) for each in spans])
    answers = np.zeros(len(passages), np.int64)
    np.add.at(answers, owner, counted)
    return np.where(apart, answers, after)


def _tokens(texts: Sequence[str], counter: Counter) -> NDArray[np.int64]:
    """Each text counted once; the empty ones not at all."""
    distinct = [text for text in dict.fromkeys(texts) if text]
    counts = dict(zip(distinct, counter(distinct), strict=True)) | {"": 0}
    return np.array([counts[text] for text in texts], np.int64)
