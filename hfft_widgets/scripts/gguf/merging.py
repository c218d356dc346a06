"""An adapter, or a chain of them, added up with its base model, and the proof that the sum is what was trained."""

import json
import re
import shutil
import struct
import warnings
from pathlib import Path

from hfft_widgets.scripts.gguf.extras.importance import collect
from hfft_widgets.scripts.gguf.extras.mapped import SHARD, merge_into_files, short_of_memory
from hfft_widgets.scripts.gguf.folders import local_folder, read_json
from hfft_widgets.scripts.gguf.loading import Original
from hfft_widgets.scripts.gguf.sameness import fingerprints, refuse_unchanged
from hfft_widgets.scripts.gguf.subprocess_steps import STEPS, StepFailedError, say
from hfft_widgets.scripts.gguf.truth import (
    apart,
    computed,
    embedding_rows,
    has_experts,
    keep_truth,
    load_whole,
    refuse_apart,
    refuse_no_numbers,
    row_marks,
    texts_of,
    training_ids,
)

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")


def merge(adapters, base, dtype, folder, truth, prompt, unchanged_too=False, importance=None, questions=()):
    """Add adapters to their base model and save the sum, if it says what the trained model says.

    Args:
        adapters: Folders or Hub ids, in the order in which they were trained; the last is the trained model.
        base: The model the first was trained on, not quantized.
        dtype: Number format of the base's weights, e.g. "bfloat16"; "auto" takes what is saved.
        folder: Where the merged model goes.
        truth: File for what the trained model says, unmerged.
        prompt: What the file will be asked.
        unchanged_too: Whether a sum that is the base itself is fine.
        importance: File for an importance matrix of the questions' texts, or None.
        questions: Rows of the training's `answers` event.

    Returns:
        dtype, untied, beginning (of `Original`), importance (of `collect`, or None), and `merge`: how far the merged
        model is from the trained one.
    """
    say(share=0.02, message="Loading the base model")
    short = Path(base).is_dir() and short_of_memory(base)
    spilled = Path(folder).with_name("merged-weights") if short else None
    whole = load_whole(base, dtype)
    before = fingerprints(whole)
    for number, adapter in enumerate(adapters[:-1]):
        say(message="Merging what was trained first")
        whole, _ = merged(tuned_model(whole, adapter), spilled and spilled / str(number))
    tuned = tuned_model(whole, adapters[-1])
    say(share=0.5, message="Computing what the trained model says")
    original = Original([*reversed(adapters), base])
    texts = texts_of(original, prompt, tuned.get_base_model())
    said = computed(tuned, texts)
    refuse_no_numbers(said)
    say(share=0.65, message="Adding the adapter to the base model")
    whole, untied = merged(tuned, spilled and spilled / "last")
    keep_truth(truth, texts, said, experts=has_experts(whole), rows=row_marks(whole))
    refuse_unchanged(before, fingerprints(whole), unchanged_too)
    found = apart(said, computed(whole, texts), experts=has_experts(whole))
    refuse_apart(
        found, "The merged model is not the trained one", "Train a LoRA adapter without what peft cannot merge."
    )
    seen = collect(whole, training_ids(original, questions), importance) if importance else None
    say(share=0.85, message="Saving the merged model")
    whole.save_pretrained(folder, **({"max_shard_size": SHARD} if short else {}))
    if spilled:
        shutil.rmtree(spilled, ignore_errors=True)
    told = {"untied": untied, "beginning": original.beginning(), "importance": seen}
    return {"dtype": str(whole.dtype).removeprefix("torch."), **told, "merge": found}


STEPS["merge"] = merge


def tuned_model(whole, adapter):
    """The base with the adapter on it, as it was trained; refuses one that does not fit."""
    from peft import PeftModel
    from peft.utils import load_peft_weights

    folder = local_folder(adapter, ADAPTER_FILES)
    resize(whole, adapter_rows(whole, folder))
    with warnings.catch_warnings():
        # peft only warns here, and would go on with an adapter that changes nothing
        warnings.filterwarnings("error", message="Found missing adapter keys")
        try:
            tuned = PeftModel.from_pretrained(whole, str(folder))
        except RuntimeError as error:
            if "size mismatch" not in str(error):
                raise
            raise other_base(
                next(line.strip() for line in str(error).splitlines() if "size mismatch" in line)
            ) from error
    refuse_misfit(load_peft_weights(str(folder), device="cpu"), tuned)
    return tuned


def other_base(why):
    """The error for an adapter that was trained on another model."""
    return StepFailedError(
        f"The adapter was not trained on this base model: {why}",
        kind="ValueError",
        remedy="Set BASE to the very model that the adapter was trained on; in Python: plan_export(..., base=...).",
    )


