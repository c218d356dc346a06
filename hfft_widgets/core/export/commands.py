"""The lines that start the exported model, for people to copy."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath, PureWindowsPath

from hfft_widgets.core.export.quantizations import ADAPTER

_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def commands(path: str | None, *, repo: str | None, name: str, quantization: str) -> dict[str, str]:
    """Program -> the lines to type.

    Args:
        path: The GGUF file; its own name must be safe, its folder may be called anything.
        repo: The Hub repository it was pushed to, or None; then its names are used instead of the path.
        name: What to call the model in Ollama.
        quantization: The tag in the repository.
    """
    if quantization == ADAPTER:
        return _of_adapter(path or f"{name}-{quantization}.gguf", name)
    if repo:
        return {
            "llama.cpp": f"llama-server -hf {repo}:{quantization}",
            "Ollama": f"ollama run hf.co/{repo}:{quantization}",
            "LM Studio": f"lms get https://huggingface.co/{repo}@{quantization}",
        }
    file, folder, bare = _parts(path or f"{name}-{quantization}.gguf")
    model = f"{name}-{quantization}".lower()
    # the Modelfile beside the file names it without its folder
    enter = f"cd {folder}\n" if folder else ""
    return {
        "llama.cpp": f"llama-server -m {file}",
        "Ollama": f"{enter}ollama create {model} -f {bare.removesuffix('.gguf')}.Modelfile\nollama run {model}",
        "LM Studio": f"lms import --copy {file}",  # without --copy it would move the file away
    }


def _of_adapter(path: str, name: str) -> dict[str, str]:
    """An adapter's file runs on its base; LM Studio has no place for one."""
    file, folder, bare = _parts(path.rsplit("/", 1)[-1] if path.startswith(("http:", "https:")) else path)
    enter = f"cd {folder}\n" if folder else ""
    model = f"{name}-{ADAPTER}".lower()
    return {
        "llama.cpp": f"llama-server -m base.gguf --lora {file}",
        "Ollama": f"{enter}ollama create {model} -f {bare.removesuffix('.gguf')}.Modelfile\nollama run {model}",
    }


def _parts(path: str) -> tuple[str, str, str]:
    """The file and its folder, quoted for the shell of its system, and the file's own name."""
    if _WINDOWS.match(path):
        windows = PureWindowsPath(path)
        return f'"{windows}"', f'"{windows.parent}"', windows.name
    posix = PurePosixPath(path)
    folder = "" if posix.parent == PurePosixPath() else shlex.quote(str(posix.parent))
    return shlex.quote(str(posix)), folder, posix.name
