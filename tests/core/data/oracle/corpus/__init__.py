"""Every dataset of the oracle, by family."""

from __future__ import annotations

from tests.core.data.oracle.case import Case
from tests.core.data.oracle.corpus import answers, broken_chats, broken_pairs, chats, pictures, preferences, wholly

CASES: tuple[Case, ...] = (
    *chats.CASES,
    *answers.CASES,
    *preferences.CASES,
    *pictures.CASES,
    *broken_chats.CASES,
    *broken_pairs.CASES,
    *wholly.CASES,
)
BY_NAME: dict[str, Case] = {case.name: case for case in CASES}
assert len(BY_NAME) == len(CASES), "a name is used twice"
