from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.data.report import validate_rows
from hfft_widgets.core.data.token_lengths import EXACT_ROWS, Lengths, remembering
from tests.core.data.small import CHATML, assistant, user


def words(texts: Iterable[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def lengths(total: list[int], context: list[int], trained: list[int], method: str = "SFT", rows: int = 0) -> Lengths:
    arrays = (np.array(values, np.int64) for values in (range(len(total)), total, context, trained))
    return Lengths(method, rows or len(total), *arrays)


def test_what_a_limit_costs() -> None:
    some = lengths([10, 100, 1000], [5, 50, 900], [5, 50, 100])
    assert (some.at(1000).rows_lost, some.at(1000).trained_lost) == (0, 0.0)
    cut = some.at(60)
    assert (cut.rows_lost, cut.rows_cut) == (1, 2)
    assert cut.trained_lost == (100 + 40) / 155
    assert cut.words == "At 60 tokens you lose 1 row and 90.3 % of the trained tokens"
    assert lengths([10, 100], [5, 50], [5, 50], "Reward").at(60).rows_lost == 1
    assert lengths([10, 100], [5, 50], [5, 50], "GRPO").at(60).rows_cut == 0


@given(st.lists(st.tuples(st.integers(1, 5000), st.floats(0, 1)), min_size=1, max_size=50), st.integers(1, 6000))
def test_a_lower_limit_never_costs_less(rows: list[tuple[int, float]], limit: int) -> None:
    total = [n for n, _ in rows]
    context = [int(n * share) for n, share in rows]
    some = lengths(total, context, [a - b for a, b in zip(total, context, strict=True)])
    low, high = some.at(limit), some.at(limit + 100)
    assert low.rows_lost >= high.rows_lost
    assert 1 >= low.trained_lost >= high.trained_lost >= 0
    bars, cut = some.histogram(), some.histogram(cut_at=limit)
    assert sum(count for _, _, count in bars) == len(rows)
    assert sum(count for _, _, count in cut) == low.rows_cut
    assert all(one[:2] == all_[:2] and one[2] <= all_[2] for one, all_ in zip(cut, bars, strict=True))


def test_a_sample_says_how_far_it_may_be_off() -> None:
    some = lengths([10, 20, 30, 40], [0] * 4, [10, 20, 30, 40], rows=4000)
    assert not some.exact
    assert some.tokens == 100_000
    assert 0 < some.error < 1
    assert "about" in some.at(25).words


def test_texts_are_counted_once() -> None:
    asked: list[str] = []

    def counter(texts: Iterable[str]) -> list[int]:
        listed = list(texts)
        asked.extend(listed)
        return words(listed)

    count = remembering(counter)
    assert count(["a b", "a b", "c"]) == [2, 2, 1] == count(["a b", "a b", "c"])
    assert asked == ["a b", "c"]


def test_long_rows_are_found_by_what_becomes_of_them() -> None:
    long = "word " * 1100
    rows = [{"prompt": "Why?", "completion": "So."}] * 3
    rows += [{"prompt": long, "completion": "So."}, {"prompt": "Why? ", "completion": long}]
    report = validate_rows(rows, name="x", template=CHATML, counter=words)
    found = {
        finding.rule: (finding.effects["SFT"], finding.rows) for finding in report.findings if "SFT" in finding.effects
    }
    assert found["answer_lost"] == ("dropped", (3,))
    assert found["truncated"] == ("warn", (4,))
    chat = [{"messages": [user(long), assistant("So.")]}, {"messages": [user("Why?"), assistant("So.")]}]
    found = {f.rule: f.effects["SFT"] for f in validate_rows(chat, name="x", template=CHATML, counter=words).findings}
    assert found == {"answer_lost": "silent"}
    pair = {"prompt": "Why?", "chosen": long + "yes", "rejected": long + "no"}
    report = validate_rows([pair], name="x", template=CHATML, counter=words)
    effects = {finding.rule: finding.effects for finding in report.findings}
    assert effects["same_when_cut"]["DPO"] == "silent"
    assert effects["too_long"]["Reward"] == "dropped"


def test_many_rows_are_sampled_and_say_so() -> None:
    rows = [{"text": "a few words here"} for _ in range(EXACT_ROWS + 1)]
    lengths = validate_rows(rows, name="x", template=CHATML, counter=words).lengths["SFT"]
    assert (lengths.rows, lengths.exact) == (EXACT_ROWS + 1, False)
    assert lengths.quantile(0.5) == 4


def test_rows_that_cannot_be_read_are_no_reason_to_doubt_the_others() -> None:
    rows = [{"text": "a few words"}] * 3 + [{"text": None}]
    lengths = validate_rows(rows, name="x", template=CHATML, counter=words).lengths["SFT"]
    assert (lengths.rows, lengths.exact, lengths.error) == (3, True, 0.0)


def test_counting_tokens_can_be_ended() -> None:
    from hfft_widgets.core.data.report import validate_rows

    class EndedError(Exception):
        pass

    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        if len(seen) > 1:
            raise EndedError

    rows = [{"text": f"text {n}"} for n in range(900)]
    with pytest.raises(EndedError):
        validate_rows(rows, name="x", template="", counter=lambda texts: [len(t) for t in texts], progress=progress)
    assert seen == [(900, 900)] * 2  # the one pass, and the first of the texts
