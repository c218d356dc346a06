"""How many tokens a trainer computes for rows of unlike length: padding, grouping by length, and packing.

A batch is padded to its longest row. Of n rows in random order, the longest of b is at most x with the probability
that all b are drawn from the i rows up to x: i! (n - b)! / ((i - b)! n!), which for many rows is (i / n)^b. Sources:
TRL 1.16's collators (`DataCollatorForLanguageModeling`, `DataCollatorForPreference`) pad to the longest text of a
batch, both texts of a pair together; transformers 5's `get_length_grouped_indices` sorts within windows; TRL's
`pack_dataset` fills sequences best fit first, the longest row first.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from statistics import NormalDist

# transformers 5, trainer_pt_utils.get_length_grouped_indices: a window holds at most so many steps
_STEPS_IN_A_WINDOW, _LEAST_WINDOWS = 50, 4
# rows from here on: the draws of a batch are as good as independent
_MANY_ROWS = 1_000_000
# two-sided 90 %; a sample misses the longest rows, which the normal approximation does not see
_SPREAD = 1.645 * 1.35
_DIGITS = 9  # powers and logarithms differ in the last bits between systems; so far they all agree
_POINTS, _P99 = 400, 2.326


@dataclass(frozen=True)
class RowLengths:
    """How long the rows are in tokens, all of them or a sample.

    Attributes:
        counts: (tokens, rows of that length), the shortest first.
        rows: Rows that these stand for.
    """

    counts: tuple[tuple[int, int], ...]
    rows: int

    @classmethod
    def of(cls, tokens: Iterable[int], rows: int | None = None) -> RowLengths:
        """From the length of each row; `rows`: how many these stand for, if they are a sample.

        >>> RowLengths.of([7, 5, 7])
        RowLengths(counts=((5, 1), (7, 2)), rows=3)
        """
        counts = Counter(max(1, int(count)) for count in tokens)
        return cls(tuple(sorted(counts.items())), max(counts.total() if rows is None else rows, 1))

    @classmethod
    def likely(cls, mean: float, p99: float, rows: int) -> RowLengths:
        """Of data of which only the mean and the 99th percentile are known: lengths of texts are about log-normal."""
        ratio = math.log(max(1.0, p99 / max(mean, 1e-9)))
        spread = _P99 - math.sqrt(max(0.0, _P99**2 - 2 * ratio))
        middle = math.log(max(mean, 1.0)) - spread**2 / 2
        normal = NormalDist(middle, max(spread, 1e-9))
        return cls.of((round(math.exp(normal.inv_cdf((n + 0.5) / _POINTS))) for n in range(_POINTS)), rows)

    @cached_property
    def counted(self) -> int:
        """Rows whose length is known."""
        return sum(rows for _, rows in self.counts)

    @property
    def exact(self) -> bool:
        """Whether the length of every row is known."""
        return self.counted >= self.rows

    @cached_property
    def mean(self) -> float:
        """Mean tokens of a row."""
        return sum(tokens * rows for tokens, rows in self.counts) / max(1, self.counted)

    @property
    def longest(self) -> int:
        """Tokens of the longest row known."""
        return self.counts[-1][0] if self.counts else 1

    @cached_property
    def attended(self) -> float:
        """Mean length of the row that a token stands in: what attention costs where rows do not see each other."""
        return sum(tokens**2 * rows for tokens, rows in self.counts) / (self.mean * max(1, self.counted))

    def within(self, limit: int, *, drops: bool = False) -> RowLengths:
        """The rows once those longer than a limit are cut to it, or left out."""
        if self.longest <= limit:
            return self
        kept = [(tokens, rows) for tokens, rows in self.counts if tokens <= limit]
        cut = self.counted - sum(rows for _, rows in kept)
        if not drops:
            *kept, last = [*kept, (limit, 0)] if not kept or kept[-1][0] < limit else kept
            return RowLengths((*kept, (limit, last[1] + cut)), self.rows)
        left = round(self.rows * (1 - cut / self.counted))
        return RowLengths(tuple(kept) or ((limit, 1),), max(1, left))

    def share_beyond(self, limit: float) -> float:
        """Share of the rows that are longer."""
        return sum(rows for tokens, rows in self.counts if tokens > limit) / max(1, self.counted)

    def longer_by(self, tokens: float) -> RowLengths:
        """Every row with so many tokens more."""
        return RowLengths(tuple((count + round(tokens), rows) for count, rows in self.counts), self.rows)

    def quantile(self, share: float) -> float:
        """The length that this share of the rows does not exceed, between two rows a value between theirs."""
        place = min(max(share, 0.0), 1.0) * self.counted - 0.5
        below = math.floor(place)
        low, high = (self._at(min(max(n, 0), self.counted - 1)) for n in (below, below + 1))
        return low + (high - low) * (place - below)

    def _at(self, number: int) -> int:
        return self.counts[bisect_left(self.up_to_each, number + 1)][0]

    @cached_property
    def up_to_each(self) -> list[int]:
        """Rows that are as long or shorter, for each length."""
        return list(accumulate(rows for _, rows in self.counts))

    def longest_of(self, batch: int) -> float:
        """Expected tokens of the longest of so many rows drawn at random."""
        return _longest_of(self, min(batch, self.rows))

    def padded(self, batch: int, rows: int | None = None) -> float:
        """Mean tokens that a row takes in batches of so many, padding included.

        Args:
            batch: Rows that are padded together.
            rows: Rows of one pass over the data: its last batch is smaller. None: all.
        """
        rows = max(1, self.rows if rows is None else rows)
        whole, rest = divmod(rows, batch)
        tokens = whole * batch * self.longest_of(batch) + (rest * self.longest_of(rest) if rest else 0)
        return tokens / rows

    def grouped(self, batch: int, accumulation: int = 1, rows: int | None = None) -> float:
        """The same where rows of like length come together (`train_sampling_strategy="group_by_length"`)."""
        return _grouped(self, batch, batch * accumulation, self.rows if rows is None else max(1, rows))

    def packed(self, limit: int) -> float:
        """Rows that share a sequence of so many tokens, on average (TRL's `packing`, strategy "bfd")."""
        return _packed(self.within(limit), limit)

    def error(self, batch: int) -> float:
        """Half the width of a 90 % interval around `padded`, as a share of it; 0 where all rows are known."""
        return 0.0 if self.exact else _error(self, batch)


def _chance(lengths: RowLengths, up_to: float, batch: int) -> float:
    """That all rows of a batch are among the `up_to` (as a share) shortest."""
    rows = lengths.rows
    if rows >= _MANY_ROWS or batch == 1:
        return up_to**batch
    below = up_to * rows
    if below <= batch - 1:
        return 0.0
    return math.exp(
        math.lgamma(below + 1) - math.lgamma(below - batch + 1) - math.lgamma(rows + 1) + math.lgamma(rows - batch + 1)
    )


@lru_cache(maxsize=4096)
def _longest_of(lengths: RowLengths, batch: int) -> float:
    if batch <= 1:
        return lengths.mean
    before, found = 0.0, 0.0
    for (tokens, _), up_to in zip(lengths.counts, lengths.up_to_each, strict=True):
        chance = _chance(lengths, up_to / lengths.counted, batch)
        found += tokens * (chance - before)
        before = chance
    return round(found, _DIGITS)


@lru_cache(maxsize=1024)
def _grouped(lengths: RowLengths, batch: int, step: int, rows: int) -> float:
    """Within a window rows are sorted, the longest first: the longest of a batch has a known rank."""
    window = step * max(1, min(rows // (_LEAST_WINDOWS * step), _STEPS_IN_A_WINDOW))
    whole, rest = divmod(rows, window)

    def tokens(size: int) -> float:
        return sum(min(batch, size - first) * _ranked(lengths, size - first, size) for first in range(0, size, batch))

    return (whole * tokens(window) + (tokens(rest) if rest else 0)) / rows


def _ranked(lengths: RowLengths, rank: int, size: int) -> float:
    """Expected tokens of the row of this rank, counted from the shortest, among so many drawn at random.

    Its share of all rows has a beta distribution, over which three points average (Gauss-Hermite).
    """
    if rank == size:
        return lengths.longest_of(size)
    share = rank / (size + 1)
    aside = math.sqrt(3 * share * (1 - share) / (size + 2) * max(0.0, 1 - size / max(lengths.rows, size + 1)))
    low, high = lengths.quantile(share - aside), lengths.quantile(share + aside)
    return (low + 4 * lengths.quantile(share) + high) / 6


@lru_cache(maxsize=1024)
def _packed(lengths: RowLengths, limit: int) -> float:
    spaces: list[int] = []
    sequences = 0
    for tokens, rows in reversed(lengths.counts):
        for _ in range(rows):
            place = bisect_left(spaces, tokens)
            if place < len(spaces):
                space = spaces.pop(place)
            else:
                space, sequences = limit, sequences + 1
            if space > tokens:
                insort(spaces, space - tokens)
    return lengths.counted / max(1, sequences)


def _error(lengths: RowLengths, batch: int) -> float:
    """The spread of an L-statistic by its influence function: what one more row of a length would change."""
    counted, counts = lengths.counted, lengths.counts
    shares = [up_to / counted for up_to in lengths.up_to_each]
    gaps = [high - low for (low, _), (high, _) in pairwise(counts)]
    steps = [gap * batch * share ** (batch - 1) for gap, share in zip(gaps, shares, strict=False)]
    mean = sum(step * share for step, share in zip(steps, shares, strict=False))
    below = [0.0, *accumulate(steps)]
    influences = (below[-1] - before - mean for before in below)
    variance = sum(rows * influence**2 for (_, rows), influence in zip(counts, influences, strict=True)) / counted
    left = max(0.0, 1 - counted / lengths.rows)
    return round(_SPREAD * math.sqrt(variance * left / counted) / lengths.longest_of(batch), _DIGITS)
