"""The model card, and what goes to the Hub: the model at the end, a checkpoint at a stop."""

import json
import math
import re
import time
from importlib.metadata import version
from pathlib import Path

from hfft_widgets.scripts.events import plain, tell
from hfft_widgets.scripts.resuming import LAST_CHECKPOINT

HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
FILE_KINDS = {"arrow", "csv", "imagefolder", "json", "pandas", "parquet", "text", "webdataset", "xml"}


def publish(trainer, plan, dataset):
    """Write the card and, if the training has a repository, push the model and take the checkpoint away there."""
    write_card(trainer, plan, dataset)
    if not trainer.args.push_to_hub:
        return
    tell("progress", message=f"Pushing the model to {trainer.hub_model_id}")
    patiently(trainer.push_to_hub)
    if trainer.is_world_process_zero():
        from huggingface_hub import delete_folder, list_repo_files

        if any(name.startswith(f"{LAST_CHECKPOINT}/") for name in list_repo_files(trainer.hub_model_id)):
            patiently(lambda: delete_folder(LAST_CHECKPOINT, trainer.hub_model_id, commit_message="Training is done"))


def keep_on_hub(trainer, checkpoint):
    """At a stop: upload the checkpoint and wait for it. The trainer's own push is skipped while another one runs."""
    if not trainer.args.push_to_hub or checkpoint is None or not trainer.is_world_process_zero():
        return
    from huggingface_hub import upload_folder

    trainer._finish_current_push()
    tell("progress", message=f"Pushing the last checkpoint to {trainer.hub_model_id}")
    message = f"Stopped at step {trainer.state.global_step}"
    upload_folder(
        repo_id=trainer.hub_model_id,
        folder_path=checkpoint,
        path_in_repo=LAST_CHECKPOINT,
        delete_patterns="*",
        commit_message=message,
    )


def patiently(push, waits=(5, 30)):
    """Push, and try again after a while: hours of training should not end with a hiccup of the network."""
    for wait in waits:
        try:
            return push()
        except Exception as error:  # noqa: BLE001 - the last try raises
            tell("progress", message=f"The push failed ({type(error).__name__}), another try in {wait} s")
            time.sleep(wait)
    return push()


# ---- The model card ------------------------------------------------------------------------------


