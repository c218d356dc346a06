"""The public verbs: they gather what the core needs, call it, and return its results.

report = hfft.validate(data, model=...)        data  -> ValidationReport
plan   = hfft.plan_training(model, report)     plan  -> TrainingPlan
run    = hfft.launch(plan)                     run   -> Run
export = hfft.plan_export(run)                 export -> ExportPlan; hfft.launch(export)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Everything else is imported where it is used: the widgets import this module, and a notebook opens with them.
if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.core.export.plan import ExportPlan
    from hfft_widgets.core.plan.estimate import Estimate
    from hfft_widgets.core.plan.flavors import Flavor
    from hfft_widgets.core.plan.settings import DataFacts
    from hfft_widgets.core.plan.training import TrainingPlan
    from hfft_widgets.jobs.base import Submission
    from hfft_widgets.jobs.run import Run

TOKEN_SAMPLE = 1000
SAMPLE = "sample:"  # "sample:messages" and its kind name the data and the model made on this machine

Model = str | Path


def validate(
    data: Any,
    *,
    model: Model | None = None,
    config: str | None = None,
    split: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ValidationReport:
    """Whether a dataset can be trained on, with which method, and which rows hurt.

    Args:
        data: Hub id, file (JSON, JSONL, Parquet, CSV), `Dataset`, `DatasetDict`, DataFrame, list of dicts, or
            "sample:" and a kind of `hfft.samples.dataset`.
        model: Hub id or folder of the model that shall learn; its chat template decides what it can read.
        config: Configuration of a Hub dataset that has several.
        split: Split to use; "train" where there is one.
        progress: Called with (rows done, rows in all; 0 if not known).

    Raises:
        DataError: The data cannot be opened, or holds no row.
        ModelError: The model cannot be read.
    """
    from hfft_widgets import samples
    from hfft_widgets.core.data.report import validate_rows
    from hfft_widgets.sources.rows import open_rows

    if isinstance(data, str) and data.startswith(SAMPLE):
        data = samples.dataset(data.removeprefix(SAMPLE))
    source = open_rows(data, config=config, split=split, progress=progress)
    if source.reference is None:
        source = source.materialize()
    template = None if model is None else _folder(model)[0].chat_template or ""
    return validate_rows(
        source.rows,
        name=source.name,
        reference=source.reference,
        model=str(model) if model is not None else None,
        template=template,
        progress=progress,
    )


def plan_training(
    model: Model,
    report: ValidationReport,
    *,
    goal: str | None = None,
    method: str | None = None,
    peft: str | None = None,
    flavor: str | None = None,
    push_to: str | None = None,
    allow_large: bool = False,
    **settings: Any,
) -> TrainingPlan:
    """What will run, where, what it takes and why.

    Args:
        model: Hub id or folder of the model that learns.
        report: From `validate`, with mappings and fixes applied; of another model it is validated again.
        goal: "instruction following", "preferences" or "verifiable reasoning".
        method: "SFT", "DPO" or "GRPO"; overrides the goal.
        peft: "lora" or "none"; chosen by rule if not given.
        flavor: "local" or a flavor of Hugging Face Jobs; chosen by rule if not given.
        push_to: Hub repository for the result.
        allow_large: Plan models of 8 billion parameters and more.
        **settings: Any of `Settings`, by name, e.g. `num_train_epochs=1`.

    Raises:
        PlanError: No sound plan exists; the message says what would help.
        ModelError: The model cannot be read.
    """
    from hfft_widgets.core.plan.recommend import Wishes, choose_method, recommend
    from hfft_widgets.sources.models import token_counter

    folder, reference, local = _folder(model)
    facts = folder.facts(reference, local=local)
    if report.model != str(model):
        report = report.for_model(str(model), folder.chat_template or "")
    wishes = Wishes(goal, method, peft, flavor, push_to, allow_large, settings)
    chosen, _ = choose_method(report, goal, method)
    data = _data_facts(report, chosen, token_counter(folder.path))
    return recommend(facts, report, data, _machines(), wishes)


def estimate(
    model: Model | Mapping[str, Any],
    *,
    method: str = "SFT",
    peft: str = "lora",
    lora_r: int = 16,
    batch_size: int = 8,
    accumulation: int = 1,
    max_length: int = 1024,
    rows: int = 1000,
    tokens_per_row: float | None = None,
    epochs: float = 1,
    checkpointing: bool = True,
    flavor: str = "t4-small",
) -> Estimate:
    """Memory, time and price of a training, without a plan.

    Args:
        model: Hub id, folder, or a config.json as a mapping.
        method: "SFT", "DPO" or "GRPO".
        peft: "lora" or "none".
        lora_r: Rank of the adapters.
        batch_size: Rows per device and micro step.
        accumulation: Micro steps per optimizer step.
        max_length: Longest row in tokens.
        rows: Rows in one epoch.
        tokens_per_row: Mean tokens of a row; `max_length` if not given.
        epochs: Passes over the data.
        checkpointing: Whether activations are recomputed.
        flavor: "local" or a flavor of Hugging Face Jobs.
    """
    from hfft_widgets.core.plan.estimate import Work, estimate_work
    from hfft_widgets.core.plan.model import model_facts
    from hfft_widgets.errors import PlanError

    if isinstance(model, Mapping):
        facts = model_facts(model, reference=str(model.get("_name_or_path", "model")))
    else:
        folder, reference, local = _folder(model)
        facts = folder.facts(reference, local=local)
    machine = {m.name: m for m in _machines()}.get(flavor)
    if machine is None:
        raise PlanError(
            f"Unknown flavor {flavor!r}.", remedy=f"Choose one of {', '.join(m.name for m in _machines())}."
        )
    work = Work(
        method=method, lora_r=lora_r if peft == "lora" else 0, batch_size=batch_size, accumulation=accumulation,
        tokens_per_row=tokens_per_row or max_length, max_length=max_length, rows=rows, epochs=epochs,
        checkpointing=checkpointing,
    )  # fmt: skip
    return estimate_work(facts, work, machine)


def plan_export(
    source: Run | Model, *, quantization: str = "Q4_K_M", name: str | None = None, prompt: str | None = None
) -> ExportPlan:
    """How a trained model becomes one GGUF file that llama.cpp answers with.

    Args:
        source: A finished training run, a model or adapter folder, or a Hub id.
        quantization: "Q4_K_M" (the usual choice), "Q8_0", "F16" and others the plan lists.
        name: Name of the file; the model's name if not given.
        prompt: What to ask the exported model; a held-out prompt of the run if not given.

    Raises:
        ExportError: The run is not finished, or the model cannot be converted.
        ModelError: The model cannot be read.
    """
    from hfft_widgets.core.export.plan import make_export_plan
    from hfft_widgets.jobs.run import Run
    from hfft_widgets.sources import llama_cpp
    from hfft_widgets.sources.models import read_folder

    run_plan: Mapping[str, Any] = {}
    if isinstance(source, Run):
        run_plan, path = source.plan, _trained_folder(source)
        prompt = prompt or _held_out_prompt(source)
        name = name or _name_after(run_plan)
        folder = read_folder(path)
    else:
        folder, _, _ = _folder(source, weights=True)
    base = folder.adapter_config.get("base_model_name_or_path") if folder.adapter_config else run_plan.get("model")
    base_folder = _folder(str(base), weights=True)[0] if base else None
    return make_export_plan(
        model=str(folder.path),
        config=folder.config or (base_folder.config if base_folder else {}),
        adapter_config=folder.adapter_config,
        base=str(base_folder.path) if base_folder else None,
        parameters=(base_folder or folder).facts().parameters if folder.adapter_config else folder.facts().parameters,
        files=folder.files,
        base_files=base_folder.files if base_folder else (),
        quantization=quantization,
        name=name,
        prompt=prompt,
        quantizer_available=llama_cpp.quantizer_available(),
        supported=llama_cpp.supported_architectures(),
    )


def launch(plan: TrainingPlan | ExportPlan, on: str = "local", *, max_usd: float | None = None) -> Run:
    """Start a plan and return its run at once.

    Args:
        plan: A training or export plan.
        on: "local" for this machine.
        max_usd: The most it may cost; not needed on this machine.

    Raises:
        LaunchError: It was not started; nothing runs.
        MissingExtraError: A package it needs is not installed.
    """
    from hfft_widgets.errors import LaunchError
    from hfft_widgets.jobs import index

    del max_usd  # this machine costs nothing
    if on != "local":
        raise LaunchError(f"Runs cannot be started on {on!r} yet.", remedy='Use on="local".')
    return index.launch(_submission(plan), on=on)


def runs() -> list[Run]:
    """All runs known on this machine, the newest first."""
    from hfft_widgets.jobs import index

    return index.runs()


def attach(run_id: str) -> Run:
    """The run with this id, wherever it was started from.

    Raises:
        RunNotFoundError: No run has this id; the message lists those there are.
    """
    from hfft_widgets.jobs import index

    return index.attach(run_id)


# ---- gathering ---------------------------------------------------------------------------------


def _machines() -> tuple[Flavor, ...]:
    from hfft_widgets.core.plan.flavors import FLAVORS
    from hfft_widgets.sources.machine import this_machine

    return (this_machine(), *FLAVORS)


def _folder(model: Model, *, weights: bool = False) -> tuple[Any, str, bool]:
    """The model's folder, what scripts call it, and whether it is on this machine."""
    from hfft_widgets import samples
    from hfft_widgets.errors import ModelError
    from hfft_widgets.sources.models import read_folder

    if model == SAMPLE + "model":
        model = samples.model()
    if isinstance(model, Path) or Path(model).expanduser().is_dir():
        folder = read_folder(model)
        return folder, str(folder.path), True
    if not model.strip() or model.startswith((".", "/", "~", "\\")):
        raise ModelError(
            f"There is no folder {model!r}.", remedy="Give a model folder, or a Hub id such as Qwen/Qwen3-0.6B."
        )
    from hfft_widgets.hub.models import fetch_model

    return read_folder(fetch_model(model, weights=weights)), model, False


