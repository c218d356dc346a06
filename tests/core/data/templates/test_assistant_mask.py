"""Which chat templates say what the assistant's tokens are."""

from __future__ import annotations

from hfft_widgets.core.data.templates.assistant_mask import marks_answers


def test_templates_that_mark_answers_are_those_trl_can_train_with():
    """The list of templates that TRL replaces by a marked twin is that of the installed TRL."""
    from pathlib import Path

    import trl
    from transformers import PreTrainedTokenizerFast
    from trl.chat_template_utils import get_training_chat_template

    folder = Path(trl.__file__).parent / "chat_templates"
    from tokenizers import Tokenizer, models

    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), eos_token="</s>")
    for file in sorted(folder.glob("*.jinja")):
        tokenizer.chat_template = file.read_text("utf-8")
        try:
            twin = get_training_chat_template(tokenizer)
        except Exception:
            twin = ""
        assert marks_answers(tokenizer.chat_template) is (twin != ""), file.name
    assert not marks_answers("{{ messages }}")
    assert not marks_answers(None)
