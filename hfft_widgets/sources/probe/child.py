"""The child of a probe: builds a model without memory, gives it adapters, and writes down what they are.

Here alone torch, transformers and PEFT are imported. Code that a repository brings along is never run.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

# parts of a path that say: these layers read text
_READS_TEXT = ("language_model", "text_model")
# what PEFT refuses in models with a state space (its tuners/tuners_utils.py): their kernels go round those layers
_PER_HEAD = {"q_norm", "k_norm", "q_layernorm", "k_layernorm", "query_layernorm", "key_layernorm"}
_REFUSED_NAMES = ("out_proj", "conv1d")


class Linear(NamedTuple):
    """One linear layer, or the experts of one layer in one tensor.

    Attributes:
        name: The last part of its path.
        inputs: Numbers it takes.
        outputs: Numbers it gives.
        copies: How many are in it.
        experts: Whether a token passes only some of those like it.
        pictures: Whether it is of the part that reads pictures.
        packed: Whether it is experts in one tensor.
    """

    name: str
    inputs: int
    outputs: int
    copies: int
    experts: bool = False
    pictures: bool = False
    packed: bool = False


class Adapter(NamedTuple):
    """What PEFT made beside a layer: so many adapters of rank 1."""

    copies: int
    inputs: int
    outputs: int


def probe(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a `ModelProbe`, from a parsed config.json."""
    import torch

    described, family, name = _class_of(dict(given))
    versions = ", ".join(f"{package} {metadata.version(package)}" for package in ("transformers", "peft"))
    found: dict[str, Any] = {"versions": versions, "architecture": name}
    text = described.get_text_config(decoder=True)
    if family is None or _is_encoder(described, text):
        return {**found, "other_kind": f"a model of the class {name}, which does not continue texts"}
    with torch.device("meta"):
        model = family.from_config(described, trust_remote_code=False)
    found["architecture"] = type(model).__name__
    decoder = _decoder_path(model)
    linears = _linears(model, decoder)
    targets, adapters, refused = _adapted(model, decoder, linears)
    linears |= {  # what is no linear layer and gets an adapter: the router of experts
        path: Linear(path.rpartition(".")[0].rpartition(".")[2], made.inputs, made.outputs, 1)
        for path, made in adapters.items() if path not in linears
    }  # fmt: skip
    return {
        **found, **_dimensions(text, model, linears), **_sizes(model, decoder, text, linears),
        "linears": {"groups": _groups(linears, adapters), "share": _share(text)}, "targets": targets,
        "refused": refused,
    }  # fmt: skip


def _class_of(given: dict[str, Any]) -> tuple[Any, Any, str]:
    """The resolved configuration, the family that a training loads it with (None: none does), and its class's name."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

    kind = given.pop("model_type")
    given.pop("quantization_config", None)  # how a file is packed is not what the model is
    described = AutoConfig.for_model(kind, **given)
    named = (given.get("architectures") or [kind])[0]
    families = (AutoModelForImageTextToText, AutoModelForCausalLM)
    family = next((one for one in families if type(described) in one._model_mapping), None)  # noqa: SLF001 - its own test
    return described, family, str(named)


def _is_encoder(described: Any, text: Any) -> bool:
    """Encoders can be loaded as decoders too; their configurations say that they are none."""
    from transformers import AutoModelForMaskedLM

    masked = type(described) in AutoModelForMaskedLM._model_mapping  # noqa: SLF001 - the library's own test
    return bool(getattr(described, "is_encoder_decoder", False)) or (masked and not getattr(text, "is_decoder", True))


def _decoder_path(model: Any) -> str:
    """The path of the part that reads text, in a model that also reads pictures; "" where it is all of it."""
    if not getattr(model.config, "vision_config", None):
        return ""
    paths = (path for path, _ in model.named_modules() if path.rpartition(".")[2] in _READS_TEXT)
    return next(paths, "")


def _linears(model: Any, decoder: str) -> dict[str, Linear]:
    """All by their path; the output head left out."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings()
    found: dict[str, Linear] = {}
    for path, module in model.named_modules():
        name, pictures = path.rpartition(".")[2], not path.startswith(decoder)
        if isinstance(module, (nn.Linear, Conv1D)) and module is not head:
            turned = isinstance(module, Conv1D)
            shape = module.weight.shape if turned else module.weight.shape[::-1]
            experts = re.search(r"\bexperts\.\d+\.", path) is not None
            found[path] = Linear(name, int(shape[0]), int(shape[1]), 1, experts, pictures)
        for inner, weight in module.named_parameters(recurse=False):
            if weight.ndim == 3 and not isinstance(module, (nn.Conv1d, nn.Conv2d)) and "bias" not in inner:
                turned = bool(getattr(module, "is_transposed", False))
                inputs, outputs = weight.shape[1:] if turned else weight.shape[1:][::-1]
                sizes = int(inputs), int(outputs), int(weight.shape[0])
                found[f"{path}.{inner}"] = Linear(inner, *sizes, experts=True, pictures=pictures, packed=True)
    return found


def _adapted(
    model: Any, decoder: str, linears: Mapping[str, Linear]
) -> tuple[str | list[str], dict[str, Adapter], str]:
    """What to ask PEFT for, path -> adapters that it made, and why it refuses; the second time it is asked for less."""
    text = sorted({one.name for one in linears.values() if not (one.pictures or one.experts)})
    part = decoder.rpartition(".")[2]
    usual: str | list[str] = rf".*\b{part}\b.*\.({'|'.join(map(re.escape, text))})" if decoder else "all-linear"
    left = [name for name in text if name not in _REFUSED_NAMES]
    refused = ""
    for targets in (usual, left):
        try:
            return targets, _adapters(model, targets), refused
        except (ValueError, TypeError, RuntimeError, NotImplementedError) as error:
            refused = refused or " ".join(str(error).split())[:300]
    return usual, {}, refused


