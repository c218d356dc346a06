"""The card, the text and the Markdown of a report: all say what its values say."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import plotly.graph_objects as go
import pytest

from hfft_widgets.cards import report as views
from hfft_widgets.cards.report.lengths import histogram
from hfft_widgets.cards.report.words import limit_words, token_words
from hfft_widgets.core.data.report import METHODS, Status, ValidationReport, validate_rows
from hfft_widgets.errors import DataError
from tests.core.data.small import CHATML, ROWS, assistant, chat, user
from tests.core.data.test_report import Seen


def by_letters(texts: Any) -> list[int]:
    return [len(text) for text in texts]


def talk(*letters: int) -> list[dict[str, Any]]:
    return [{"messages": [user("Why?"), assistant("a" * count)]} for count in letters]


def counted(rows: list[dict[str, Any]], **options: Any) -> ValidationReport:
    return validate_rows(rows, name="x", model="m", template=CHATML, counter=by_letters, **options)


def renderings(report: ValidationReport) -> tuple[str, str, str]:
    """What a person reads in the card, the text and the Markdown, white space made one blank."""
    pages = (Seen(report._repr_html_()).text, str(report), re.sub(r"\\(.)", r"\1", report.to_markdown()))
    return tuple(re.sub(r"\s+", " ", page) for page in pages)  # type: ignore[return-value]


# ---- they agree ------------------------------------------------------------------------------


def test_lengths_are_the_same_in_every_rendering() -> None:
    report = counted(talk(5, 50, 2000))
    numbers = report.to_dict()["lengths"]["SFT"]
    assert numbers["max"] > 2000
    for page in renderings(report):
        for key in ("tokens", "median", "max"):
            assert f"{numbers[key]:,}" in page
        assert report.lengths["SFT"].at(1024).words in page
        assert "1 row is longer (TRL's default limit)" in page


def test_what_was_agreed_to_is_said_everywhere() -> None:
    rows = [*ROWS["good and bad response"], {"prompt": "Why?", "good_response": None, "bad_response": "No."}]
    report = validate_rows(rows, name="x")
    report = report.with_mapping("DPO", report.verdicts["DPO"].mapping)
    report = report.with_fixes(report.findings[0].fix)
    for page in renderings(report):
        assert f"Mapped: {report.mappings['DPO'].words}." in page
        assert report.fixes[0].label in page
    assert report.code("DPO").split("\n")[-1] in "".join(Seen(report._repr_html_()).words)


def test_a_sample_says_so_and_what_it_cannot_know() -> None:
    coverage = "a sample: the first 3 rows of 5,000"
    report = validate_rows(
        ROWS["messages"], name="x", coverage=coverage, all_rows=5000, whole=lambda _: validate_rows([], name="x")
    )
    for page in renderings(report):
        assert coverage in page
        assert "what the first 3 rows of 5,000 tell. Only all rows can tell" in page
    assert "Ready for SFT, as far as seen" in report._repr_html_()
    whole = renderings(validate_rows(ROWS["messages"], name="x"))
    assert not any("Only all rows can tell" in page or "as far as seen" in page for page in whole)


def test_effects_counts_and_rows_are_words() -> None:
    rows = [{"text": f"a {n}"} for n in range(20)] + [{"text": None}] * 7
    for page in renderings(validate_rows(rows, name="x")):
        assert "SFT: stops the training" in page
        assert "rows 20, 21, 22, 23, 24 …" in page
        assert "7 rows" in page


# ---- the card --------------------------------------------------------------------------------


def test_the_recommended_method_comes_first_and_those_that_cannot_work_are_folded() -> None:
    report = validate_rows(ROWS["preference"], name="x")
    page = report._repr_html_()
    assert report.recommended == "DPO"
    places = {method: page.index(f"<b>{method}</b>") for method in METHODS}
    assert min(places, key=places.__getitem__) == "DPO"
    assert page.count('class="tag">recommended') == 1

    chats = validate_rows(ROWS["messages"], name="x")._repr_html_()
    assert chats.index("3 methods cannot use these rows: DPO, KTO, Reward") < chats.index("<b>DPO</b>")
    assert chats.count("<details") > chats.count("<details open")


def test_where_no_method_fits_the_reasons_are_open() -> None:
    report = validate_rows(ROWS["numbers"], name="x")
    page = report._repr_html_()
    assert "No method fits" in page
    assert '<details open="True"' in page or "<details open" in page
    assert "Nothing found in the rows" not in page


def test_many_findings_are_folded() -> None:
    broken = [
        [], [user("Why?")], [user(""), assistant("So.")], [user("Why?"), assistant("n/a")],
        [user("Why?"), assistant(" ")], [{"role": "human", "content": "Why?"}, assistant("So.")], chat(0),
    ]  # fmt: skip
    report = validate_rows([{"messages": turns} for turns in (*(chat(n) for n in range(9)), *broken)], name="x")
    assert len(report.findings) > 5
    assert f"{len(report.findings) - 5} more finding" in report._repr_html_()


def test_rows_without_a_fault_are_said_to_be() -> None:
    assert "Nothing found in the rows" in validate_rows(ROWS["messages"], name="x")._repr_html_()


def test_status_is_icon_shape_and_word() -> None:
    report = validate_rows(ROWS["messages"], name="x")
    line = views.status_line("DPO", report.verdicts["DPO"].to_dict())
    assert 'class="hfft-icon info"' in line
    assert "DPO: INCOMPATIBLE" in line


def test_right_to_left_names_leave_the_words_around_them_alone() -> None:
    page = validate_rows([{"שאלה": "למה?", "תשובה": "כי."}] * 2, name="עברית")._repr_html_()
    assert "columns <bdi>שאלה</bdi>, <bdi>תשובה</bdi> · <bdi>checked all rows" in page
    outside = re.sub(r"<bdi>.*?</bdi>|<h3>.*?</h3>|aria-label=\"[^\"]*\"", "", page)
    assert not re.search("[\u0590-\u05ff]", outside)


# ---- the picture of lengths ------------------------------------------------------------------


def test_the_picture_has_a_title_and_no_colours_of_its_own() -> None:
    lengths = counted(talk(*range(10, 400, 3))).lengths["SFT"].to_dict("card", 200)
    picture = histogram("SFT", lengths)
    assert picture is not None
    assert picture.count("<title>") == 1
    assert f"<title>Rows by tokens for SFT: {token_words('SFT', lengths)}." in picture
    assert 'role="img"' in picture
    assert "max_length 200" in picture
    assert "#" not in picture
    assert "fill=" not in picture
    assert 'class="over"' in picture


def test_bars_count_the_rows_by_their_area() -> None:
    lengths = counted(talk(*range(10, 400, 3))).lengths["SFT"]
    bars = re.findall(
        r'<rect x="[\d.]+" width="([\d.]+)" y="[\d.]+" height="([\d.]+)"',
        str(histogram("SFT", lengths.to_dict("card"))),
    )
    rows = [rows for _, _, rows in lengths.histogram() if rows]
    assert len(bars) == len(rows)
    areas = [(float(width) + 2) * float(height) for width, height in bars]
    for area, count in zip(areas, rows, strict=True):
        assert area / sum(areas) == pytest.approx(count / sum(rows), abs=0.004)


def test_a_limit_out_of_the_picture_is_not_drawn_at_its_edge() -> None:
    lengths = counted(talk(10, 20, 30)).lengths["SFT"].to_dict("card", 1024)
    assert "max_length" not in str(histogram("SFT", lengths))
    assert limit_words(lengths["limit"]) == "No row is cut at 1,024 tokens (TRL's default limit)"


def test_rows_that_are_all_alike_are_a_sentence_not_a_picture() -> None:
    report = validate_rows([{"text": "a"}], name="x", model="m", template=CHATML, counter=by_letters)
    assert report.verdicts["SFT"].status is not Status.INCOMPATIBLE
    lengths = report.lengths["SFT"].to_dict("card")
    assert histogram("SFT", lengths) is None
    assert token_words("SFT", lengths).endswith(f"every row has {lengths['max']:,}")
    assert histogram("SFT", {**lengths, "histogram": []}) is None


def test_the_figure_is_plotlys_and_holds_every_row_once() -> None:
    report = counted(talk(*range(10, 400, 3)))
    drawn = report.figure()
    assert isinstance(drawn, go.Figure)
    assert [trace.name for trace in drawn.data] == ["SFT: within the limit", "SFT: longer, cut"]
    assert sum(sum(trace.y) for trace in drawn.data) == report.total
    assert "max_length" not in str(drawn.layout)  # at TRL's own nothing is cut
    limited = dataclasses.replace(report.with_max_length(200), name="<b>mine</b>").figure()
    assert sum(limited.data[1].y) == report.lengths["SFT"].at(200).rows_cut > 0
    assert "max_length 200" in str(report.with_max_length(200).to_html())
    assert limited.data[1].marker.pattern.shape == "/"  # not by its colour alone
    assert limited.layout.annotations[0].text == "max_length 200"
    assert limited.layout.title.text == "&lt;b&gt;mine&lt;/b&gt;: tokens per row"


def test_a_figure_of_lengths_that_nobody_counted_says_what_to_do() -> None:
    report = validate_rows(talk(10, 20), name="mine", template=CHATML)
    with pytest.raises(DataError, match=r"lengths of mine are not known.*Validate it with model="):
        report.figure()
    unread = validate_rows([{"a": 1}], name="mine", model="m", template=CHATML, counter=by_letters)
    with pytest.raises(DataError, match="Map its columns"):
        unread.figure()
