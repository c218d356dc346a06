"""A person signs in where it is needed, by typing a token once; it stands nowhere after. Against the stand-in Hub."""

from __future__ import annotations

import pytest

from hfft_widgets.errors import ModelError
from hfft_widgets.hub.token import find_token
from hfft_widgets.widgets.panel import Panel, report_errors
from tests.hub_client.conftest import use_hub
from tests.standin_hub import WRITE_TOKEN
from tests.widgets.html import page, press, wait

SECRET = "hf_abcdefghijklmnop"


def typed(panel, token: str) -> None:
    """What the page sends when a token was typed and "Sign in" pressed."""
    button = page(panel).button("Sign in")
    assert page(panel).one(tag="input", id_=button["data-from"])["type"] == "password"
    panel._act({"do": button["data-do"], "value": token})
    wait(panel)


def test_who_is_not_signed_in_types_a_token_and_gets_what_was_asked(hub, panel, monkeypatch):
    use_hub(hub, monkeypatch, None)
    panel._ipython_display_()
    press(panel, "Look at the price")
    assert "Nobody is signed in" in page(panel).alert
    typed(panel, SECRET)
    assert "not valid" in page(panel).alert  # and the field is there for another
    typed(panel, "  ")
    assert "No token was typed" in page(panel).alert
    press(panel, "Look at the price")
    typed(panel, WRITE_TOKEN)
    assert panel.error is None
    assert page(panel).primary[0].startswith("Start on t4-small")
    assert not page(panel).has_button("Sign in")
    held = str(panel.values) + str(panel.html()) + str(panel._surface.get_state()) + repr(vars(panel.signing_in))
    assert SECRET not in held
    assert WRITE_TOKEN not in held


def test_a_token_typed_now_is_used_before_a_broken_one_of_the_machine(hub, monkeypatch):
    import hfft_widgets as hfft

    use_hub(hub, monkeypatch, SECRET)
    assert hfft.sign_in(WRITE_TOKEN).startswith("signed in as user")
    assert find_token().source == "the prompt"


class Gated(Panel):
    """Whose work needs terms to be accepted, until they are."""

    def __init__(self):
        super().__init__()
        self.accepted = False
        self.can("work", self.work, doing="Working")

    def body(self):
        return self.form.button("Work", "work")

    @report_errors
    def work(self):
        if not self.accepted:
            raise ModelError("a/b is gated.", page="https://huggingface.co/a/b", signs_in=True)
        self.result = "done"


def test_a_gated_model_leads_to_its_page_and_on_after_signing_in(hub, monkeypatch):
    panel = Gated()
    press(panel, "Work")
    assert page(panel).one(tag="a")["href"] == "https://huggingface.co/a/b"
    panel.accepted = True
    typed(panel, WRITE_TOKEN)
    assert panel.result == "done"


@pytest.mark.parametrize("error", [ModelError("It is not there."), ValueError("no")])
def test_other_errors_ask_for_no_token(error):
    panel = Gated()
    panel.show_error(error)
    assert not page(panel).has_button("Sign in")
