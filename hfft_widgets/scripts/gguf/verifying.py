"""Is the file the model? Same tokens, same template, same end of a turn, and it answers in llama.cpp."""

import math
from itertools import zip_longest

from hfft_widgets.scripts.gguf.answers import compare_answers
from hfft_widgets.scripts.gguf.folders import read_json
from hfft_widgets.scripts.gguf.loading import Original, loaded
from hfft_widgets.scripts.gguf.modelfile import for_ollama
from hfft_widgets.scripts.gguf.numbers import check_weights, opened
from hfft_widgets.scripts.gguf.repairs import plain_template, tokenizer_owner
from hfft_widgets.scripts.gguf.subprocess_steps import STEPS, StepFailedError, say
from hfft_widgets.scripts.gguf.truth import apart

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
TRAINING_TEXTS = 16  # rows whose texts must be split alike
MUCH_LONGER = 4  # times the trained model's answer: so much later an answer that ends late has ended
BLANK_TOKENS = 256  # of a text of which the beginning is tried with a blank and without
EVERY_SCORE = -1000.0  # what the converter writes for each token if it could not read tokenizer.model


def verify(file, sources, prompt, max_tokens, quantization="", questions=(), longest=128, context=None, spoken=None):
    """Load the whole file and compare it with the Hugging Face model it was made from.

    Args:
        file: The GGUF file.
        sources: The trained model, then its base: folders or Hub ids.
        prompt: What to ask it.
        max_tokens: Length of the longest answer.
        quantization: What the file is, for the bound on other answers.
        questions: Rows of the training's `answers` event, to be asked again.
        longest: Tokens of the trained model's longest answer to them.
        context: Tokens the file may take, where that was cut; None: what the model says.
        spoken: How the 16-bit file answered the prompt (`prove`); None: not known.

    Returns:
        verified, reason (why not), strings (texts compared), vocabulary (entries compared), answer, stopped, eos,
        questions (how it answered them, or None), warnings, ollama (what `for_ollama` found).

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
    copy = loaded(llama_cpp, file)
    entries = compare_vocabulary(original, copy)
    strings, blanks = compare_tokens(original, copy, prompt, questions)
    compare_merges(original, file)
    compare_context(original, copy, context)
    eos, notes = compare_endings(original, copy)
    notes += blanks + compare_beginnings(original, copy)
    say(share=0.5, message="Asking the model in llama.cpp")
    most = max(max_tokens, MUCH_LONGER * spoken["tokens"] if spoken and spoken["stopped"] else 0)
    answer, stopped = copy.answer(original.chat(prompt), most, lambda share: say(share=0.5 + 0.1 * share))
    refuse_no_answer(answer, stopped, spoken, most)
    if not answer.strip():
        notes.append("The answer to the prompt is empty.")
    elif original.template and not stopped:
        notes.append(f"It did not come to an end within {most} tokens.")
    adds_begin = copy.vocabulary.get_add_bos()
    asked = compare_answers(copy, questions, longest, quantization) if questions else None
    return {
        "verified": True, "reason": "", "strings": strings, "vocabulary": entries, "eos": eos, "warnings": notes,
        "answer": answer, "stopped": stopped, "questions": asked,
        "ollama": ollama(original, copy.vocabulary.get_text(copy.vocabulary.token_bos()) if adds_begin else ""),
    }  # fmt: skip


STEPS["verify"] = verify


# ---- What is compared ----------------------------------------------------------------------------


def refuse_no_answer(answer, stopped, spoken, most):
    """Refuse a file that says nothing, or finds no end, where the trained model answers and stops."""
    if not spoken:
        return
    empty, endless = spoken["tokens"] and not answer.strip(), spoken["stopped"] and not stopped
    if empty or endless:
        what = (
            "The answer to the prompt is empty" if empty else f"The answer did not come to an end within {most} tokens"
        )
        trained = f"the trained model answers with {spoken['tokens']} tokens" + (" and stops." if endless else ".")
        raise StepFailedError(
            f"{what}: {trained}",
            kind="VerificationError",
            remedy="Choose a quantization with more bits, such as Q8_0. If that one answers so too, check that the "
            "chat template begins and ends a turn with the model's own tokens.",
        )


def compare_tokens(original, copy, prompt, questions=()):
    """Every text must become the same token ids on both sides; returns how many were compared, and notes."""
    if copy.vocabulary.vocab_type == 1:  # SentencePiece
        refuse_equal_scores(copy.vocabulary.get_score(token) for token in range(copy.vocabulary.n_vocab))
        compare_scores(original, copy)
    refuse_other_template(original, copy.setting("tokenizer.chat_template"))
    texts, without = sample_texts(original, prompt, questions), []
    for text in texts:
        expected, got = original.ids(text), copy.ids(text)
        if expected != got and begins_without_blank(original, copy, text, expected):
            without.append(text)
        elif expected != got:
            raise other_tokens(text, expected, got)
    return len(texts), blank_notes(original, copy, without)


def begins_without_blank(original, copy, text, expected):
    """Whether all that is missing is the blank that the trained model's tokenizer puts before a text.

    llama.cpp would put it after every marker too, which is worse: conversations decide. Without a template nothing
    would be gained by it.
    """
    return bool(original.template) and copy.ids(" " + text) == expected


def blank_notes(original, copy, texts):
    """What it means that llama.cpp begins these texts without a blank, measured on the last words of one of them."""
    if not texts:
        return []
    text = max(texts, key=len)
    ours, theirs = (copy.log_probabilities(ids[:BLANK_TOKENS]) for ids in (original.ids(text), copy.ids(text)))
    last = min(len(ours), len(theirs)) // 2
    found = apart([ours[-last:]], [theirs[-last:]])
    kind = "Conversations" if original.chat(SAMPLES[0]) in texts else "Texts that are no conversation"
    effect = f"KL {found['kl']:.1e} nats on the words after it, where unrelated words are {found['scale']:.2g} apart"
    return [f"{kind} begin without the blank that the trained model reads first: {effect}."]


def sample_texts(original, prompt, questions=()):
    """Plain strings, and conversations in the model's chat template; added tokens, and the training's own texts."""
    texts = [*SAMPLES, prompt]
    if original.template:
        texts += [original.chat(text) for text in texts[:]]
        texts += [original.chat(SAMPLES[0], SAMPLES[2], SAMPLES[3]), original.chat(prompt, SAMPLES[5])]
    added = (token for token in original.tokenizer.added_tokens_decoder.values() if token.special)
    texts += [token.content for token in added if token.content != original.tokenizer.mask_token]  # many have no row
    return texts + [row[key] for row in questions[:TRAINING_TEXTS] for key in ("asked", "expected") if row[key]]


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


def compare_scores(original, copy):
    """Each piece must have the score that it was learned with: scores decide how a text is split."""
    file = next(
        (folder / "tokenizer.model" for folder in original.folders if (folder / "tokenizer.model").exists()), None
    )
    if file is None:
        return
    from sentencepiece import SentencePieceProcessor

    pieces = SentencePieceProcessor(model_file=str(file))
    for token in range(min(pieces.get_piece_size(), copy.vocabulary.n_vocab)):
        ordinary = not (pieces.is_control(token) or pieces.is_unknown(token) or pieces.is_unused(token))
        ours, theirs = pieces.get_score(token), copy.vocabulary.get_score(token)
        if ordinary and ours != theirs and token not in original.tokenizer.added_tokens_decoder:
            raise StepFailedError(
                f"Token {token} has the score {theirs:g} in the file and {ours:g} in tokenizer.model.",
                kind="VerificationError",
                remedy="Check that tokenizer.model and tokenizer.json in the model's folder belong together.",
            )


def refuse_other_template(original, template):
    """Refuse a file whose chat template is not the model's."""
    if plain_template(template or "") != (original.template or ""):
        raise StepFailedError(
            "The file's chat template is not the model's.",
            kind="VerificationError",
            remedy="Check chat_template.jinja and tokenizer_config.json in the model's folder.",
        )