def _adapters(model: Any, targets: str | list[str]) -> dict[str, Adapter]:
    """Path -> adapters of rank 1 that PEFT makes there."""
    from peft import LoraConfig, get_peft_model

    wrapped = get_peft_model(model, LoraConfig(r=1, target_modules=targets, task_type="CAUSAL_LM"))
    try:
        return dict(_made(wrapped))
    finally:
        wrapped.unload()


def _made(wrapped: Any) -> Iterator[tuple[str, Adapter]]:
    for path, module in wrapped.named_modules():
        if "default" not in getattr(module, "lora_A", {}):
            continue
        place = path.removeprefix("base_model.model.").replace(".base_layer", "")
        if inner := getattr(module, "parameter_name", ""):  # of a parameter that holds all experts
            place = f"{place}.{inner}"
        first, second = module.lora_A["default"].weight.shape, module.lora_B["default"].weight.shape
        yield place, Adapter(int(first[0]), int(first[1]), int(second[0]))


def _groups(linears: Mapping[str, Linear], adapters: Mapping[str, Adapter]) -> list[dict[str, Any]]:
    counts: Counter[tuple[Any, ...]] = Counter()
    made: Counter[tuple[Any, ...]] = Counter()
    for path, one in linears.items():
        key = (*one[:3], one.experts, one.pictures, one.packed, path in adapters)
        counts[key] += one.copies
        made[key] += adapters[path].copies if path in adapters else 0
    return [
        {"name": key[0], "inputs": key[1], "outputs": key[2], "count": counts[key], "adapters": made[key],
         "experts": key[3], "pictures": key[4], "packed": key[5]}
        for key in counts
    ]  # fmt: skip


def _share(text: Any) -> float:
    """Experts that a token passes, as a share of all."""
    experts = _first(text, "num_experts", "num_local_experts", "n_routed_experts")
    passed = _first(text, "num_experts_per_tok", "top_k_experts", "moe_topk")
    return min(1.0, passed / experts) if experts and passed else 1.0


def _first(text: Any, *names: str) -> int:
    """The first of these values that the configuration has; of a list the largest, of one for each layer."""
    for name in names:
        value = getattr(text, name, None)
        if isinstance(value, (list, tuple)):
            value = max((one for one in value if isinstance(one, (int, float))), default=0)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value:
            return int(value)
    return 0


def _dimensions(text: Any, model: Any, linears: Mapping[str, Linear]) -> dict[str, Any]:
    hidden = _first(text, "hidden_size", "n_embd", "n_embed", "d_model")
    # a model without attention has none to count
    heads = _first(text, "num_attention_heads", "n_head") or 1
    kv_heads = _first(text, "num_key_value_heads") or heads
    names = {one.name for one in linears.values() if not one.pictures}
    return {
        "layers": _first(text, "num_hidden_layers", "n_layer", "n_layers"),
        "hidden_size": hidden,
        "intermediate_size": _passed_width(text, hidden, linears),
        "heads": heads,
        "kv_heads": kv_heads,
        "head_dim": _first(text, "head_dim") or max(1, hidden // heads),
        "vocabulary_size": int(model.get_input_embeddings().weight.shape[0]),
        "context_length": _first(text, "max_position_embeddings", "n_positions", "max_seq_len", "seq_length"),
        "tied_embeddings": model.get_output_embeddings().weight is model.get_input_embeddings().weight,
        "gated_mlp": bool(names & {"gate_proj", "gate_up_proj", "w1", "input_linear", "gate"}),
    }


def _passed_width(text: Any, hidden: int, linears: Mapping[str, Linear]) -> int:
    """Width of the MLP that a token passes: of its experts and the shared ones together."""
    usual = _first(text, "intermediate_size", "n_inner", "ffn_dim") or 4 * hidden
    experts = [one.inputs for one in linears.values() if one.experts and one.outputs == hidden]
    passed = _first(text, "num_experts_per_tok", "top_k_experts", "moe_topk")
    if not experts or not passed:
        return _first(text, "shared_intermediate_size") or usual
    alone = min(experts)
    shared = _first(text, "shared_intermediate_size", "shared_expert_intermediate_size")
    return passed * alone + (shared or alone * _first(text, "n_shared_experts"))


def _sizes(model: Any, decoder: str, text: Any, linears: Mapping[str, Linear]) -> dict[str, Any]:
    total, read = 0, 0
    head = model.get_output_embeddings().weight
    for path, parameter in model.named_parameters():
        total += parameter.numel()
        if not path.startswith(decoder) and parameter is not head:
            read += parameter.numel()
    experts = sum(one.inputs * one.outputs * one.copies for one in linears.values() if one.experts)
    layers = max(1, _first(text, "num_hidden_layers", "n_layer", "n_layers"))
    norms = [
        path.rpartition(".")[2] for path, module in model.named_modules()
        if "norm" in type(module).__name__.lower() and path.startswith(decoder)
    ]  # fmt: skip
    per_head = [name for name in norms if name in _PER_HEAD]
    return {
        "parameters": total,
        "active_parameters": round(total - (1 - _share(text)) * experts),
        "picture_parameters": read if decoder else 0,
        "norms": round((len(norms) - len(per_head)) / layers) or 1,
        "qk_norm": bool(per_head),
    }


def main(asked: str, answers: str) -> None:
    """Probe the configuration that is asked for; no answer is one that failed, and its last word says why."""
    config = json.loads(json.loads(Path(asked).read_text("utf-8"))["config"])
    Path(answers).write_text(f"{json.dumps(probe(config))}\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
