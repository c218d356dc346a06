"""Controls are native, have a name, and say what is wrong with them under themselves."""

from __future__ import annotations

import pytest

from hfft_widgets.core.html import join
from hfft_widgets.widgets.form import Form
from tests.widgets.html import page

HOSTILE = '"><script>alert(1)</script>'
VALUES = {"name": HOSTILE, "kind": "b", "size": "2", "on": True, "many": 7, "code": "a\n<b>"}
CHOICES = [("First", "a"), (HOSTILE, "b")]


@pytest.fixture
def form():
    return Form("p1.", VALUES, {"name": HOSTILE})


@pytest.fixture
def shown(form):
    return page(
        join(
            [
                form.text("name", "Name", help_="what it is called", hint=HOSTILE, suggestions=[HOSTILE], enter="go"),
                form.choice("kind", "Kind", CHOICES),
                form.segments("size", "Size", [("One", "1"), ("Two", "2")]),
                form.switch("on", "On", help_="or off"),
                form.slider("many", "Many", 1, 9, 7),
                form.area("code", "Code"),
                form.button(HOSTILE, "go", value=HOSTILE, help_=HOSTILE),
            ]
        )
    )


def test_every_field_shows_its_value_and_answers_to_its_name(shown):
    values = {label: (shown.field(label).value, shown.field(label).name) for label in shown.labels}
    assert values == {
        "Name": (HOSTILE, "p1.name"),
        "Kind": ("b", "p1.kind"),
        "Size": ("2", "p1.size"),
        "On": (True, "p1.on"),
        "Many 7": ("7", "p1.many"),
        "Code": ("a <b>", "p1.code"),
    }
    assert shown.field("Kind").choices == {"First": "a", HOSTILE: "b"}
    assert shown.field("Size").choices == {"One": "1", "Two": "2"}
    assert shown.field("Name").suggestions == [HOSTILE]


def test_nothing_of_it_is_markup(shown):
    assert not shown.all(tag="script")
    assert shown.button(HOSTILE)["data-value"] == HOSTILE


def test_every_control_has_a_label_and_an_error_is_said_where_it_is(shown):
    labelled = {one["for"] for one in shown.all(tag="label")}
    wrapped = {id(one) for label in shown.all(tag="label") for one in label.walk()}
    controls = [one for one in shown.walk() if one.tag in {"input", "select", "textarea"}]
    assert len(controls) == 7
    assert all(one["id"] in labelled or id(one) in wrapped for one in controls)
    field = shown.field("Name")
    control = field.controls[0]
    assert (control["aria-invalid"], field.error, field.help) == ("true", HOSTILE, "what it is called")
    described = [one.words for name in control["aria-describedby"].split() for one in shown.all(id=name)]
    assert described == [HOSTILE, "what it is called"]
    assert "aria-invalid" not in shown.field("Kind").controls[0].attributes


@pytest.mark.parametrize(
    ("busy", "off", "always", "expected"),
    [
        (False, False, False, False),
        (True, False, False, True),
        (True, False, True, False),
        (False, True, False, True),
        (True, True, True, True),
    ],
)
def test_a_button_that_is_off_keeps_the_focus(busy, off, always, expected):
    button = page(Form("p.", {}, off=busy).button("Go", "go", off=off, always=always)).button("Go")
    assert button.off is expected
    assert "disabled" not in button.attributes


def test_the_one_primary_button_stays_the_same_element_whatever_it_does(form):
    first, second = (page(form.button("Go", do, value=do, primary=True)).button("Go") for do in ("a", "b"))
    assert "data-key" not in first.attributes | second.attributes
    assert page(form.button("Open", "open", value=1, label="Open Data")).button("Open Data")["data-value"] == "1"