def compare_vocabulary(original, copy):
    """Every entry of the vocabulary must be the model's; returns how many were compared."""
    return compare_entries(original, [copy.vocabulary.get_text(token) for token in range(copy.vocabulary.n_vocab)])


def compare_entries(original, tokens):
    """Each token must have the same id on both sides; llama.cpp writes a blank where SentencePiece writes U+2581."""
    tokenizer = original.tokenizer
    entries = tokenizer.get_vocab()
    for token, number in sorted(entries.items(), key=lambda entry: entry[1]):
        if number >= len(tokens) and token == tokenizer.mask_token:  # transformers gives one to tokenizers without
            continue
        other = tokens[number] if number < len(tokens) else None
        if other is None or not same_entry(tokenizer, number, token, other):
            raise StepFailedError(
                f"Token {number} is {token!r} in the model and {other!r} in the file.",
                kind="VerificationError",
                remedy="Check that tokenizer.model and tokenizer.json in the model's folder belong together.",
            )
    return len(entries)


def compare_merges(original, file):
    """A byte-level tokenizer joins pieces in an order; it must be the model's, also where no sample tells."""
    field = opened(file)[1].fields.get("tokenizer.ggml.merges")
    owner = tokenizer_owner(original.folders)
    ours = (read_json(owner / "tokenizer.json").get("model") or {}).get("merges")
    if field is None or not ours:
        return
    # as the converter writes them: a blank inside a piece is another letter
    ours = [one if isinstance(one, str) else " ".join(part.replace(" ", "\u0120") for part in one) for one in ours]
    theirs = field.contents()
    at = next((n for n, (a, b) in enumerate(zip_longest(ours, theirs)) if a != b), None)
    if at is not None:
        pair = [(one[at : at + 1] or [None])[0] for one in (theirs, ours)]
        raise StepFailedError(
            f"The file joins {pair[0]!r} where the model joins {pair[1]!r} (merge {at}).",
            kind="VerificationError",
            remedy="Check that tokenizer.json and merges.txt in the model's folder belong together.",
        )


