from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.hub.transcript import Transcript, form, merged, without

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one, max_size=4)
    | st.dictionaries(st.sampled_from(["a", "b", "c"]), one, max_size=3), max_leaves=12,
)  # fmt: skip


def test_an_answer_is_kept_by_its_form_and_no_value_stays():
    made = Transcript()
    answer = {"name": "jane", "orgs": [{"name": "acme", "id": 1}, {"name": "x", "id": None}], "auth": "hf_" + "x" * 34}
    made.add("GET", "/api/jobs/jane/68f0c0ffee68f0c0ffee68f0", 200, answer)
    made.add("GET", "/api/jobs/jane/00f0c0ffee68f0c0ffee68f0", 200, {"name": None, "new": True})
    (kept,) = made.exchanges(["jane"])
    assert kept["path"] == "/api/jobs/{name 0}/{id}"
    assert kept["form"] == {
        "name": "nothing or text", "orgs": [{"name": "text", "id": "nothing or number"}], "auth": "text",
        "new": "true or false",
    }  # fmt: skip


def test_names_and_tokens_are_left_out_and_words_that_hold_them_stay():
    assert without("ann asked annual-report of ann", ["ann"]) == "{name 0} asked annual-report of {name 0}"
    assert without("bo/x, ann/x", ["bo", "ann"]) == "{name 0}/x, {name 1}/x"
    assert "hf_" not in without("hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz01234567", [])


@given(JSON, JSON)
def test_what_is_merged_is_a_form_and_stays_so(one, other):
    made = merged(form(one), form(other))
    json.dumps(made)
    assert merged(made, made) == made
