"""The verdict on trainings whose outcome is known: what is inert, or leaked, is never called learned."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.bench.tiny_runs import RIGHT, base_model, done, judged, kept_runs, tiny_runs


def test_of_the_kept_runs_nearly_all_are_judged_right_and_nothing_inert_is_called_learned():
    outcomes = Counter((one["kind"], judged(one).outcome) for one in kept_runs())
    right = sum(count for (kind, outcome), count in outcomes.items() if outcome in RIGHT[kind])
    assert {kind for kind, _ in outcomes} == set(RIGHT)
    assert right >= 0.95 * outcomes.total(), outcomes
    assert not outcomes["inert", "learned"]
    assert not outcomes["leaking", "learned"]


@pytest.mark.full
@pytest.mark.usefixtures("sample_folders")
def test_one_of_each_kind_run_anew(tmp_path):
    base = base_model(tmp_path / "base")
    for kind, right in RIGHT.items():
        one = next(one for one in tiny_runs() if one.kind == kind)
        assert judged(done(one, base, tmp_path / kind)).outcome in right, kind