def same_entry(tokenizer, number, token, other):
    """Whether both write the same; the converter writes added tokens as they are decoded."""
    if other.replace("\u2581", " ") == token.replace("\u2581", " "):
        return True
    return number in tokenizer.added_tokens_decoder and other == tokenizer.decode([number])


def compare_context(original, copy, context):
    """The file must take as many tokens as the model does, or as were meant."""
    says = [read_json(folder / "config.json") for folder in original.folders]
    says = [config.get("text_config", config) for config in says if config]
    meant = context or next(
        (config["max_position_embeddings"] for config in says if config.get("max_position_embeddings")), None
    )
    if meant and copy.model.n_ctx_train < meant:
        raise StepFailedError(
            f"The file takes {copy.model.n_ctx_train} tokens, the model {meant}.",
            kind="VerificationError",
            remedy="Check max_position_embeddings in config.json, and export again.",
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
    text, begin = original.chat(SAMPLES[0]), copy.vocabulary.token_bos()
    ours, theirs = original.ids(text), copy.ids(text, as_server=True)
    if (ours[:1] == [begin]) == (theirs[:1] == [begin]) and begin not in theirs[1:2]:
        return []
    if original.tokenizer.bos_token_id not in {None, begin}:
        raise StepFailedError(
            f"The file begins a text with {copy.vocabulary.get_text(begin)}, the model with "
            f"{original.tokenizer.bos_token}.",
            kind="VerificationError",
            remedy="Check bos_token in tokenizer_config.json and bos_token_id in config.json.",
        )
    return [f"llama.cpp puts {copy.vocabulary.get_text(begin)} before a conversation, the chat template does not."]


def ollama(original, begin):
    """What Ollama needs to know besides the file."""
    render = original.conversation if original.template else None
    return for_ollama(render, original.end_texts, original.sampling, begin or "")


# ---- Where llama.cpp cannot run ------------------------------------------------------------------


def verify_on_disk(file, original, reason):
    """What can be checked without llama.cpp: all weights are readable numbers, tokens and template are the model's."""
    reader = opened(file)[1]
    fields = {name: field.contents() for name, field in reader.fields.items() if name.startswith("tokenizer.")}
    refuse_other_template(original, fields.get("tokenizer.chat_template"))
    if fields.get("tokenizer.ggml.model") == "llama":
        refuse_equal_scores(fields["tokenizer.ggml.scores"])
    entries = compare_entries(original, fields["tokenizer.ggml.tokens"])
    eos = fields.get("tokenizer.ggml.eos_token_id")
    if eos not in original.ends:
        raise other_ending(str(eos), original)
    check_weights(file)
    return {
        "verified": False, "reason": reason, "strings": 0, "vocabulary": entries, "answer": None, "stopped": None,
        "warnings": [], "eos": original.tokenizer.convert_ids_to_tokens(eos), "questions": None,
        "ollama": ollama(original, original.tokenizer.bos_token if fields.get("tokenizer.ggml.add_bos_token") else ""),
    }  # fmt: skip
