"""What a model folder needs so that llama.cpp's converter reads it rightly: tokenizer, template, configuration."""

import json
import re
import shutil
import struct
from pathlib import Path

from hfft_widgets.scripts.gguf.folders import TOKENIZER_FILES, local_folder, read_json, write_json
from hfft_widgets.scripts.gguf.subprocess_steps import StepFailedError

# `{% generation %}` marks the words that training learns from; most readers of a file do not know it.
GENERATION_TAG = re.compile(r"({%[-+]?\s*)(end)?generation(\s*[-+]?%})")


def repair(folder, sources, context=None):
    """Give the folder the trained model's tokenizer and what the converter needs beside it.

    Args:
        folder: The model folder to convert.
        sources: Folders or Hub ids that may hold the tokenizer, the trained model first; None is skipped.
        context: The most tokens that llama.cpp computes as the model was trained, where that is less than it says.

    Returns:
        What was done, in words.
    """
    folder = Path(folder)
    done = [*repair_tokenizer(folder, sources), *repair_template(folder), *repair_config(folder, context)]
    for words in done:
        print(f"Repaired: {words}", flush=True)
    return done


def repair_tokenizer(folder, sources):
    """The trained model's tokenizer, with what the converter needs of a SentencePiece one.

    transformers 5 saves neither `tokenizer.model` nor `added_tokens_decoder`. Without the first, the converter gives
    every token the same score; without the second, it takes chat markers for ordinary text. Both would go unnoticed.
    """
    folders = [local_folder(source, TOKENIZER_FILES) for source in sources if source]
    owner = tokenizer_owner(folders)
    for name in TOKENIZER_FILES[:-1]:
        if (owner / name).exists():
            shutil.copyfile(owner / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)  # no mixture of two tokenizers
    done = []
    if is_sentencepiece(folder):
        done += add_sentencepiece_file(folder, folders)
    elif read_json(folder / "config.json").get("model_type") == "phi3":
        # Phi-4 has a byte-level tokenizer, which the converter of this family knows by its class alone
        config = read_json(folder / "tokenizer_config.json")
        write_json(folder / "tokenizer_config.json", {**config, "tokenizer_class": "GPT2Tokenizer"})
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
    if not tokenizer:
        return (folder / "tokenizer.model").exists()
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
        remedy="Copy tokenizer.model from the original base model into the model's folder, or give that model as base.",
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
    write_json(folder / "tokenizer_config.json", config)
    return [f"{len(added)} added tokens listed"]


# ---- The chat template ---------------------------------------------------------------------------


def repair_template(folder):
    """One template, the one that transformers uses, without the tags of training.

    The converter prefers the one in tokenizer_config.json, transformers the one in chat_template.jinja.
    """
    config, file = read_json(folder / "tokenizer_config.json"), folder / "chat_template.jinja"
    inner, done = config.get("chat_template"), []
    template = file.read_text("utf-8") if file.exists() else default_template(inner)
    if template is None:
        return []
    if file.exists() and inner is not None and inner != template:
        done.append("the chat template of chat_template.jinja goes before another one in tokenizer_config.json")
    if GENERATION_TAG.search(template):
        done.append("{% generation %} taken out of the chat template")
    if done or isinstance(inner, list):
        write_json(folder / "tokenizer_config.json", {**config, "chat_template": plain_template(template)})
        file.unlink(missing_ok=True)
    return done


def default_template(inner):
    """The template of tokenizer_config.json that is used unless another one is asked for."""
    if not isinstance(inner, list):
        return inner
    named = {entry.get("name"): entry.get("template") for entry in inner}
    return named.get("default") or next(iter(named.values()), None)


def plain_template(template):
    """The template without the tags by which training finds the assistant's words; the blanks around them stay."""
    return GENERATION_TAG.sub(lambda tag: tag[1] + ("endif" if tag[2] else "if true") + tag[3], template)


# ---- The configuration ---------------------------------------------------------------------------


def repair_config(folder, context=None):
    """Keys that the converter still reads by the name they had before transformers 5, and the context that holds."""
    file = folder / "config.json"
    config = read_json(file)
    text = config.get("text_config", config)
    added = missing_keys(text)
    done = [f"{', '.join(added)} written for the converter"] if added else []
    if context and context < (text.get("max_position_embeddings") or 0):
        added["max_position_embeddings"] = context
        done.append(f"the file's context ends at {context} tokens")
    if added:
        text.update(added)
        write_json(file, config)
    return done


def missing_keys(text):
    """Keys of a language model's configuration, with their values, that the converter will look for and not find."""
    rope = text.get("rope_parameters") or {}
    missing = {
        "rotary_pct": rope.get("partial_rotary_factor", 1.0 if text.get("model_type") == "cohere2" else None),
        "rotary_emb_base": rope.get("rope_theta") if text.get("model_type") == "gpt_neox" else None,
        "n_ctx": text.get("n_positions"),
    }
    if text.get("model_type") == "falcon_h1":
        missing["head_dim"] = text.get("hidden_size", 0) // (text.get("num_attention_heads") or 1)
    return {key: value for key, value in missing.items() if value is not None and key not in text}


def weight_names(folder):
    """The names of all weights of a model folder, from the headers of its files; empty for another format."""
    names = set()
    for file in sorted(Path(folder).glob("*.safetensors")):
        with file.open("rb") as stream:
            names |= set(json.loads(stream.read(struct.unpack("<Q", stream.read(8))[0])))
    return names - {"__metadata__"}