def refuse_misfit(saved, tuned):
    """Refuse an adapter with weights that found no place in the base model, or a base with places for more."""
    from peft import get_peft_model_state_dict

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        places = set(get_peft_model_state_dict(tuned))
    # embeddings and heads that were saved whole, after tokens were added, stand in the base itself
    whole = {bare(f"base_model.model.{name}") for name in tuned.get_base_model().state_dict()}
    unused = sorted(
        name for name in set(saved) - places if bare(name) not in whole and not is_copy(name, saved, places)
    )
    if unused:
        raise other_base(f"{len(unused)} of {len(saved)} adapter weights do not belong to it, e.g. {unused[0]}.")
    empty = sorted(name for name in places - set(saved) if ".base_layer." not in name)
    if empty:
        raise other_base(f"it has {len(empty)} places that the adapter holds no weight for, e.g. {empty[0]}.")


def is_copy(name, saved, places):
    """Whether a weight is saved a second time, as those of a tied head are, and its first self has a place."""
    import torch

    others = (saved[other] for other in places & set(saved) if saved[other].shape == saved[name].shape)
    return any(torch.equal(saved[name], other) for other in others)


def bare(name):
    """The name of a weight without what peft puts in where it keeps an original beside a trained copy."""
    return re.sub(r"\.(?:modules_to_save\.default|modules_to_save|original_module)\.", ".", name)


# ---- Added tokens --------------------------------------------------------------------------------


def adapter_rows(whole, folder):
    """How many tokens the adapter has rows for; None if it holds no rows of its own, 0 if they are not all there."""
    shapes = saved_shapes(folder)
    names = {id(module): name for name, module in whole.named_modules()}
    spoken, said = (names.get(id(part)) for part in (whole.get_input_embeddings(), whole.get_output_embeddings()))
    rows = [shape[0] for key, shape in shapes.items() if key.endswith((f".{spoken}.weight", f".{said}.weight"))]
    rows += [shape[1] for key, shape in shapes.items() if key.endswith(f".{spoken}.lora_embedding_A")]
    rows += [shape[0] for key, shape in shapes.items() if key.endswith(f".{said}.lora_B.weight")]
    trained = read_json(folder / "adapter_config.json").get("trainable_token_indices") or []
    trained = [token for one in (trained.values() if isinstance(trained, dict) else [trained]) for token in one]
    return max([*rows, *(token + 1 for token in trained if token >= embedding_rows(whole))], default=None)


def saved_shapes(folder):
    """Name -> shape of each weight of an adapter, from the header of its file."""
    file = folder / "adapter_model.safetensors"
    if file.exists():
        with file.open("rb") as stream:
            header = json.loads(stream.read(struct.unpack("<Q", stream.read(8))[0]))
        return {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}
    from peft.utils import load_peft_weights

    return {name: list(weight.shape) for name, weight in load_peft_weights(str(folder), device="cpu").items()}


def resize(whole, rows):
    """Give the base the rows that it had when the adapter was trained; the adapter brings what stands in them."""
    if rows is not None and rows != embedding_rows(whole):
        say(message=f"Resizing the base model from {embedding_rows(whole)} to {rows} tokens")
        whole.resize_token_embeddings(rows, mean_resizing=False)


# ---- Merging -------------------------------------------------------------------------------------


def merged(tuned, spilled=None):
    """The sum, and whether its head had to be parted from its embedding.

    Args:
        tuned: The base with the adapter on it.
        spilled: Where memory is short, a folder for the weights that change.
    """
    base = tuned.get_base_model()
    parted = part_head(base)
    if spilled:
        merge_into_files(tuned, spilled)  # what is merged already is not merged again
    whole = tuned.merge_and_unload(safe_merge=True)  # safe: refuses weights that are not numbers
    return whole, parted and not tie_again(whole)


def part_head(base):
    """Give the head a matrix of its own where an adapter works on it or on the embedding that it shares.

    Both would be added to the one matrix otherwise, and each would change what the other computes.
    """
    import torch

    spoken, said = base.get_input_embeddings(), base.get_output_embeddings()
    if said is None or not base.config.get_text_config().tie_word_embeddings:
        return False
    if not any(hasattr(part, "base_layer") or hasattr(part, "modules_to_save") for part in (spoken, said)):
        return False
    head = getattr(said, "base_layer", getattr(said, "original_module", said))
    head.weight = torch.nn.Parameter(head.weight.detach().clone(), requires_grad=False)
    set_tied(base, False)
    return True


def tie_again(whole):
    """Tie the head again where the sum came out the same; returns whether it did."""
    import torch

    spoken, said = whole.get_input_embeddings(), whole.get_output_embeddings()
    if not torch.equal(spoken.weight, said.weight):
        return False
    said.weight = spoken.weight
    set_tied(whole, True)
    return True


def set_tied(model, tied):
    """Write it in the configuration, where the loader and the converter read it."""
    for config in {id(c): c for c in (model.config, model.config.get_text_config())}.values():
        config.tie_word_embeddings = tied
    if not tied:
        model.all_tied_weights_keys = {}
        for module in model.modules():
            if getattr(module, "_tied_weights_keys", None):
                module._tied_weights_keys = {}  # it would leave one of the two out when it saves
