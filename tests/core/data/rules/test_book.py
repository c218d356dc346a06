"""The rule book says what a validation says, and stands on lines that the installed TRL has."""

from __future__ import annotations

import json
from typing import Any

import pytest

import hfft_widgets as hfft
from hfft_widgets.cards import show
from hfft_widgets.core.data.rules import RULES
from hfft_widgets.core.data.rules.book import pages
from hfft_widgets.core.data.rules.pages import PAGES
from hfft_widgets.core.method import METHODS
from hfft_widgets.errors import DataError

pytest.importorskip("trl")
from tests.core.data.oracle.corpus import CASES
from tests.core.data.oracle.tiny import TEMPLATES, template_source
from tests.core.data.rules import book

NAMES = list(dict.fromkeys(rule.id for rule in RULES))


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    assert [*pages()] == NAMES
    assert {*PAGES} == {*NAMES}
    for page in pages().values():
        assert page["effects"]
        assert page["effects"].keys() <= METHODS.keys()


@pytest.mark.parametrize("name", NAMES)
def test_the_bad_row_gives_exactly_this_finding_and_the_good_row_does_not(name: str) -> None:
    page = pages()[name]
    method, bad, good = page["method"], page["bad"], page["good"]
    if name in book.OWN:  # there a long text is not cut
        bad, good = book.OWN[name][2:]
    found = book.of(method, book.effects(name, bad, book.around(name, bad)))
    assert found - book.BESIDE.get(name, set()) == {name}
    assert book.of(method, book.effects(name, good, book.around(name, good))) == set()


@pytest.mark.parametrize("name", NAMES)
def test_the_installed_trl_has_the_line_that_the_rule_stands_on(name: str) -> None:
    line = pages()[name]["trl"]
    text = (book.TRL.parent / line["file"]).read_text("utf-8").splitlines()
    assert line["code"] == PAGES[name].code
    assert line["code"] in text[line["line"] - 1]


@pytest.mark.ci
def test_the_book_is_what_the_rules_make_of_it() -> None:
    """To write it anew: python -m tests.core.data.rules.book."""
    assert list(pages().values()) == json.loads(json.dumps(book.pages()))


def test_the_page_says_what_the_finding_says_by_the_page_that_its_finding_names() -> None:
    rows = [{"prompt": "Why?", "completion": " So."}, {"prompt": None, "completion": " No."}]
    report = hfft.validate(rows)
    finding = next(finding for finding in report.findings if finding.rule == "no_value")
    page = hfft.rules(finding.rule)
    why = page.pages[0]["why"]
    assert f"rule {finding.rule}" in str(report)
    assert why in report.to_html()
    assert why in str(page)
    assert why in page._repr_html_()
    assert why in page.to_markdown()
    assert str(show(page.to_dict())) == str(page)


@pytest.mark.full
def test_every_rule_that_the_corpus_meets_has_a_page() -> None:
    met = {finding.rule for case in CASES for finding in _report(case.rows).findings}
    assert len(met) > 20
    assert met <= pages().keys()


def _report(rows: list[dict[str, Any]]) -> Any:
    return hfft.core.data.report.validate_rows(rows, name="x", template=template_source(TEMPLATES[0]))


def test_a_page_is_found_by_id_or_part_and_a_wrong_name_says_which_is_near() -> None:
    assert {page["part"] for page in hfft.rules("length").pages} == {"length"}
    assert len(hfft.rules().pages) == len(NAMES)
    with pytest.raises(DataError, match="'no_value'"):
        hfft.rules("no_valu")
