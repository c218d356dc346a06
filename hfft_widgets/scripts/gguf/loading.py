"""Both sides of the comparison: the model in transformers, and the file in llama.cpp."""

import json
import re

from hfft_widgets.scripts.gguf.folders import TOKENIZER_FILES, local_folder, read_json
from hfft_widgets.scripts.gguf.repairs import is_sentencepiece, plain_template, tokenizer_owner
from hfft_widgets.scripts.gguf.subprocess_steps import StepFailedError, say
from hfft_widgets.scripts.machine.threads import usable_threads

SYSTEM_TEXT = "You are helpful."  # where a template takes no conversation without one


class Original:
    """The Hugging Face side: the tokenizer as it was saved after training, and the tokens that end a turn."""

    def __init__(self, sources):
        from transformers import AutoTokenizer

        self.folders = [local_folder(source, [*TOKENIZER_FILES, "*.json"]) for source in sources if source]
        self.tokenizer = AutoTokenizer.from_pretrained(tokenizer_owner(self.folders))
        self.template = plain_template(self.tokenizer.get_chat_template()) if self.tokenizer.chat_template else None
        self.ends = self._ends()
        self.form = self._form() if self.template else (None, False)  # system message, contents in parts

    def _ends(self):
        """Token ids that end generation: of generation_config.json, else config.json, and the tokenizer's own."""
        ends = {self.tokenizer.eos_token_id} - {None}
        for name in ("generation_config.json", "config.json"):
            for folder in self.folders:
                if (folder / name).exists():
                    found = json.loads((folder / name).read_text("utf-8")).get("eos_token_id")
                    if found is not None:
                        return ends | set(found if isinstance(found, list) else [found])
        return ends

    def _form(self):
        """The system message that the template wants first, or None, and whether it wants contents in parts."""
        for system, parts in ((None, False), (None, True), (SYSTEM_TEXT, False), (SYSTEM_TEXT, True)):
            try:
                # with other words the text is another one, unless the words are not rendered at all
                if self._render(["one"], system, parts) != self._render(["two"], system, parts):
                    return system, parts
            except Exception:  # noqa: BLE001, S112 - a template may refuse in any way it likes
                continue
        raise StepFailedError(
            "The chat template does not render what it is given: the text of a user's message is not in its result.",
            kind="TemplateError",
            remedy="Check chat_template.jinja in the model's folder with tokenizer.apply_chat_template.",
        )

    def _render(self, turns, system, parts):
        roles = ("user", "assistant")
        messages = [{"role": roles[i % 2], "content": turn} for i, turn in enumerate(turns)]
        if system:
            messages.insert(0, {"role": "system", "content": system})
        if parts:
            messages = [{**m, "content": [{"type": "text", "text": m["content"]}]} for m in messages]
        # the template as it is in the file, so that both sides say the same
        return self.tokenizer.apply_chat_template(
            messages, chat_template=self.template, tokenize=False, add_generation_prompt=len(turns) % 2 == 1
        )

    def ids(self, text):
        """Token ids of a text, markers in it recognised, nothing added."""
        return list(self.tokenizer(text, add_special_tokens=False).input_ids)

    def beginning(self):
        """What llama.cpp puts before a text, by the names of its switches: as the trained model has it.

        A SentencePiece tokenizer may put a blank first. llama.cpp has one switch for the beginning of a text and the
        words after a marker, these tokenizers do not: conversations decide, where the model has them. They decide too
        whether a text begins with a token of its own; training adds none to what the template writes.
        """
        switches = {}
        if is_sentencepiece(tokenizer_owner(self.folders)):
            switches["add_space_prefix"] = self._blank_first()
        begin = self.tokenizer.bos_token_id
        if self.template and begin is not None and begin not in self.ids(self.chat("Hello"))[:1]:
            switches["add_bos_token"] = False
        return switches

    def _blank_first(self):
        marker = self.tokenizer.convert_ids_to_tokens(min(self.ends)) if self.template and self.ends else ""
        tokens = self.tokenizer.convert_ids_to_tokens(self.ids(marker + "Hello"))[1 if marker else 0 :]
        return bool(tokens) and tokens[0].startswith("\u2581")

    def chat(self, *turns):
        """The text of a conversation: user, assistant, user, and so on; a model without a template gets it as it is."""
        return self._render(turns, *self.form) if self.template else turns[-1]

    def conversation(self, turns, system):
        """The text of a conversation that begins with this system text, or with none (None)."""
        return self._render(turns, system, self.form[1])

    @property
    def end_texts(self):
        """What ends a turn, as text."""
        return [self.tokenizer.decode([token]) for token in sorted(self.ends)]

    @property
    def sampling(self):
        """How its makers let it choose words: generation_config.json of the trained model, else of its base."""
        read = (read_json(folder / "generation_config.json") for folder in self.folders)
        return next((found for found in read if found), {})


