"""Finding the checkpoint to go on from: on this disk, else on the Hub."""

import hashlib
import json
import math
import shutil
from pathlib import Path

from transformers.trainer_utils import get_last_checkpoint

from hfft_widgets.scripts.events import plain, tell

LAST_CHECKPOINT = "last-checkpoint"  # where the trainer keeps the newest checkpoint in a Hub repository


def newest_checkpoint(output_dir, hub_repo=None):
    """The newest complete checkpoint below the output folder, else the one on the Hub, else None.

    A folder that a kill cut short is renamed, so that the trainer neither resumes from it nor counts it.
    """
    newest = get_last_checkpoint(output_dir) if output_dir.is_dir() else None
    while newest and saved_state(newest) is None:
        set_aside(Path(newest))
        newest = get_last_checkpoint(output_dir)
    return newest or (hub_checkpoint(hub_repo, output_dir) if hub_repo else None)


def set_aside(checkpoint):
    """Rename a broken checkpoint; what starts with an underscore is never pushed."""
    aside = checkpoint.with_name(f"_broken-{checkpoint.name}")
    shutil.rmtree(aside, ignore_errors=True)
    checkpoint.rename(aside)


def saved_state(checkpoint):
    """The trainer's state in a checkpoint, or None. It is written last: with it, the checkpoint is complete."""
    try:
        return json.loads(Path(checkpoint, "trainer_state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None


def planned_steps(trainer):
    """How many steps this training makes in all."""
    args = trainer.args
    if args.max_steps > 0:
        return args.max_steps
    batches, accumulation = len(trainer.get_train_dataloader()), args.gradient_accumulation_steps
    return math.ceil(args.num_train_epochs * max(1, -(-batches // accumulation)))


def to_go_on(trainer, checkpoint, now, output_dir):
    """The checkpoint if it is of this very training, longer or not; None where something else is to be learned.

    Then what lies in the output folder is set aside, and what was changed is told.

    Raises:
        ValueError: The checkpoint is beyond the last step that is asked for.
    """
    state = saved_state(checkpoint)
    then = ((state.get("stateful_callbacks") or {}).get("Progress") or {}).get("attributes", {}).get("training")
    step, steps = state["global_step"], planned_steps(trainer)
    changed = differences(then, now) if then else []
    if any(not length for _, length in changed):
        aside = set_output_aside(output_dir)
        words = ", ".join(words for words, _ in changed)
        tell("progress", message=f"Changed: {words}. A new training starts; the earlier one is in {aside}")
        return None
    if step > steps:
        raise ValueError(
            f"{step} steps were made here before, and {steps} are asked for: there is nothing to do. Ask for more "
            f"steps to go on, or for another output folder than {output_dir} to begin anew."
        )
    words = ", ".join(words for words, _ in changed)
    if step == steps:
        message = f"All {steps} steps were made before, and nothing of it was changed: no step is made. To train anew, "
        tell("progress", message=f"{message}change a setting or delete {output_dir}")
    else:
        tell("progress", message=f"Going on from step {step} of {steps}{f'. Changed: {words}' if words else ''}")
    return checkpoint


def set_output_aside(output_dir):
    """Move what lies in the output folder into one beneath it, which is never pushed."""
    number = 1 + len(list(output_dir.glob("_earlier-*")))
    aside = output_dir / f"_earlier-{number}"
    aside.mkdir(parents=True)
    for path in output_dir.iterdir():
        if not path.name.startswith("_earlier-"):
            path.rename(aside / path.name)
    return aside


LENGTH = ("max_steps", "num_train_epochs")
# of the trainer's arguments those that change what is learned are all but these, by how they begin
NOT_LEARNED = (
    "output_dir", "run_name", "log", "eval", "per_device_eval", "save", "push_to_hub", "hub_", "report_to", "project",
    "trackio", "disable_tqdm", "dataloader_", "load_best", "metric_for", "greater_is", "include_", "prediction_loss",
    "ignore_data", "restore_callback", "use_cpu", "bf16", "fp16", "tf32", "activation_checkpointing",
    "full_determinism", "gradient_checkpointing", "torch_compile", "ddp_", "fsdp", "deepspeed", "accelerator", "do_",
    "local_rank", "debug", "num_generations_eval", "model_init_kwargs", "parallelism", "past_", "remove_unused",
    "skip_memory", "vllm_", "use_vllm",
)  # fmt: skip


def training_of(trainer):
    """What is learned, as JSON values, from the live objects: two trainings with the same ones learn the same."""
    settings = {
        name: plain(value) if isinstance(value, (bool, int, float, str, list, type(None))) else str(value)
        for name, value in trainer.args.to_dict().items()
        if not name.startswith(NOT_LEARNED)
    }
    model = trainer.accelerator.unwrap_model(trainer.model)
    adapters = getattr(model, "peft_config", {})
    config = getattr(model, "config", None)
    return {
        **settings,
        "model": [getattr(config, "_name_or_path", ""), getattr(config, "_commit_hash", None)],
        "data": digest_of_rows(trainer.train_dataset),
        "adapters": {name: _adapter(one) for name, one in adapters.items()},
        "rewards": [_function(one) for one in getattr(trainer, "reward_funcs", [])],
    }


def _adapter(config):
    modules = config.target_modules
    modules = sorted(modules) if isinstance(modules, (set, list, tuple)) else modules
    return [
        getattr(config, "r", None),
        getattr(config, "lora_alpha", None),
        getattr(config, "lora_dropout", None),
        modules,
    ]


def _function(reward):
    """A reward function's name and code."""
    code = getattr(reward, "__code__", None)
    text = repr((code.co_code, [one for one in code.co_consts if isinstance(one, (str, int, float))])) if code else ""
    return [getattr(reward, "__name__", str(reward)), hashlib.sha256(text.encode()).hexdigest()[:12]]


def digest_of_rows(rows):
    """A short name for what rows hold: their number, their columns, and up to 200 of them."""
    columns = [name for name in rows.column_names if name not in {"image", "images"}]
    some = rows.select_columns(columns).select(range(0, len(rows), max(1, len(rows) // 200)))
    text = json.dumps([len(rows), columns, [some[number] for number in range(len(some))]], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def differences(then, now):
    """What was changed from one training to another: (words, whether it is only their length)."""
    found = []
    for name in dict.fromkeys([*then, *now]):
        before, after = then.get(name), plain(now.get(name))
        if json.loads(json.dumps(before)) != json.loads(json.dumps(after)):
            worth_saying = name not in {"data", "adapters", "rewards"}
            before, after = (value[0] if name == "model" else value for value in (before, after))
            words = f"{name} from {before} to {after}" if worth_saying else f"the {name}"
            found.append((words, name in LENGTH))
    return found


def hub_checkpoint(repo, output_dir):
    """The checkpoint that an earlier run of this script left in its repository, downloaded, or None."""
    from huggingface_hub import list_repo_files, snapshot_download

    if not any(name.startswith(f"{LAST_CHECKPOINT}/") for name in list_repo_files(repo)):
        return None
    tell("progress", message=f"Fetching the last checkpoint from {repo}")
    folder = snapshot_download(repo, allow_patterns=f"{LAST_CHECKPOINT}/*", local_dir=output_dir / "_from_hub")
    state = saved_state(Path(folder, LAST_CHECKPOINT))
    if state is None:
        return None
    checkpoint = output_dir / f"checkpoint-{state['global_step']}"  # as if it had been made here
    Path(folder, LAST_CHECKPOINT).rename(checkpoint)
    return str(checkpoint)
