"""The adapter as a GGUF file of its own: small, for people who have its base model as GGUF already."""

import runpy
import shutil
import sys
from pathlib import Path

from hfft_widgets.scripts.gguf.converting import keep_keys, llama_cpp_folder
from hfft_widgets.scripts.gguf.folders import local_folder
from hfft_widgets.scripts.gguf.loading import loaded
from hfft_widgets.scripts.gguf.merging import ADAPTER_FILES
from hfft_widgets.scripts.gguf.numbers import ROW_ERRORS, SLACK, check_weights, numbers_of, opened, pieces
from hfft_widgets.scripts.gguf.subprocess_steps import STEPS, StepFailedError, say

MOST_OFF = 0.02  # by which the file's change may be larger or smaller than the trained one


def adapter_file(adapter, base, file, work):
    """Write an adapter as GGUF, by llama.cpp's own converter.

    Args:
        adapter: Folder or Hub id of the adapter.
        base: Folder of its base model, repaired as for the whole file.
        file: The GGUF file to write; float32, for small numbers are no numbers in 16 bits.
        work: A folder for the adapter as llama.cpp scales it.
    """
    say(share=0.02, message="Starting llama.cpp's converter of adapters")
    scaled_copy(local_folder(adapter, ADAPTER_FILES), Path(work))
    converter = llama_cpp_folder() / "convert_lora_to_gguf.py"
    sys.path[:0] = [str(converter.parent), str(converter.parent / "gguf-py")]
    sys.argv = [str(converter), "--outfile", str(file), "--outtype", "f32", "--base", str(base), str(work)]
    keep_keys()
    runpy.run_path(str(converter), run_name="__main__")
    return {"bytes": Path(file).stat().st_size}


STEPS["adapter"] = adapter_file


def scaled_copy(adapter, folder):
    """The adapter with each change as large as it was trained: llama.cpp knows one `lora_alpha`, divided by the rank.

    peft scales otherwise with rsLoRA (arXiv:2312.03732) and with patterns of ranks and alphas; the second matrix takes
    the difference.
    """
    from peft import LoraConfig
    from peft.utils import load_peft_weights
    from safetensors.torch import save_file

    config = LoraConfig.from_pretrained(str(adapter))
    weights = load_peft_weights(str(adapter), device="cpu")
    for name in weights:
        if name.endswith((".lora_B.weight", ".lora_embedding_B")):
            rank = weights[name].shape[-1]
            factor = scaling(config, bare_module(name), rank) * rank / config.lora_alpha
            weights[name] = weights[name].float() * factor
    folder.mkdir(parents=True)
    save_file({name: weight.contiguous() for name, weight in weights.items()}, folder / "adapter_model.safetensors")
    shutil.copyfile(adapter / "adapter_config.json", folder / "adapter_config.json")


def bare_module(name):
    """The module's name in the base model."""
    return name.removeprefix("base_model.model.").partition(".lora_")[0]


def scaling(config, module, rank):
    """What peft multiplies a change with."""
    from peft.utils.other import get_pattern_key

    pattern = config.alpha_pattern or {}
    alpha = pattern.get(get_pattern_key(list(pattern), module), config.lora_alpha)
    return alpha / (rank**0.5 if config.use_rslora else rank)


# ---- The proof -----------------------------------------------------------------------------------


def prove_adapter(file, base, full):
    """Refuse an adapter's file that, added to its base, is not the merged model.

    llama.cpp loads it with the base; then each weight of the base plus the file's change must be that of the merged
    model's file, which was compared with the trained model. llama.cpp computes with exactly this sum.

    Args:
        file: The adapter's GGUF file.
        base: The base model as 16-bit GGUF.
        full: The merged model as 16-bit GGUF.

    Returns:
        changed (matrices the file changes), off (how much larger or smaller its largest misfit is, as a share).
    """
    say(share=0.02, message="Adding the adapter to its base")
    check_weights(file)
    load_with_base(file, base)
    gguf, adapter = opened(file)
    changes = {tensor.name: tensor for tensor in adapter.tensors}
    alpha = float(adapter.fields["adapter.lora.alpha"].contents())
    merged = {tensor.name: tensor for tensor in opened(full)[1].tensors}
    tensors, off = opened(base)[1].tensors, []
    for at, tensor in enumerate(tensors):
        say(share=0.1 + 0.9 * at / len(tensors))
        first, second = (changes.pop(f"{tensor.name}.lora_{one}", None) for one in "ab")
        change = None if None in (first, second) else change_of(gguf, first, second, alpha, tensor.name)
        off.append(misfit(gguf, tensor, merged[tensor.name], change))
    if changes or not off:
        raise not_the_model(f"{len(changes)} of its matrices are not the base's, e.g. {next(iter(changes), 'all')}")
    return {
        "changed": sum(one is not None for one in off),
        "off": max((one for one in off if one is not None), default=0),
    }


STEPS["prove_adapter"] = prove_adapter


def load_with_base(file, base):
    """Let llama.cpp load the adapter with its base, as `llama-server --lora` does."""
    try:
        from cyllama.llama import llama_cpp
    except ImportError as error:
        print(f"cyllama could not be imported: {error}", flush=True)
        return
    log: list = []
    copy = loaded(llama_cpp, base)
    llama_cpp.set_log_callback(lambda level, text, *rest: log.append(text))
    try:
        copy.model.lora_adapter_init(str(file))
    except Exception as error:
        why = "".join(log).strip().splitlines()[-1:] or [str(error)]
        raise StepFailedError(f"llama.cpp cannot load the adapter: {why[0]}", kind="VerificationError") from error


def change_of(gguf, first, second, alpha, name):
    """Two small matrices as float32 whose product, second times first, is the change that llama.cpp computes with."""
    a, b = (numbers_of(gguf, one, slice(None)) for one in (first, second))
    b = b * (alpha / b.shape[-1])
    return (b.T, a) if name == "token_embd.weight" else (a, b)  # of the embedding it takes rows: they lie the other way


def misfit(gguf, tensor, merged, change):
    """How far the trained change of a weight is from the file's, as a share; None for a weight without one."""
    import numpy as np

    most, found, size, both = SLACK * ROW_ERRORS[tensor.tensor_type.name] + 1e-6, 0.0, 0.0, 0.0
    for rows in pieces(tensor):
        ours, theirs = (numbers_of(gguf, one, rows) for one in (tensor, merged))
        trained = theirs - ours
        told = change[1][rows] @ change[0] if change else np.zeros_like(ours)
        left = np.linalg.norm(trained - told, axis=-1)
        if (left > most * (np.linalg.norm(theirs, axis=-1) + np.linalg.norm(ours, axis=-1))).any():
            raise not_the_model(f"{tensor.name} is another one with it")
        found += float((trained.astype(np.float64) * told).sum())
        both += float((left.astype(np.float64) ** 2).sum())
        size += float((told.astype(np.float64) ** 2).sum())
    if not size:
        return None
    off = abs(found / size - 1)
    # what rounding to 16 bits adds is random: beside a small change it can look like more of it
    if off > MOST_OFF + 5 * (both / size) ** 0.5 / max(1, tensor.n_elements) ** 0.5:
        raise not_the_model(f"its change of {tensor.name} is {found / size:.2f} times the trained one")
    return round(off, 5)


def not_the_model(why):
    """The error for an adapter's file that makes another model of its base."""
    return StepFailedError(
        f"The adapter's file and its base together are not the trained model: {why}.",
        kind="VerificationError",
        remedy="Export the whole model instead, e.g. as Q4_K_M.",
    )
