"""Tokens that TRL's own collators make of rows of unlike length, against the closed form."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.estimate.padding import RowLengths

BATCHES = (4, 8, 16)
SHUFFLES = 50


def _lognormal(mean: float, spread: float, count: int = 240):
    return lambda draw: [max(2, round(draw.lognormvariate(mean, spread))) for _ in range(count)]


def _mixture(short: int, long: int, share: float, count: int = 240):
    return lambda draw: [round(draw.gauss(long if draw.random() < share else short, 9)) for _ in range(count)]


DISTRIBUTIONS = {
    **{f"lognormal {spread}": _lognormal(4, spread) for spread in (0.1, 0.3, 0.5, 0.7, 0.9, 1.1, 1.3)},
    **{f"{share:.0%} long": _mixture(60, 700, share) for share in (0.01, 0.05, 0.2, 0.5)},
    **{f"uniform to {top}": lambda draw, top=top: [draw.randint(2, top) for _ in range(240)] for top in (40, 900)},
    **{f"{count} rows": _lognormal(4, 0.8, count) for count in (20, 45, 90, 333)},
    "all alike": lambda draw: [80] * 300,
    "one giant": lambda draw: [20] * 199 + [1500],
    "rising": lambda draw: list(range(2, 242)),
}


def rows_of(method: str, lengths: Iterable[int], draw: random.Random) -> list[dict[str, object]]:
    """Rows as the method's trainer hands them to its collator; of a pair the longer text has the given length."""
    rows: list[dict[str, object]] = []
    for length in lengths:
        other = draw.randint(1, max(1, length - 1))
        if method == "SFT":
            rows.append({"input_ids": [1] * length, "labels": [1] * length})
        elif method == "DPO":
            rows.append({"prompt_ids": [1], "chosen_ids": [1] * (length - 1), "rejected_ids": [1] * (other - 1)})
        elif method == "Reward":
            rows.append({"chosen_ids": [1] * other, "rejected_ids": [1] * length})
        else:  # prompt and completion
            rows.append({"prompt_ids": [1], "completion_ids": [1] * (length - 1), "label": True})
    return rows


def collator(method: str):
    from trl.trainer import dpo_trainer, kto_trainer, reward_trainer, sft_trainer

    kinds = {
        "SFT": sft_trainer.DataCollatorForLanguageModeling, "DPO": dpo_trainer.DataCollatorForPreference,
        "Reward": reward_trainer.DataCollatorForPreference, "KTO": kto_trainer.DataCollatorForUnpairedPreference,
    }  # fmt: skip
    return kinds[method](pad_token_id=0)


def collated(method: str, rows: list[dict[str, object]], batch: int, draw: random.Random, shuffles: int) -> float:
    """Mean tokens of an epoch over so many shuffles, as the collator makes them."""
    collate, tokens = collator(method), 0
    for _ in range(shuffles):
        draw.shuffle(rows)
        for start in range(0, len(rows), batch):
            tokens += collate(rows[start : start + batch])["input_ids"].numel()
    return tokens / shuffles


def check(name: str, method: str, batch: int, shuffles: int = SHUFFLES) -> None:
    draw = random.Random(f"{name} {method} {batch}")
    lengths = DISTRIBUTIONS[name](draw)
    real = collated(method, rows_of(method, lengths, draw), batch, draw, shuffles)
    texts = 2 if method in {"DPO", "Reward"} else 1
    said = RowLengths.of(lengths).padded(batch) * len(lengths) * texts
    assert said == pytest.approx(real, rel=0.03), (name, method, batch)


@pytest.mark.parametrize("method", ["SFT", "DPO", "KTO"])
def test_tokens_are_those_of_the_real_collator(method):
    check("90 rows", method, 8)
    check("uniform to 40", method, 16, shuffles=10)


@pytest.mark.full
@pytest.mark.parametrize("method", ["SFT", "DPO", "KTO", "Reward"])
@pytest.mark.parametrize("name", sorted(DISTRIBUTIONS))
def test_twenty_distributions_against_the_real_collator(name, method):
    assert len(DISTRIBUTIONS) == 20
    for batch in BATCHES:
        check(name, method, batch)


