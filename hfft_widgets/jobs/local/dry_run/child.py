"""The child of a dry run: the very script, its trainer, collator and lengths; the model alone is tiny and random.

It runs as a program of its own. Each answer is a line, written when it is known, so that whoever waits sees how far it
is.
"""

from __future__ import annotations

import copy
import json
import math
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

# seconds that batches are looked at: longer epochs are told from their first part
_COUNTING_SECONDS = 20.0
_LAYERS, _WIDTH, _HEADS = 2, 64, 4
# of an answer that the tiny model writes: its random words say nothing
_ANSWER_TOKENS = 8


class Reached(BaseException):
    """The script has made its trainer."""

    def __init__(self, trainer: Any) -> None:
        super().__init__()
        self.trainer = trainer


def main(asked: str, answers: str) -> None:
    """Run the script as far as its trainer, count, and make one step."""
    given = json.loads(Path(asked).read_text("utf-8"))

    def tell(**values: Any) -> None:
        with Path(answers).open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")

    try:
        quietly()
        trainer = made(given["script"], given["rows"])
        tell(**counts(trainer), versions={name: metadata.version(name) for name in ("trl", "transformers", "torch")})
        tell(trained=trained(trainer))
        tell(loss=first_step(trainer))
    except Exception as error:  # noqa: BLE001 - whatever is raised is the answer
        said = f"{type(error).__name__}: {' '.join(str(error).split())}"[:600]
        tell(**{"not_tried" if is_of_this_machine(error) else "raised": said})


_OUT_OF_REACH = {"ConnectError", "ConnectTimeout", "ReadTimeout", "LocalEntryNotFoundError", "OfflineModeIsEnabled"}


def is_of_this_machine(error: BaseException | None) -> bool:
    """Whether it says nothing of the place where the plan is to run: a package, the network, or memory is missing."""
    while error is not None:
        missing = isinstance(error, (ImportError, MemoryError, ConnectionError, TimeoutError))
        if missing or type(error).__name__ in _OUT_OF_REACH:
            return True
        error = error.__cause__
    return False


def quietly() -> None:
    """No bars, one thread, and nothing is made on the Hub."""
    import datasets
    import torch
    import transformers

    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)  # more cost more than such a model's arithmetic
    for name in ("init_hf_repo", "_push_from_checkpoint", "push_to_hub"):
        setattr(transformers.Trainer, name, _nothing)


def _nothing(*_: Any, **__: Any) -> None:
    """In place of what would reach the Hub."""


def made(script: str, rows: int) -> Any:
    """The trainer that the script makes, with some of its rows.

    Args:
        script: Its file.
        rows: About how many rows the trainer gets at most: it reads all that it has before its first step.

    Raises:
        RuntimeError: It makes none where it usually does.
    """
    import transformers
    import trl.trainer.utils  # noqa: F401 - before its function is replaced where trainers hold it

    source = Path(script).read_text("utf-8")
    names: dict[str, Any] = {"__name__": "dry_run", "__file__": script}
    sys.argv = [script]
    exec(compile(source, script, "exec", dont_inherit=True), names)  # noqa: S102 - the plan's own script, as a launch runs it

    def reached(trainer: Any, *_: Any, **__: Any) -> None:
        raise Reached(trainer)

    names["train"] = reached
    for found in list(names.values()):
        if isinstance(found, type) and issubclass(found, transformers.Trainer):
            _give_few_rows(found, rows)
    _replace("create_model_from_path", tiny_model)
    _replace("get_peft_model", adapted)
    try:
        names["main"]()
    except Reached as found:
        return found.trainer
    except KeyError as error:
        if error.args == ("main",):
            raise RuntimeError("the script has no main()") from error
        raise
    raise RuntimeError("the script ended without a trainer")


