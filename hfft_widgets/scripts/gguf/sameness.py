"""Is the trained model still its base? Nobody wants to export a training that changed nothing."""

from pathlib import Path

from hfft_widgets.scripts.gguf.subprocess_steps import StepFailedError


def fingerprints(model):
    """Name -> a sum over a weight's bits, by which a changed weight is told from its earlier self."""
    import torch

    sizes = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    bits = {name: weight.detach().contiguous().view(-1) for name, weight in model.named_parameters()}
    pieces = {name: flat.view(sizes[flat.element_size()]).split(2**20) for name, flat in bits.items()}
    # a piece at a time: a sum in 64 bits takes four times a large matrix otherwise
    return {name: sum(int(piece.sum(dtype=torch.int64)) for piece in flat) for name, flat in pieces.items()}


def refuse_unchanged(before, after, unchanged_too):
    """Refuse a trained model in which nothing is left of the training."""
    if unchanged_too or before != after:
        return
    raise StepFailedError(
        "The trained model is the same as its base model: nothing of the training is in its weights.",
        kind="UnchangedError",
        remedy="Give the checkpoint that was meant, or train longer or with a higher learning rate; to export the base "
        "all the same: plan_export(..., unchanged_too=True).",
    )


def refuse_same_weights(folder, base):
    """Refuse a full model whose weights are all those of its base, where the base lies on this machine."""
    from safetensors import safe_open

    ours, theirs = (sorted(Path(one).glob("*.safetensors")) for one in (folder, base))
    where = {name: file for file in theirs for name in safe_open(file, "pt").keys()}  # noqa: SIM118 - not a dict
    for file in ours:
        with safe_open(file, "pt") as opened:
            for name in opened.keys():  # noqa: SIM118
                if name not in where or differs(opened.get_tensor(name), where[name], name):
                    return
    if ours and theirs:
        refuse_unchanged({}, {}, unchanged_too=False)


def differs(weight, file, name):
    """Whether a weight is not the one of that name in a file, by the bits of the coarser number format."""
    import torch
    from safetensors import safe_open

    with safe_open(file, "pt") as opened:
        other = opened.get_tensor(name)
    coarse = min((weight.dtype, other.dtype), key=lambda dtype: dtype.itemsize)
    return weight.shape != other.shape or not torch.equal(weight.to(coarse), other.to(coarse))
