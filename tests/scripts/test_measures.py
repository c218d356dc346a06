"""What must not break is measured in batches, and each text as if it stood alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hfft_widgets as hfft
from hfft_widgets.scripts.proof import measures
from hfft_widgets.scripts.proof.suite import SUITE

TEXTS = st.text("ab 1{}é\n", max_size=30)


@pytest.fixture(scope="module")
def loaded(sample_home):
    """The sample model as it is before any training."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFFT_HOME", str(sample_home))
        folder = hfft.samples.model()
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def alone(model, tokenizer, pairs):
    """Each text by itself, by the loss that transformers computes."""
    import torch

    found = []
    for before, text in pairs:
        asked, own = (tokenizer(part, add_special_tokens=False).input_ids for part in (before, text))
        ids = torch.tensor([[tokenizer.bos_token_id, *asked, *own]])
        labels = torch.tensor([[-100] * (1 + len(asked)) + own])
        found.append((float(model(input_ids=ids, labels=labels).loss) * len(own) if own else 0.0, len(own)))
    return found


@settings(max_examples=20)
@given(pairs=st.lists(st.tuples(TEXTS, TEXTS), max_size=12))
def test_a_text_beside_longer_ones_has_its_own_loss(loaded, pairs):
    import torch

    with torch.no_grad():
        together = measures.text_losses(*loaded, pairs)
        for (loss, tokens), (own, count) in zip(together, alone(*loaded, pairs), strict=True):
            assert tokens == count
            assert loss == pytest.approx(own, rel=1e-3, abs=1e-3)


def test_an_item_is_the_loss_of_its_text_or_of_the_choice(loaded):
    import math

    import torch

    with torch.no_grad():
        for items in SUITE.values():
            found = measures.item_losses(*loaded, items)
            for (asked, right, wrong), loss in zip(items, found, strict=True):
                (own, tokens), *others = alone(*loaded, [(asked, text) for text in (right, *wrong)])
                chances = [math.exp(-one) for one, _ in ((own, tokens), *others)]
                expected = -math.log(chances[0] / sum(chances)) if wrong else own / tokens
                assert loss == pytest.approx(expected, rel=1e-3, abs=1e-3)
