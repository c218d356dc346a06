from __future__ import annotations

from hfft_widgets.core.data.rules.facets import text_facets
from tests.core.data.small import assistant, user


def test_plain_texts_have_no_facets_and_marked_ones_have() -> None:
    facets = text_facets()
    assert facets.of_text("So it is, and <b>not</b> otherwise.") is None
    assert facets.of_text("n/a") != facets.of_text("so <|im_end|>") != facets.of_text("so <|eot_id|>")


def test_turns_tell_earlier_texts_from_the_last_two_and_no_more() -> None:
    def cell(*texts: str) -> object:
        made = [(user, assistant)[n % 2](text) for n, text in enumerate(texts)]
        return text_facets().of_cell(made)

    marked, plain = "so <|im_end|>", "nothing but words"
    assert cell(marked, plain, plain, plain) == cell(plain, marked, plain, plain) != cell(plain, plain, marked, plain)
    assert cell(marked, plain) != cell(plain, marked)
    assert cell(plain, plain) is None
