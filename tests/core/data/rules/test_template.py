from __future__ import annotations

from hfft_widgets.core.data.report import validate_rows
from hfft_widgets.core.data.rules.template import control_tokens
from tests.core.data.small import CHATML, assistant, user


def test_of_very_many_control_tokens_the_first_are_kept_and_that_there_are_more() -> None:
    many = " ".join(f"<|token_{n:02}|>" for n in range(20))
    found = control_tokens(many)
    assert found[:2] == ("<|token_00|>", "<|token_01|>")
    assert (len(found), found[-1]) == (17, "more")
    report = validate_rows([{"messages": [user("Why?"), assistant(many)]}], name="x", template=CHATML)
    assert [finding.rule for finding in report.findings] == ["control_tokens"]
