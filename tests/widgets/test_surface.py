"""The surface sends only what changed, and a page that opens later gets all of it."""

from __future__ import annotations

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.widgets.surface import Surface, patch, shared

HTML = st.text("<>ab/\n🙂\"' ", max_size=60)


def applied(old: str, changes) -> str:
    parts = old.split("<")
    for start, count, text in changes:
        parts[start : start + count] = [] if text is None else text.split("<")
    return "<".join(parts)


@given(HTML, HTML)
def test_a_patch_makes_the_new_html(old, new):
    assert applied(old, patch(old, new)) == new


def test_what_is_alike_is_not_sent():
    rows = [f"<li>row {n}</li>" for n in range(500)]
    old = "".join(rows)
    rows[3], rows[490] = "<li>other</li>", "<li>third</li>"
    sent = list(patch(old, "".join(rows)))
    assert len(sent) == 2
    assert sum(len(text or "") for _, _, text in sent) < 40


def test_a_page_that_opens_gets_the_newest_html():
    surface = Surface(lambda _: None)
    surface.show("<p>one</p>")
    surface.show("<p>two</p>")
    assert surface.get_state()["_page"] == {"revision": 2, "html": "<p>two</p>"}
    assert "_page" not in surface.get_state("_uid")


def test_a_page_that_missed_something_asks(monkeypatch):
    surface = Surface(lambda _: None)
    surface.show("<p>one</p>")
    sent: list[object] = []
    monkeypatch.setattr(surface, "send", sent.append)
    surface._received(surface, {"ask": "page"}, [])
    surface.show("<p>one</p>")  # nothing new
    assert sent == [{"page": {"revision": 1, "html": "<p>one</p>"}}]


def test_what_is_large_travels_packed():
    surface = Surface(lambda _: None)
    rows = "".join(f"<li>row {n} of many</li>" for n in range(2000))
    surface.show(rows)
    sent = surface._patch["changes"]
    assert isinstance(sent, bytes)
    assert len(sent) < len(rows) / 3
    assert applied("", json.loads(zlib.decompress(sent))) == rows
    assert json.loads(zlib.decompress(surface.get_state()["_page"]["html"])) == rows


def test_what_a_person_does_reaches_the_panel():
    done: list[object] = []
    surface = Surface(done.append)
    surface._received(surface, {"do": "check", "value": None}, [])
    assert done == [{"do": "check", "value": None}]


def test_style_and_code_are_shared_by_all_surfaces():
    one, other = Surface(lambda _: None), Surface(lambda _: None)
    assert one.shared is other.shared is shared()
    assert len(str(one.get_state())) < 3000


@pytest.mark.parametrize("surface", [Surface(lambda _: None)])
def test_a_saved_notebook_holds_no_word_of_it(surface):
    data, *_ = surface._repr_mimebundle_()
    assert data["text/plain"] == ""