def _data_facts(
    report: ValidationReport, method: str, counter: Callable[[Iterable[str]], list[int]] | None
) -> DataFacts:
    from hfft_widgets.core.plan.measure import measure_rows

    rows = report.rows_for(method)
    return measure_rows(rows, report=report, method=method, counter=counter, sample=TOKEN_SAMPLE)


def _submission(plan: TrainingPlan | ExportPlan) -> Submission:
    from hfft_widgets.jobs.base import Submission

    values = plan.to_dict()
    return Submission(
        kind=values["kind"],
        title=plan.title,
        script=plan.script,
        plan=values,
        fingerprint=plan.fingerprint,
        disk_bytes=plan.disk_bytes,
        modules=plan.modules,
    )


def _trained_folder(run: Run) -> Path:
    from hfft_widgets.core.run.stage import Stage
    from hfft_widgets.errors import ExportError

    run.refresh()
    if run.kind != "training":
        raise ExportError(f"{run.id} is an export, not a training.", remedy="Give the training run, or a model folder.")
    if run.stage is not Stage.COMPLETED or run.output is None:
        raise ExportError(
            f"{run.id} has no finished model: its stage is {run.stage}.",
            remedy="Wait for it with run.wait(), or give the folder of a checkpoint.",
        )
    return Path(run.output)


def _held_out_prompt(run: Run) -> str | None:
    rows = run.journal.data("answers").get("rows") or []
    learned = [row for row in rows if row.get("after") == row.get("expected")]
    chosen = (learned or rows or [{}])[0].get("prompt")
    return chosen if isinstance(chosen, str) else None


def _name_after(plan: Mapping[str, Any]) -> str | None:
    model = str(plan.get("model", "")).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return f"{model}-{plan.get('method', 'tuned')}" if model else None