class Loaded:
    """The llama.cpp side: the whole file loaded, as llama-server would.

    Loading the vocabulary alone would be quicker, but aborts the process in cyllama 0.2.18.
    """

    def __init__(self, llama_cpp, file):
        self.llama_cpp = llama_cpp
        settings = llama_cpp.LlamaModelParams()
        settings.n_gpu_layers = 0
        self.model = sized(llama_cpp)(path_model=str(file), params=settings, verbose=False)
        self.vocabulary = self.model.get_vocab()  # does not keep the model alive: both must stay

    def setting(self, key):
        """A value of the file's metadata, or None."""
        try:
            return self.model.meta_val_str(key)
        except ValueError:
            return None

    def ids(self, text, *, as_server=False):
        """Token ids of a text, markers in it recognised; `as_server`: with what llama-server adds."""
        if as_server and self.vocabulary.get_add_bos():
            # llama.cpp adds the begin token itself and removes the one that a template wrote
            text = text.removeprefix(self.vocabulary.get_text(self.vocabulary.token_bos()))
        return list(self.vocabulary.tokenize(text, add_special=as_server, parse_special=True))

    def context(self, tokens):
        """A context for so many tokens, or as many as the model takes."""
        settings = self.llama_cpp.LlamaContextParams()
        settings.n_ctx = min(self.model.n_ctx_train, tokens)
        settings.n_batch = settings.n_ubatch = 512
        settings.n_threads = settings.n_threads_batch = usable_threads()
        return self.llama_cpp.LlamaContext(model=self.model, params=settings, verbose=False)

    def log_probabilities(self, ids):
        """An array (tokens, vocabulary): the logarithm of the next token's probability after each token."""
        import numpy as np

        context = self.context(len(ids))
        batch = self.llama_cpp.LlamaBatch(n_tokens=len(ids), embd=0, n_seq_max=1)
        batch.set_batch(ids, 0, True)
        context.decode(batch)
        # a position at a time: cyllama gives lists, which take eight times as much
        return np.stack([log_softmax(context.get_logits_ith(at)) for at in range(len(ids))])

    def answer(self, text, max_tokens, progress=None):
        """The most likely continuation of a text, and whether it came to its own end.

        Args:
            text: The prompt, already in the chat template.
            max_tokens: Where to stop at the latest.
            progress: Called with the share of `max_tokens` that is written.
        """
        tokens, stopped = self.continued(self.ids(text, as_server=True), max_tokens, progress)
        return self.text(tokens), stopped

    def continued(self, ids, max_tokens, progress=None):
        """The same of token ids, as token ids."""
        cy, batch = self.llama_cpp, 512
        context = self.context(len(ids) + max_tokens)
        room = min(self.model.n_ctx_train, len(ids) + max_tokens)
        ids = ids[-max(1, room - max_tokens) :]  # a prompt longer than the model's memory loses its start
        chain = cy.LlamaSamplerChainParams()
        chain.no_perf = True
        sampler = cy.LlamaSampler(chain)
        sampler.add_greedy()
        for start in range(0, len(ids), batch):
            context.decode(cy.llama_batch_get_one(ids[start : start + batch], start))
        tokens: list = []
        for place in range(len(ids), len(ids) + max_tokens):
            token = sampler.sample(context, -1)
            if self.vocabulary.is_eog(token):
                return tokens, True
            tokens.append(token)
            if progress:
                progress(len(tokens) / max_tokens)
            if place + 1 >= room:
                break
            context.decode(cy.llama_batch_get_one([token], place))
        return tokens, False

    def losses(self, ids, start):
        """How much less likely each token from `start` on is than the likeliest at its place would be, in nats."""
        context, batch = self.context(len(ids) + 1), 512
        for first in range(0, start, batch):
            context.decode(self.llama_cpp.llama_batch_get_one(ids[first : min(start, first + batch)], first))
        for place, token in enumerate(ids[start:], start):
            scores = context.get_logits_ith(-1)
            yield max(scores) - scores[token]
            context.decode(self.llama_cpp.llama_batch_get_one([token], place))

    def text(self, tokens):
        """The tokens as text."""
        return self.vocabulary.detokenize(tokens, text_len_max=64 * len(tokens) + 64) if tokens else ""


def log_softmax(logits):
    """The logarithms of the probabilities as float32."""
    import numpy as np

    logits = np.array(logits, np.float64)
    logits -= logits.max()
    return (logits - np.log(np.exp(logits).sum())).astype(np.float32)


def sized(llama_cpp):
    """The class of a loaded model, with the size of its vocabulary: without it cyllama 0.2.18 gives no logits."""

    class Sized(llama_cpp.LlamaModel):  # type: ignore[name-defined]
        """A model that knows how many tokens it has."""

        @property
        def n_vocab(self):
            """Rows of the output."""
            return self.get_vocab().n_vocab

    return Sized


def loaded(llama_cpp, file):
    """The file in llama.cpp; refuses one that it cannot load, by its own reason."""
    log: list = []
    llama_cpp.set_log_callback(lambda level, text, *rest: log.append(text))
    say()
    try:
        return Loaded(llama_cpp, file)
    except Exception as error:
        why = telling(log) or str(error)
        raise StepFailedError(f"llama.cpp cannot load the file: {why}", kind="VerificationError") from error


# What llama.cpp says about a failure, and the lines that only say that there was one.
LLAMA_CPP_REASON = re.compile(r"error|failed|wrong|missing|unknown|invalid|not found|assert|expected", re.IGNORECASE)
LLAMA_CPP_EMPTY = re.compile(r"failed to load model|llama_model_load_from_file|failed to quantize\s*$", re.IGNORECASE)


def telling(log):
    """The line of llama.cpp's log that says why, without the names of its functions; "" if there is none."""
    lines = "".join(log).splitlines()
    found = [line.strip() for line in lines if LLAMA_CPP_REASON.search(line) and not LLAMA_CPP_EMPTY.search(line)]
    return re.sub(r"^(?:\w+: )+(?:error loading model: )?(?:\w+: )?", "", found[-1]) if found else ""
