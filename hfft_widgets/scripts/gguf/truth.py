"""What the trained model itself says: the probabilities of the next token on a few texts, computed by transformers."""

from contextlib import contextmanager
from pathlib import Path

from hfft_widgets.scripts.gguf.extras.importance import collect
from hfft_widgets.scripts.gguf.extras.mapped import load_mapped, short_of_memory
from hfft_widgets.scripts.gguf.loading import Original
from hfft_widgets.scripts.gguf.sameness import refuse_same_weights
from hfft_widgets.scripts.gguf.subprocess_steps import STEPS, StepFailedError, say

# Prose, code and numbers: together at least 120 positions of any vocabulary, and none longer than a tiny context.
PROSE = (
    "The old library stood at the end of the street, where the river turns north. Every morning a boy with a red cap "
    "came to read about ships, storms and distant islands, until the lamps were lit and the keeper closed the doors."
)
CODE = """def parse(lines, *, sep=','):
    rows = []
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        rows.append([cell.strip() for cell in line.split(sep)])
    return rows
"""
NUMBERS = (
    "On 2024-01-31 there were 1,234,567 visitors, 12.5% more than in 1999; 3 + 4 = 7, 8 * 9 = 72, and pi is "
    "3.14159265358979. Call +49 30 123456 or see https://example.org/?q=a+b&n=10 for the rest of the table."
)
PROOF_TEXTS = (PROSE, CODE, NUMBERS)
PROOF_TOKENS = 41  # of each text
PROMPT_TOKENS = 128
FAR = 7  # positions that are so far apart say something about different words: the scale of a difference
MOST_APART = 1e-3  # of that scale: sound files measured at most 2e-4, the smallest fault 1.4e-2
TIES = 10  # one position of so many
PIECE = 2**24  # weights that are computed with at a time


def proof_ids(original, rows, longest):
    """The texts as token ids that the model has rows for, each begun as the tokenizer begins a text."""
    begin = original.tokenizer.bos_token_id
    start = [begin] if begin is not None and begin < rows else []
    most = max(2, min(PROOF_TOKENS, longest) - len(start))
    texts = [[token for token in original.ids(text) if token < rows][:most] for text in PROOF_TEXTS]
    return [start + ids for ids in texts if ids]


def prompt_ids(original, prompt, rows, longest):
    """The prompt as the model reads it before it answers; of a long one the end."""
    ids = [token for token in original.ids(original.chat(prompt)) if token < rows]
    return ids[-max(1, min(PROMPT_TOKENS, longest)) :]


def log_probabilities(model, texts):
    """For each text an array (tokens, vocabulary) of float32: the logarithm of the next token's probability."""
    import torch

    model.eval()
    found = []
    with torch.no_grad(), in_float32(model):
        for ids in texts:
            logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
            found.append(torch.log_softmax(logits.float(), -1).numpy())
    return found


def computed(model, texts):
    """`log_probabilities`, also of a model whose parts reach for each other's weights: it is turned to float32."""
    try:
        return log_probabilities(model, texts)
    except RuntimeError as error:
        if "dtype" not in str(error) and "type" not in str(error):
            raise
    kept = {name: weight.dtype for name, weight in model.named_parameters()}
    model.float()
    try:
        return log_probabilities(model, texts)
    finally:
        for name, weight in model.named_parameters():
            weight.data = weight.data.to(kept[name])  # exact: it came from there