def _give_few_rows(trainer: type, rows: int) -> None:
    """Some of all, from the first to the last; and no other program writes its answers."""
    begin = trainer.__init__  # type: ignore[misc]

    def begin_with_few(self: Any, *given: Any, **named: Any) -> None:
        for name in ("train_dataset", "eval_dataset"):
            if named.get(name) is not None:
                total = len(named[name])
                named[name] = named[name].select(range(0, total, -(-total // rows)))
                SHARE[name] = len(named[name]) / total
        if getattr(named.get("args"), "use_vllm", False):
            named["args"].use_vllm = False
        begin(self, *given, **named)

    trainer.__init__ = begin_with_few  # type: ignore[misc]


SHARE: dict[str, float] = {}
"""Of its rows that a trainer was given."""


def _replace(name: str, function: Any) -> None:
    """In every module of TRL that holds it."""
    for module in [one for path, one in sys.modules.items() if path.startswith("trl.")]:
        if name in vars(module):
            setattr(module, name, function)


ADAPTERS: list[Any] = []  # as the script describes them: PEFT writes the tiny model's layers into what it is given


def adapted(model: Any, peft_config: Any, *given: Any, **more: Any) -> Any:
    """The tiny model with the script's adapters, which are remembered."""
    from peft import get_peft_model

    ADAPTERS.append(copy.deepcopy(peft_config))
    return get_peft_model(model, peft_config, *given, **more)


def _class_of(config: Any, architecture: Any) -> Any:
    """What TRL would load: the class that is named, else the one that saved it."""
    import transformers

    named = getattr(transformers, (config.architectures or [""])[0], None)
    return architecture or named or transformers.AutoModelForCausalLM


def tiny_model(model_id: str, architecture: Any = None, **loading: Any) -> Any:
    """The architecture with few narrow layers and random weights; what only concerns the loading is left aside."""
    import torch
    from transformers import AutoConfig

    more = {name: loading[name] for name in ("num_labels",) if name in loading}
    config = narrow(AutoConfig.from_pretrained(model_id, **more))
    family = _class_of(config, architecture)
    torch.manual_seed(0)
    build = family.from_config if hasattr(family, "from_config") and "Auto" in family.__name__ else family._from_config  # noqa: SLF001
    model = build(config)
    model.config._name_or_path = model_id  # noqa: SLF001 - where the real one would be from
    return model


def narrow(config: Any) -> Any:
    """The same architecture, few layers, narrow; the vocabulary stays."""
    for part in _parts(config):
        kept = {name: getattr(part, name, None) for name in ("num_attention_heads", "num_key_value_heads", "head_dim")}
        heads = min(_HEADS, kept["num_attention_heads"] or _HEADS)
        ratio = max(
            1, (kept["num_attention_heads"] or 1) // (kept["num_key_value_heads"] or kept["num_attention_heads"] or 1)
        )
        sizes = {
            "num_hidden_layers": _LAYERS, "hidden_size": _WIDTH, "intermediate_size": 2 * _WIDTH,
            "moe_intermediate_size": _WIDTH, "num_attention_heads": heads,
            "num_key_value_heads": max(1, heads // min(heads, ratio)),
        }  # fmt: skip
        for name, size in sizes.items():
            if isinstance(getattr(part, name, None), int):
                setattr(part, name, size)
        if kept["head_dim"]:
            part.head_dim = _WIDTH // heads
        for name in ("layer_types", "mlp_layer_types"):
            if isinstance(getattr(part, name, None), list):
                setattr(part, name, _few(getattr(part, name)))
    pictures = getattr(config, "vision_config", None)  # no row has any: it only has to be there
    for name in ("num_hidden_layers", "depth"):
        if isinstance(getattr(pictures, name, None), int):
            setattr(pictures, name, 1)
    return config


def _parts(config: Any) -> Iterator[Any]:
    text = config.get_text_config(decoder=True)
    yield text
    if config is not text:
        yield config


def _few(kinds: list[str]) -> list[str]:
    """One layer of each kind, as many as there are layers."""
    different = list(dict.fromkeys(kinds))
    return (different + kinds)[:_LAYERS] if len(different) < _LAYERS else different[:_LAYERS]


# ---- what it would do ------------------------------------------------------------------------


def counts(trainer: Any) -> dict[str, Any]:
    """Rows, steps and tokens of one epoch as the trainer's own sampler and collator make them."""
    batches, args = trainer.get_train_dataloader(), trainer.args
    share, seen, tokens, longest, began = SHARE.get("train_dataset", 1.0), 0, 0, 0, time.monotonic()
    for batch in batches:
        size, width = _tokens(batch)
        seen, tokens, longest = seen + 1, tokens + size, max(longest, width)
        if time.monotonic() - began > _COUNTING_SECONDS:
            break
    each = tokens / max(1, seen)
    accumulated = args.gradient_accumulation_steps
    total = round(len(batches) / share)
    per_epoch = max(1, -(-total // accumulated))
    known = tokens > 0
    return {
        "rows": round(len(trainer.train_dataset) / share),
        "steps": args.max_steps if args.max_steps > 0 else math.ceil(args.num_train_epochs * per_epoch),
        "tokens": round(each * total) if known else None,
        "step_tokens": each * accumulated if known else None,
        "longest": longest,
        "counted": seen / max(1, total),
    }


def _tokens(batch: Any) -> tuple[int, int]:
    """All tokens of a batch that reach the model, padding included, and its width; 0 of prompts not yet answered."""
    if not hasattr(batch, "items"):
        return 0, 0
    found = [value for name, value in batch.items() if name.endswith("input_ids") and hasattr(value, "numel")]
    return sum(one.numel() for one in found), max((int(one.shape[-1]) for one in found), default=0)


def trained(trainer: Any) -> int | None:
    """Parameters that the real model would train: built without memory, with the very adapters of the script."""
    import torch
    from peft import get_peft_model
    from transformers import AutoConfig

    name = trainer.model.config._name_or_path  # noqa: SLF001 - where the script's model is from
    config = AutoConfig.from_pretrained(name, num_labels=getattr(trainer.model.config, "num_labels", 2))
    base = getattr(trainer.model, "get_base_model", lambda: trainer.model)()
    with torch.device("meta"):
        model = type(base)._from_config(config)  # noqa: SLF001 - as TRL's loading does
    if ADAPTERS:
        model = get_peft_model(model, ADAPTERS[0])
    return int(sum(one.numel() for one in model.parameters() if one.requires_grad))


def first_step(trainer: Any) -> float | None:
    """The loss of one step with the trainer's own batch."""
    args = trainer.args
    args.max_steps, args.eval_strategy, args.save_strategy, args.eval_on_start = 1, "no", "no", False
    args.logging_steps, args.report_to, args.push_to_hub = 1, [], False
    if generation := getattr(trainer, "generation_config", None):
        generation.max_new_tokens = _ANSWER_TOKENS
    found = trainer.train().training_loss
    return float(found) if math.isfinite(found) else None


if __name__ == "__main__":
    main(*sys.argv[1:])
