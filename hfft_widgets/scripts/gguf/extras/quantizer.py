"""Fewer bits per weight, by llama.cpp's own quantizer."""

import re
from pathlib import Path

from hfft_widgets.scripts.gguf.extras.importance import read_importance, use_importance
from hfft_widgets.scripts.gguf.subprocess_steps import STEPS, StepFailedError, say
from hfft_widgets.scripts.machine.threads import usable_threads

# llama.cpp's numbers of the file types that its quantizer makes here (llama.h, enum llama_ftype).
FILE_TYPES = {
    "Q4_0": 2, "Q8_0": 7, "Q2_K": 10, "Q3_K_M": 12, "Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_S": 16, "Q5_K_M": 17, "Q6_K": 18,
    "IQ4_XS": 30,
}  # fmt: skip

# A line such as `[   7/  39] blk.0.attn_q.weight - [   256,    256,      1,      1], type =    f16,`
TENSOR = re.compile(r"^\[\s*(\d+)/\s*(\d+)\]\s+(\S+)\s+-\s+\[([^\]]*)\],\s+type\s+=\s+(\w+)")


def quantize(source, file, quantization, importance=None):
    """Write a 16-bit GGUF file again with fewer bits per weight.

    Args:
        source: The 16-bit GGUF file.
        file: The GGUF file to write.
        quantization: A name in `FILE_TYPES`.
        importance: An importance matrix (`extras.importance`), or None.

    Returns:
        bytes; importance: whether the matrix was used.
    """
    say(share=0.01, message="Starting llama.cpp's quantizer")
    from cyllama.llama import llama_cpp

    settings = llama_cpp.LlamaModelQuantizeParams()
    settings.ftype = FILE_TYPES[quantization]
    settings.nthread = usable_threads()
    kept = use_importance(settings, read_importance(importance)) if importance else None
    watcher = QuantizerLog(Path(source).stat().st_size)
    llama_cpp.set_log_callback(watcher)
    try:
        llama_cpp.model_quantize(str(source), str(file), settings)
    except RuntimeError as error:  # the exception does not say why, the log does
        raise StepFailedError(watcher.reason or str(error), kind="QuantizeError") from error
    return {"bytes": Path(file).stat().st_size, "importance": kept is not None}


STEPS["quantize"] = quantize


class QuantizerLog:
    """What llama.cpp logs while it quantizes: progress by bytes read, and the reason of a failure.

    Args:
        total_bytes: Size of the file that is read.
    """

    def __init__(self, total_bytes):
        self.total_bytes = max(1, total_bytes)
        self.read_bytes = 0
        self.reason = ""

    def __call__(self, level, text, *rest):
        """Take one piece of the log; a tensor's line comes before the work on it."""
        tensor = TENSOR.match(text)
        if tensor:
            number, total, name, shape, kind = tensor.groups()
            share = min(0.99, self.read_bytes / self.total_bytes)
            say(share=share, message=f"Quantizing tensor {number} of {total}: {name}")
            self.read_bytes += elements(shape) * (4 if kind == "f32" else 2)
        elif "failed to quantize" in text or "error" in text.lower():
            self.reason = text.strip()


def elements(shape):
    """Numbers in a tensor of a shape like "256, 128, 1, 1"."""
    product = 1
    for size in shape.split(","):
        product *= int(size)
    return product