@pytest.mark.parametrize(("count", "batch", "accumulation"), [(2000, 8, 2), (300, 4, 4), (500, 16, 1)])
def test_grouped_rows_are_those_of_the_real_sampler(count, batch, accumulation):
    import torch
    from transformers.trainer_pt_utils import get_length_grouped_indices

    draw, generator = random.Random(count), torch.Generator().manual_seed(0)
    lengths = _lognormal(5, 0.9, count)(draw)
    real = 0
    for _ in range(10):
        order = [lengths[n] for n in get_length_grouped_indices(lengths, batch * accumulation, generator=generator)]
        batches = [order[start : start + batch] for start in range(0, count, batch)]
        real += sum(max(one) * len(one) for one in batches)
    found = RowLengths.of(lengths)
    assert found.grouped(batch, accumulation) * count == pytest.approx(real / 10, rel=0.03)
    assert found.mean <= found.grouped(batch, accumulation) < found.padded(batch)


def test_packed_rows_are_those_of_trl():
    from datasets import Dataset
    from trl import pack_dataset

    lengths = _lognormal(4, 0.9)(random.Random(3))
    rows = Dataset.from_dict({"input_ids": [[1] * length for length in lengths]})
    real = len(pack_dataset(rows, 512, "bfd"))
    assert RowLengths.of(lengths).packed(512) == pytest.approx(len(lengths) / real, rel=0.01)


def covered(name: str, batch: int, tries: int = 40) -> float:
    """How often the interval from a sample holds what all rows make."""
    draw, inside = random.Random(name), 0
    every = [length for _ in range(150) for length in DISTRIBUTIONS[name](draw)][:3000]
    truth = RowLengths.of(every).padded(batch)
    for _ in range(tries):
        found = RowLengths.of(draw.sample(every, 300), rows=len(every))
        inside += (
            found.padded(batch) * (1 - found.error(batch)) <= truth <= found.padded(batch) * (1 + found.error(batch))
        )
    return inside / tries


def test_the_range_of_a_sample_holds_what_all_rows_make():
    assert covered("lognormal 0.7", 8) >= 0.9


@pytest.mark.full
def test_the_range_of_a_sample_holds_nine_of_ten():
    held = {(name, batch): covered(name, batch, 200) for name in DISTRIBUTIONS for batch in BATCHES}
    assert sum(held.values()) / len(held) >= 0.9
    assert all(share >= 0.8 for (name, _), share in held.items() if name != "one giant"), held


def test_what_the_notes_computed_for_a_sample():
    """Rows of 100, 120, 900 and 200 tokens in one batch take 4 x 900."""
    found = RowLengths.of([100, 120, 900, 200])
    assert found.padded(4) * 4 == pytest.approx(3600)
    assert found.padded(1) * 4 == pytest.approx(1320)


def test_rows_beyond_a_limit_are_cut_or_left_out():
    found = RowLengths.of([5, 10, 20, 40])
    assert found.within(20) == RowLengths.of([5, 10, 20, 20])
    assert found.within(15) == RowLengths.of([5, 10, 15, 15])
    assert found.within(15, drops=True) == RowLengths.of([5, 10])
    assert found.within(3) == RowLengths.of([3, 3, 3, 3])
    assert found.within(40) is found


def test_likely_lengths_have_the_mean_and_the_percentile_that_are_known():
    found = RowLengths.likely(300, 900, 5000)
    assert found.mean == pytest.approx(300, rel=0.01)
    assert found.quantile(0.99) == pytest.approx(900, rel=0.03)
    assert RowLengths.likely(300, 300, 100).padded(16) == pytest.approx(300, rel=0.01)


LENGTHS = st.builds(
    RowLengths.of, st.lists(st.integers(1, 5000), min_size=1, max_size=60), rows=st.none() | st.integers(60, 10**7)
)


@given(LENGTHS, st.integers(1, 64), st.integers(1, 4), st.integers(1, 10**7))
def test_padding_lies_between_the_mean_and_the_longest(lengths, batch, accumulation, rows):
    padded, grouped = lengths.padded(batch, rows), lengths.grouped(batch, accumulation, rows)
    assert lengths.mean * (1 - 1e-6) <= padded <= lengths.longest * (1 + 1e-6)
    assert lengths.counts[0][0] - 1e-6 <= grouped <= lengths.longest + 1e-6
    assert lengths.longest_of(batch) <= lengths.longest_of(batch + 1) + 1e-6
    assert lengths.error(batch) >= 0
    assert lengths.packed(lengths.longest) >= 1
