"""Both sides of the comparison: the model in transformers, and the file in llama.cpp."""

import json

from hfft_widgets.scripts.converting import usable_cores
from hfft_widgets.scripts.merging import TOKENIZER_FILES, local_folder, tokenizer_owner
from hfft_widgets.scripts.stepping import say


class Original:
    """The Hugging Face side: the tokenizer as it was saved after training, and the tokens that end a turn."""

    def __init__(self, sources):
        from transformers import AutoTokenizer

        self.folders = [local_folder(source, [*TOKENIZER_FILES, "*.json"]) for source in sources if source]
        self.tokenizer = AutoTokenizer.from_pretrained(tokenizer_owner(self.folders))
        self.template = self.tokenizer.get_chat_template() if self.tokenizer.chat_template else None
        self.ends = self._ends()

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

    def ids(self, text):
        """Token ids of a text, markers in it recognised, nothing added."""
        return list(self.tokenizer(text, add_special_tokens=False).input_ids)

    def chat(self, *turns):
        """The text of a conversation: user, assistant, user, and so on; a model without a template gets it as it is."""
        if not self.template:
            return turns[-1]
        roles = ("user", "assistant")
        messages = [{"role": roles[i % 2], "content": turn} for i, turn in enumerate(turns)]
        return self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=len(turns) % 2 == 1)


class Loaded:
    """The llama.cpp side: the whole file loaded, as llama-server would.

    Loading the vocabulary alone would be quicker, but aborts the process in cyllama 0.2.18.
    """

    def __init__(self, llama_cpp, file):
        self.llama_cpp = llama_cpp
        settings = llama_cpp.LlamaModelParams()
        settings.n_gpu_layers = 0
        self.model = llama_cpp.LlamaModel(path_model=str(file), params=settings, verbose=False)
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

    def answer(self, text, max_tokens):
        """The most likely continuation of a text, and whether it came to its own end.

        Args:
            text: The prompt, already in the chat template.
            max_tokens: Where to stop at the latest.
        """
        cy = self.llama_cpp
        ids = self.ids(text, as_server=True)
        settings = cy.LlamaContextParams()
        settings.n_ctx = min(self.model.n_ctx_train, len(ids) + max_tokens)
        settings.n_batch = settings.n_ubatch = batch = 512
        settings.n_threads = settings.n_threads_batch = usable_cores()
        ids = ids[-max(1, settings.n_ctx - max_tokens) :]  # a prompt longer than the model's memory loses its start
        context = cy.LlamaContext(model=self.model, params=settings, verbose=False)
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
                return self.text(tokens), True
            tokens.append(token)
            say(share=0.6 + 0.4 * len(tokens) / max_tokens, message="The model is answering in llama.cpp")
            if place + 1 >= settings.n_ctx:
                break
            context.decode(cy.llama_batch_get_one([token], place))
        return self.text(tokens), False

    def text(self, tokens):
        """The tokens as text."""
        return self.vocabulary.detokenize(tokens, text_len_max=64 * len(tokens) + 64) if tokens else ""
