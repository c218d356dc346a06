"""One plain model folder: adapter and base added up, and a tokenizer that llama.cpp's converter reads rightly."""

import json
import os
import shutil
import warnings
from pathlib import Path

from hfft_widgets.scripts.stepping import STEPS, StepFailedError, say

TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json",
)  # fmt: skip
MODEL_FILES = ("*.json", "*.safetensors", "*.model", "*.jinja", "*.txt")


def merge(model, base, dtype, folder):
    """Add an adapter to its base model and save the sum.

    Args:
        model: The adapter, a folder or Hub id.
        base: The model it was trained on, not quantized.
        dtype: Number format of the base's weights, e.g. "bfloat16"; "auto" takes what is saved.
        folder: Where the merged model goes.
    """
    say(share=0.02, message="Loading the base model")
    import transformers
    from peft import PeftModel
    from peft.utils import load_peft_weights

    config = transformers.AutoConfig.from_pretrained(base)
    # the very class the adapter was trained on, so that the names of its weights fit
    whole = getattr(transformers, config.architectures[0]).from_pretrained(base, dtype=dtype)
    with warnings.catch_warnings():
        # peft only warns here, and would go on with an adapter that changes nothing
        warnings.filterwarnings("error", message="Found missing adapter keys")
        tuned = PeftModel.from_pretrained(whole, model)
    refuse_unused(load_peft_weights(str(model), device="cpu"), tuned)
    say(share=0.5, message="Adding the adapter to the base model")
    merged = tuned.merge_and_unload(progressbar=True, safe_merge=True)  # safe: refuses weights that are not numbers
    say(share=0.8, message="Saving the merged model")
    merged.save_pretrained(folder)
    return {"dtype": str(merged.dtype).removeprefix("torch.")}


STEPS["merge"] = merge


def refuse_unused(saved, tuned):
    """Refuse an adapter with weights that found no place in the base model."""
    from peft import get_peft_model_state_dict

    unused = sorted(set(saved) - set(get_peft_model_state_dict(tuned)))
    if unused:
        raise StepFailedError(
            f"{len(unused)} of {len(saved)} adapter weights do not belong to the base model, e.g. {unused[0]}.",
            kind="ValueError",
            remedy="Set BASE to the very model that the adapter was trained on.",
        )


def gather(model, folder):
    """A folder with all files of a full model: links where the system can make them, so it takes no disk."""
    source, folder = local_folder(model, MODEL_FILES), Path(folder)
    folder.mkdir(parents=True)
    for file in sorted(source.iterdir()):
        if file.is_file() and any(file.match(pattern) for pattern in MODEL_FILES):
            place(file, folder / file.name)
    if not (folder / "config.json").exists():
        raise StepFailedError(
            f"{model} has no config.json, so it is not a model.",
            kind="FileNotFoundError",
            remedy="Set MODEL to a folder that was written by save_pretrained or save_model.",
        )


def place(file, target):
    """Weights are linked, small files copied: those may be repaired, and the original must stay as it is."""
    if file.suffix == ".safetensors":
        for link in (os.symlink, os.link):
            try:
                link(file.resolve(), target)
                return
            except OSError:  # another disk, or a system that does not let everybody link
                continue
    shutil.copyfile(file, target)


def local_folder(model, patterns):
    """The folder of a model; a Hub id is downloaded, as far as its files match the patterns."""
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(str(model), allow_patterns=list(patterns)))


# ---- The tokenizer -------------------------------------------------------------------------------


def repair_tokenizer(folder, sources):
    """Give the folder the trained model's tokenizer, with what the converter needs of a SentencePiece one.

    transformers 5 saves neither `tokenizer.model` nor `added_tokens_decoder`. Without the first, the converter gives
    every token the same score; without the second, it takes chat markers for ordinary text. Both would go unnoticed.

    Args:
        folder: The model folder to convert.
        sources: Folders or Hub ids that may hold the tokenizer, the trained model first; None is skipped.

    Returns:
        What was done, in words.
    """
    folder = Path(folder)
    folders = [local_folder(source, TOKENIZER_FILES) for source in sources if source]
    owner = tokenizer_owner(folders)
    for name in TOKENIZER_FILES:
        if (owner / name).exists():
            shutil.copyfile(owner / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)  # no mixture of two tokenizers
    done = []
    if is_sentencepiece(folder):
        done += add_sentencepiece_file(folder, folders)
    return done + add_added_tokens(folder)


def tokenizer_owner(folders):
    """The first folder that has a tokenizer."""
    for folder in folders:
        if (folder / "tokenizer.json").exists() or (folder / "tokenizer.model").exists():
            return folder
    raise StepFailedError(
        f"No tokenizer is in {' or '.join(map(str, folders))}.",
        kind="FileNotFoundError",
        remedy="Save it there with tokenizer.save_pretrained(folder).",
    )


def is_sentencepiece(folder):
    """Whether tokenizer.json stands for a SentencePiece tokenizer: BPE or Unigram over text, not over bytes."""
    tokenizer = read_json(folder / "tokenizer.json")
    kind = (tokenizer.get("model") or {}).get("type")
    around = json.dumps([tokenizer.get("pre_tokenizer"), tokenizer.get("decoder")])
    return kind == "Unigram" or (kind == "BPE" and "ByteLevel" not in around)


def add_sentencepiece_file(folder, folders):
    """Copy tokenizer.model from whoever has it."""
    if (folder / "tokenizer.model").exists():
        return []
    for source in folders:
        if (source / "tokenizer.model").exists():
            shutil.copyfile(source / "tokenizer.model", folder / "tokenizer.model")
            return ["tokenizer.model copied"]
    raise StepFailedError(
        "This model's tokenizer is a SentencePiece one, and tokenizer.model is not in "
        f"{' or '.join(map(str, folders))}. "
        "Without it llama.cpp would split text into other tokens than the model was trained with.",
        kind="TokenizerError",
        remedy="Copy tokenizer.model from the original base model into the model's folder.",
    )


def add_added_tokens(folder):
    """Write the special tokens of tokenizer.json where the converter looks for them."""
    added = read_json(folder / "tokenizer.json").get("added_tokens")
    if not added:
        return []
    config = read_json(folder / "tokenizer_config.json")
    config["added_tokens_decoder"] = {
        str(token["id"]): {key: value for key, value in token.items() if key != "id"} for token in added
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2), "utf-8")
    return [f"{len(added)} added tokens listed"]


def read_json(file):
    """The file's JSON object; {} if there is no such file."""
    return json.loads(file.read_text("utf-8")) if file.exists() else {}
