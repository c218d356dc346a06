"""Model folders: the files that count, of a folder or a Hub id, gathered without taking disk."""

import json
import os
import shutil
from pathlib import Path

from hfft_widgets.scripts.gguf.subprocess_steps import StepFailedError

TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json", "additional_chat_templates/*.jinja",
)  # fmt: skip
MODEL_FILES = ("*.json", "*.safetensors", "*.model", "*.jinja", "*.txt", "pytorch_model*.bin", "adapter_model.bin")
# A second copy of the weights in its makers' own format, or of an earlier step; patterns of the Hub match in folders.
OTHER_COPIES = ("consolidated*", "original/*", "checkpoint-*/*", "onnx/*", "*/consolidated*")


def local_folder(model, patterns):
    """The folder of a model; a Hub id is downloaded, as far as its files match the patterns."""
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(str(model), allow_patterns=list(patterns), ignore_patterns=list(OTHER_COPIES)))


def gather(model, folder):
    """A folder with all files of a full model: links where the system can make them, so it takes no disk.

    One that is there is left as it is: what a killed run had not finished was deleted.
    """
    source, folder = local_folder(model, MODEL_FILES), Path(folder)
    if folder.exists():
        return
    folder.mkdir(parents=True)
    for file in model_files(source):
        place(file, folder / file.name)
    if not (folder / "config.json").exists():
        raise StepFailedError(
            f"{model} has no config.json, so it is not a model.",
            kind="FileNotFoundError",
            remedy="Set MODEL to a folder that was written by save_pretrained or save_model.",
        )


def model_files(source):
    """The files of a full model: its weights once, in safetensors where it has both formats."""
    found = [file for file in sorted(source.iterdir()) if file.is_file()]
    found = [file for file in found if any(file.match(pattern) for pattern in MODEL_FILES)]
    found = [file for file in found if not file.match("consolidated*")]
    if any(file.suffix == ".safetensors" for file in found):
        found = [file for file in found if not file.name.startswith("pytorch_model")]
    return found


def place(file, target):
    """Weights are linked, small files copied: those may be repaired, and the original must stay as it is."""
    if file.suffix in {".safetensors", ".bin"}:
        for link in (os.symlink, os.link):
            try:
                link(file.resolve(), target)
                return
            except OSError:  # another disk, or a system that does not let everybody link
                continue
    shutil.copyfile(file, target)


def read_json(file):
    """The file's JSON object; {} if there is no such file."""
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def write_json(file, values):
    """Write a JSON object as people can read it."""
    file.write_text(json.dumps(values, indent=2, ensure_ascii=False), "utf-8")