def write_card(trainer, plan, dataset):
    """Write README.md: where the model comes from, how it was trained, what came out, how to use it.

    Args:
        trainer: What is said comes from it: its model, data and arguments as they are.
        plan: The plan as it once was, for what the trainer does not know: a licence.
        dataset: What was given to `load_dataset`.
    """
    if not trainer.is_world_process_zero():
        return
    folder = Path(trainer.args.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    text = card(
        what_ran(trainer, plan, dataset), trainer.hub_model_id, settings_used(trainer.args), trainer.state.log_history
    )
    (folder / "README.md").write_text(text, "utf-8")


def what_ran(trainer, plan, dataset):
    """Model, data and method of a trainer, as `card` takes them."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    name = str(getattr(model.config, "_name_or_path", "") or "a model")
    method = type(trainer).__name__.removesuffix("Trainer")
    base = shown_name(name)
    return {
        "title": f"{method} of {base}",
        "model": name,
        "method": method,
        "peft": adapters_of(model),
        "task_type": "SEQ_CLS" if method == "Reward" else "CAUSAL_LM",
        "data": data_of(trainer.train_dataset, dataset, plan.get("data") or {}),
        "license": plan.get("license") if plan.get("model") == name else None,
    }


def adapters_of(model):
    """How it learned: "none" (all weights), "lora", "qlora" (the frozen weights in 4 bits)."""
    if not getattr(model, "peft_config", None):
        return "none"
    return "qlora" if getattr(model, "is_loaded_in_4bit", False) else "lora"


def data_of(rows, given, planned):
    """Where rows come from: of the Hub by the folder they are kept in, else what `load_dataset` was given.

    Args:
        rows: The rows themselves.
        given: What stands in the script.
        planned: The data of the plan: a file that is still the planned one has the name that people gave it.
    """
    columns = list(rows.column_names)
    folders = [part for file in rows.cache_files for part in Path(file["filename"]).parts if "___" in part]
    if folders:
        name = folders[0].replace("___", "/", 1)
        return {"name": name, "reference": {"path": name}, "columns": columns}
    if not rows.info.builder_name:
        return {"name": "rows made by the script", "reference": {}, "columns": columns}
    files = given.get("data_files")
    path = str(given.get("path", ""))
    known = path == rows.info.builder_name or path.rpartition("/")[2] == rows.info.dataset_name
    name = files if isinstance(files, str) and known else path if known else rows.info.dataset_name
    if known and planned.get("reference") == given:
        name = planned.get("name")
    return {"name": str(name or "rows"), "reference": dict(given) if known else {}, "columns": columns}


def card(plan, repo, settings, history):
    """The text of the model card.

    Args:
        plan: The plan as JSON values. Names in it are anybody's, so they are quoted wherever they stand.
        repo: The repository on the Hub, or None.
        settings: Setting -> value.
        history: What the trainer logged.
    """
    model, data = shown(plan["model"]), shown(plan["data"]["name"])
    ways = {"none": f"All weights of {model}", "qlora": f"LoRA adapters of {model}, its weights in 4 bits,"}
    how = ways.get(plan["peft"], f"LoRA adapters of {model}") + " learned"
    title = repo.rsplit("/", 1)[-1] if repo else plan["title"]
    lines = ["---", *[f"{key}: {json.dumps(value)}" for key, value in card_header(plan).items()], "---"]
    lines += ["", f"# {quoted(title)}", "", f"{how} from {data}: {plan['method']} with TRL.", ""]
    lines += ["## Results on held-out rows", "", *results_table(history), "", *loss_curve(history), "## Settings", ""]
    lines += [
        "| setting | value |",
        "|---|---|",
        *[f"| {name} | {quoted(value)} |" for name, value in settings.items()],
    ]
    return "\n".join([*lines, *(usage(plan, repo) if repo else []), ""])


SHOWN_SETTINGS = (
    "learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay", "max_steps", "num_train_epochs",
    "per_device_train_batch_size", "gradient_accumulation_steps", "world_size", "max_length", "packing",
    "assistant_only_loss", "beta", "num_generations", "max_completion_length", "temperature", "optim", "bf16",
    "fp16", "seed",
)  # fmt: skip


def settings_used(args):
    """What the trainer really used, and with which versions."""
    unused = "num_train_epochs" if args.max_steps > 0 else "max_steps"  # one of them says how long it trains
    used = {name: getattr(args, name) for name in SHOWN_SETTINGS if hasattr(args, name) and name != unused}
    versions = {name: version(name) for name in ("torch", "transformers", "trl")}
    return {name: getattr(value, "value", value) for name, value in {**used, **versions}.items()}


def shown(name):
    """A model's or dataset's name as Markdown code; of a path on one machine its last part."""
    return quoted(shown_name(name))


def shown_name(name):
    """The name; of a path on one machine its last part."""
    return name if is_hub_id(name) else re.split(r"[\\/]", name.rstrip("\\/"))[-1]


def card_header(plan):
    """The machine-readable part of the card, without what is a file or folder of one machine."""
    header: dict = {"library_name": "transformers" if plan["peft"] == "none" else "peft"}
    if is_hub_id(plan["model"]):
        header["base_model"] = plan["model"]
        header["base_model_relation"] = "finetune" if plan["peft"] == "none" else "adapter"
    dataset = plan["data"]["reference"].get("path", "")
    if is_hub_id(dataset) and dataset not in FILE_KINDS:
        header["datasets"] = [dataset]
    if plan.get("license"):
        header["license"] = plan["license"]
    header["pipeline_tag"] = task(plan)
    header["tags"] = [
        "trl",
        plan["method"].lower(),
        "hfft-widgets",
        *([plan["peft"]] if plan["peft"] != "none" else []),
    ]
    return header


def is_hub_id(name):
    """Whether a model or dataset name is one of the Hub and no path on this machine."""
    return bool(HUB_ID.fullmatch(name)) and not Path(name).exists()


def task(plan):
    """What the model does, in the Hub's words."""
    # plans that were made before they said so name the method alone
    if plan.get("task_type", "SEQ_CLS" if "reward" in plan["method"].lower() else "") == "SEQ_CLS":
        return "text-classification"
    pictures = {"image", "images"} & set(plan["data"]["columns"])
    return "image-text-to-text" if pictures else "text-generation"


def results_table(history):
    """The first and the last evaluation side by side."""
    checks = [entry for entry in history if any(name.startswith("eval_") for name in entry)]
    if not checks:
        return ["There was no evaluation."]
    first, last = checks[0], checks[-1]
    measured = [name for name in last if name.startswith("eval_") and not name.endswith(("runtime", "per_second"))]
    head = f"| metric | step {first.get('step', 0)} | step {last.get('step', 0)} |"
    rows = [
        f"| {quoted(name.removeprefix('eval_'))} | {short(first.get(name))} | {short(last[name])} |"
        for name in measured
    ]
    return [head, "|---|---|---|", *rows]


SHOWN_POINTS, WIDEST_BAR, BAR = 12, 24, "\u2588"  # a full block


def loss_curve(history):
    """The held-out loss as it went, as rows with bars; nothing where first and last are all there is."""
    points = [(entry.get("step", 0), plain(entry["eval_loss"])) for entry in history if "eval_loss" in entry]
    points = [(step, loss) for step, loss in points if isinstance(loss, (int, float)) and math.isfinite(loss)]
    if len(points) < 3:
        return []
    best, highest = min(points, key=lambda point: point[1]), max(loss for _, loss in points) or 1.0
    spread = max(1, -(-len(points) // SHOWN_POINTS))
    shown = sorted({*points[::spread], best, points[-1]})
    rows = [
        f"| {step} | {short(loss)} | {BAR * round(WIDEST_BAR * max(0.0, loss) / highest)} |" for step, loss in shown
    ]
    head = ["| step | held-out loss | from zero |", "|---|---|---|", *rows]
    return [*head, "", f"It was lowest at step {best[0]}.", ""]


def short(value):
    """A number in four digits."""
    value = plain(value)
    return f"{value:.4g}" if isinstance(value, (int, float)) else str(value or "")


def quoted(value):
    """A value as Markdown code on one line: nothing in it is markup."""
    text = re.sub(r"[^ -~]|[`|]", " ", str(value)).strip()
    return f"`{text}`" if text else ""


def usage(plan, repo):
    """How to ask the model something, where that takes three lines."""
    if task(plan) != "text-generation":
        return []
    needs = "pip install transformers" if plan["peft"] == "none" else "pip install transformers peft"
    lines = ["", "## Use", "", f"`{needs}`", "", "```python", "from transformers import pipeline", ""]
    lines += [f'model = pipeline("text-generation", model={json.dumps(repo)})']
    return [*lines, 'print(model([{"role": "user", "content": "Hello!"}]))', "```"]
