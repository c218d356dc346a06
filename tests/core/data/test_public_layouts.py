"""Of the layouts of well-known public datasets nearly all reach a trained mapping by the offer or few public calls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("trl")
from tests.core.data.layouts.layout import Layout
from tests.core.data.layouts.scoring import LAYOUTS, MOST_CALLS, fault

SHARE = 57 / 60


def test_the_list_is_long_and_names_each_dataset_once() -> None:
    assert len({layout.name for layout in LAYOUTS}) == len(LAYOUTS) >= 60
    assert max(len(layout.calls) for layout in LAYOUTS) <= MOST_CALLS


@pytest.mark.parametrize(
    ("layouts", "trained"),
    [(LAYOUTS[::7], False), (LAYOUTS[::40], True), pytest.param(LAYOUTS, True, marks=pytest.mark.full)],
    ids=["some", "few, trained", "all, trained"],
)
def test_a_trained_mapping_is_reached(layouts: Sequence[Layout], trained: bool, models: Path) -> None:
    faults = {layout.name: found for layout in layouts if (found := fault(layout, models, trained=trained))}
    print(len(layouts), *faults.items(), sep="\n")
    assert len(faults) <= (1 - SHARE) * len(layouts)