@contextmanager
def in_float32(model):
    """Compute in float32 with weights kept in 16 bits: each part holds its own in float32 only while it computes."""
    import torch

    hooks, plain = [], []
    for module in model.modules():
        own = [p for p in module.parameters(recurse=False) if p.is_floating_point() and p.dtype != torch.float32]
        if not own:
            continue
        if isinstance(module, torch.nn.Embedding):
            swap: WeightsInFloat32 = RowsInFloat32(module)
        elif type(module) is torch.nn.Linear and module.weight.numel() > PIECE:
            module.forward = linear_by_pieces(module)
            plain.append(module)
            continue
        else:
            swap = WeightsInFloat32(own)
        hooks += [
            module.register_forward_pre_hook(swap.enter),
            module.register_forward_hook(swap.leave, always_call=True),
        ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for module in plain:
            del module.forward


class WeightsInFloat32:
    """A part's own weights as float32 from its first line to its last."""

    def __init__(self, weights):
        self.weights, self.kept = weights, None

    def enter(self, module, inputs):
        """Before the part computes."""
        self.kept = [weight.data for weight in self.weights]
        for weight in self.weights:
            weight.data = weight.data.float()

    def leave(self, module, inputs, output):
        """After it, whether it could compute or not."""
        if self.kept is not None:
            for weight, data in zip(self.weights, self.kept, strict=True):
                weight.data = data
        self.kept = None


class RowsInFloat32(WeightsInFloat32):
    """An embedding of which only the rows that are asked for become float32."""

    def __init__(self, module):
        super().__init__([module.weight])
        self.padding = module.padding_idx

    def enter(self, module, inputs):
        """Leave the rows that are asked for, and ask for them by their new numbers."""
        rows, numbers = inputs[0].unique(return_inverse=True)
        self.kept = [module.weight.data]
        module.weight.data = module.weight.data[rows].float()
        module.padding_idx = None  # it is out of range now, and says nothing here
        return (numbers, *inputs[1:])

    def leave(self, module, inputs, output):
        """Give the matrix back."""
        super().leave(module, inputs, output)
        module.padding_idx = self.padding


def linear_by_pieces(module):
    """What a large matrix computes, some rows at a time."""
    import torch

    def forward(x):
        step = max(1, PIECE // module.weight.shape[1])
        starts = range(0, module.weight.shape[0], step)
        parts = [torch.nn.functional.linear(x.float(), module.weight[at : at + step].float()) for at in starts]
        whole = torch.cat(parts, -1)
        return whole if module.bias is None else whole + module.bias.float()

    return forward


# ---- How far apart two models are ----------------------------------------------------------------


def divergence(one, other):
    """Kullback-Leibler divergence in nats of two arrays of log-probabilities (positions, vocabulary), per position."""
    import numpy as np

    def at(position):  # one at a time: with a large vocabulary all of them are a second copy of the model
        ours, theirs = one[position].astype(np.float64), other[position].astype(np.float64)
        return (np.exp(ours) * (ours - theirs)).sum()

    return np.array([at(position) for position in range(len(one))])


def apart(truth, other, *, experts=False):
    """How far two lists of such arrays are apart: `kl`, `scale`, `top1`, `positions`, `ties`.

    `scale` is how far positions of one text are apart that have nothing to do with each other: a difference says
    something only beside it, for some families answer in a much narrower range than others. Where experts are chosen,
    two can be as good as equal for a position, and rounding decides: a tenth of all positions may be such `ties`, and
    is left out. A fault shows at all of them.
    """
    import numpy as np

    width = [min(a.shape[1], b.shape[1]) for a, b in zip(truth, other, strict=True)]
    pairs = [(a[:, :w], b[:, :w]) for a, b, w in zip(truth, other, width, strict=True)]
    each = np.concatenate([divergence(a, b) for a, b in pairs])
    far = np.concatenate([divergence(a[:-FAR], a[FAR:]) for a, _ in pairs if len(a) > FAR] or [np.ones(1)])
    ties = len(each) // TIES if experts else 0
    most = np.sort(each)[: len(each) - ties]
    same = np.concatenate([a.argmax(-1) == b.argmax(-1) for a, b in pairs])
    said = {"kl": float(most.mean()), "scale": float(far.mean()), "top1": float(same.mean()), "positions": len(each)}
    beyond = int((each > 10 * MOST_APART * said["scale"]).sum())
    return {**said, "ties": min(ties, beyond)}


def refuse_apart(found, what, remedy):
    """Refuse two models that are not one; not a number is as far apart as can be."""
    if found["kl"] <= MOST_APART * found["scale"]:
        return
    share = found["kl"] / found["scale"] if found["scale"] else float("inf")
    raise StepFailedError(
        f"{what}: on {found['positions']} positions their next tokens are {share:.2%} as far apart as those of "
        f"unrelated words (allowed: {MOST_APART:.1%}; KL {found['kl']:.2g} nats), and the likeliest one is the same "
        f"in {found['top1']:.0%}.",
        kind="VerificationError",
        remedy=remedy,
    )


# ---- The step of a full model --------------------------------------------------------------------


def compute(folder, sources, dtype, truth, prompt, unchanged_too=False, importance=None, questions=()):
    """Compute what a full model says and keep it for the comparison with the file.

    Args:
        folder: The model.
        sources: The trained model, which holds the tokenizer, then its base or None.
        dtype: Number format of its weights.
        truth: The file to write.
        prompt: What the file will be asked.
        unchanged_too: Whether a model that is the base itself is fine.
        importance: File for an importance matrix of the questions' texts, or None.
        questions: Rows of the training's `answers` event.
    """
    say(share=0.05, message="Loading the trained model")
    if sources[-1] not in {None, sources[0]} and Path(str(sources[-1])).is_dir() and not unchanged_too:
        refuse_same_weights(folder, sources[-1])
    model = load_whole(folder, dtype)
    say(share=0.5, message="Computing what the trained model says")
    original = Original(sources)
    texts = texts_of(original, prompt, model)
    found = computed(model, texts)
    refuse_no_numbers(found)
    keep_truth(truth, texts, found, experts=has_experts(model), rows=row_marks(model))
    seen = collect(model, training_ids(original, questions), importance) if importance else None
    return {"positions": sum(map(len, texts)), "beginning": original.beginning(), "importance": seen}


STEPS["compute"] = compute


def texts_of(original, prompt, model):
    """The token ids that both sides are compared on: a few texts, and last the prompt."""
    rows, longest = embedding_rows(model), longest_text(model)
    return [*proof_ids(original, rows, longest), prompt_ids(original, prompt, rows, longest)]


def training_ids(original, questions):
    """The training's own texts, questions with their answers, as token ids."""
    return [original.ids(row["asked"] + row["expected"]) for row in questions]


def row_marks(model):
    """A number for each row of embedding and head, by which it is told from others: no text has all rare tokens."""
    import torch

    parts = {"token_embd": model.get_input_embeddings(), "output": model.get_output_embeddings()}
    found = {}
    for name, part in parts.items():
        if part is not None:
            pieces = part.weight.detach().split(max(1, PIECE // part.weight.shape[1]))
            marks = torch.from_numpy(signs(part.weight.shape[1]))
            found[name] = torch.cat([piece.float() @ marks for piece in pieces]).numpy()
    return found


def signs(width):
    """Ones and minus ones: a row's sum with these signs is about as large as the row, and another row's another."""
    import numpy as np

    return np.random.default_rng(0).choice(np.array([1, -1], np.float32), width)


def load_whole(folder, dtype):
    """The very class that was trained, so that the names of its weights fit."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder)
    name = (config.architectures or [""])[0]
    cls = getattr(transformers, name, None) or transformers.AutoModelForCausalLM
    if hasattr(transformers, name) and short_of_memory(folder):
        print("Memory is short: the weights stay in their files, which takes longer", flush=True)
        found = load_mapped(cls, config, folder)
        if found is not None:
            return found
    return cls.from_pretrained(folder, dtype=dtype)


def embedding_rows(model):
    """How many tokens the model has rows for."""
    return model.get_input_embeddings().weight.shape[0]


def longest_text(model):
    """How many tokens the model reads at most."""
    return getattr(model.config.get_text_config(), "max_position_embeddings", None) or PROOF_TOKENS


def refuse_no_numbers(found):
    """Refuse a model that computes what is not a number."""
    import numpy as np

    if not all(np.isfinite(array).all() for array in found):
        raise StepFailedError(
            "The trained model itself computes values that are not numbers.",
            kind="VerificationError",
            remedy="The training made weights that are not numbers: train again with a lower learning rate.",
        )


def has_experts(model):
    """Whether parts of the model are chosen for each token."""
    config = model.config.get_text_config()
    names = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
    return any((getattr(config, name, None) or 0) > 1 for name in names)


def keep_truth(file, texts, found, *, experts, rows=None):
    """Write token ids and log-probabilities, whether experts are chosen, and the marks of rows (`row_marks`)."""
    import numpy as np

    arrays = {f"ids{n}": np.array(ids) for n, ids in enumerate(texts)}
    arrays |= {f"said{n}": said for n, said in enumerate(found)}
    arrays["experts"] = np.array(experts)
    arrays |= {f"rows of {name}": marks for name, marks in (rows or {}).items()}
    with Path(file).open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


def read_truth(file):
    """The token ids of each text, what the model says about them, whether it chooses experts, and marks of rows."""
    import numpy as np

    with np.load(file) as kept:
        count = len([name for name in kept.files if name.startswith("ids")])
        ids, said = ([kept[f"{name}{n}"] for n in range(count)] for name in ("ids", "said"))
        rows = {name.removeprefix("rows of "): kept[name] for name in kept.files if name.startswith("rows of ")}
        return [one.tolist() for one in ids], said, bool(kept["experts"]), rows
