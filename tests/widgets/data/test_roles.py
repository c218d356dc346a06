"""Speakers that no chat template knows, and the roles a person gives them."""

from __future__ import annotations

from typing import Any

import pytest

from hfft_widgets.errors import DataError
from tests.widgets.data.panels import checked
from tests.widgets.html import fill, page, press

ROWS = [{"talk": [{"speaker": "Anna", "text": f"Why {n}?"}, {"speaker": "Bob", "text": f"So {n}."}]} for n in range(6)]


def test_who_speaks_is_asked_and_the_answer_maps_the_columns() -> None:
    panel = checked(ROWS)
    assert panel.result.unknown_roles == ("Anna", "Bob")
    assert panel.result.verdicts["SFT"].status == "INCOMPATIBLE"
    assert page(panel).button("Use these roles").off
    fill(panel, "Anna", "user")
    fill(panel, "Bob", "assistant")
    press(panel, "Use these roles")
    assert "Who speaks?" not in page(panel).text
    mapping = panel.result.verdicts["SFT"].mapping
    assert mapping is not None
    assert panel.result.recommended == "SFT"
    panel.apply_mapping("SFT")
    first: dict[str, Any] = panel.result.rows_for("SFT", 1)[0]
    assert [turn["role"] for turn in first["messages"]] == ["user", "assistant"]
    assert panel.result.verdicts["SFT"].status == "READY"
    assert '"Anna": "user"' in panel.result.code("SFT")
    press(panel, "Undo")
    press(panel, "Undo")
    assert panel.result.roles == {}
    assert "Who speaks?" in page(panel).text


def test_roles_are_the_four_and_may_name_some_speakers() -> None:
    report = checked(ROWS).result
    with pytest.raises(DataError, match="no chat role 'boss'"):
        report.with_roles({"Anna": "boss"})
    half = report.with_roles({"Bob": "assistant"})
    assert half.unknown_roles == ("Anna",)
    assert half.with_roles({"Anna": "user"}).roles == {"Bob": "assistant", "Anna": "user"}
    names = [{"talk": [{"speaker": f"N{n}", "text": "Hm."}, {"speaker": "gpt", "text": "So."}]} for n in range(20)]
    assert "Who speaks?" not in page(checked(names)).text
