"""The public verbs: they gather what the core needs, call it, and return its results.

report = hfft.validate(data, model=...)        data  -> ValidationReport
plan   = hfft.plan_training(model, report)     plan  -> TrainingPlan
run    = hfft.launch(plan)                     run   -> Run
export = hfft.plan_export(run)                 export -> ExportPlan; hfft.launch(export)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Everything else is imported where it is used: the widgets import this module, and a notebook opens with them.
if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.core.export.plan import ExportPlan
    from hfft_widgets.core.plan.estimate import Estimate
    from hfft_widgets.core.plan.flavors import Flavor
    from hfft_widgets.core.plan.training import TrainingPlan
    from hfft_widgets.hub.preflight import Check
    from hfft_widgets.jobs.ceiling import Ceiling
    from hfft_widgets.jobs.run import Run
    from hfft_widgets.sources.rows import Source

SAMPLE = "sample:"  # "sample:messages" and its kind name the data and the model made on this machine

Model = str | Path


def validate(
    data: Any,
    *,
    model: Model | None = None,
    config: str | None = None,
    split: str | None = None,
    sample: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ValidationReport:
    """Whether a dataset can be trained on, with which method, and which rows hurt.

    Args:
        data: Hub id, file (JSON, JSONL, Parquet, CSV), `Dataset`, `DatasetDict`, DataFrame, list of dicts, or
            "sample:" and a kind of `hfft.samples.dataset`.
        model: Hub id or folder of the model that shall learn; its chat template decides what it can read.
        config: Configuration of a Hub dataset that has several.
        split: Split to use; "train" where there is one.
        sample: Of a Hub dataset only the first rows, without a download: an answer in seconds, that says what only
            all rows can tell. `report.full()` looks at all of them.
        progress: Called with (rows done, rows in all; 0 if not known); what it raises ends the validation.

    Raises:
        DataError: The data cannot be opened, or holds no row.
        HubError: The Hub cannot be reached.
        ModelError: The model cannot be read.
    """
    from hfft_widgets import samples
    from hfft_widgets.hub.viewer import Viewer
    from hfft_widgets.sources.rows import open_rows

    if isinstance(data, str) and data.startswith(SAMPLE):
        data = samples.dataset(data.removeprefix(SAMPLE))
    source = open_rows(data, config=config, split=split, sample=sample, viewer=Viewer(), progress=progress)
    return _validated(source, model, progress)


def splits(data: Any) -> dict[str, list[str]]:
    """What can be chosen of a dataset: configuration -> its splits.

    Raises:
        DataError: There is no such dataset.
        HubError: The Hub cannot be reached.
    """
    from hfft_widgets.hub.viewer import Viewer
    from hfft_widgets.sources.rows import choices

    return {} if isinstance(data, str) and data.startswith(SAMPLE) else choices(data, Viewer())


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
    max_usd: float | None = None,
    image: str | None = None,
    **settings: Any,
) -> TrainingPlan:
    """What will run, where, what it takes and why.

    Args:
        model: Hub id or folder of the model that learns.
        report: From `validate`, with mappings and fixes applied; of another model it is validated again.
        goal: "instruction following", "preferences" or "verifiable reasoning".
        method: "SFT", "DPO", "GRPO", "KTO", "Reward" or "RLOO"; overrides the goal.
        peft: "lora" or "none"; chosen by rule if not given.
        flavor: "local" or a flavor of Hugging Face Jobs; chosen by rule if not given.
        push_to: Hub repository for the result.
        allow_large: Plan models of 8 billion parameters and more.
        max_usd: The most it may cost; a plan that may cost more says so, `plan.within(usd=...)` makes it shorter.
        image: The container a job runs in, with `uv` in it; the one this package is tested with if not given.
        **settings: Any of `Settings`, by name, e.g. `num_train_epochs=1`.

    Raises:
        ModelTooLargeError: A model of 8 billion parameters or more, without `allow_large`; its `refusal` is a card.
        PlanError: No sound plan exists; the message says what would help.
        ModelError: The model cannot be read.
    """
    from hfft_widgets.core.plan.measure import data_facts
    from hfft_widgets.core.plan.recommend import Wishes, choose_method, recommend
    from hfft_widgets.hub.jobs_api import IMAGE
    from hfft_widgets.hub.models import known_by_hub

    folder, reference, local = _folder(model)
    facts = folder.facts(reference, local=local, **({} if local else known_by_hub(reference)))
    if report.model != str(model) or not (facts.chat_template or facts.vision):
        report = report.for_model(str(model), **_eyes(folder, given=not facts.vision))
    wishes = Wishes(goal, method, peft, flavor, push_to, allow_large, settings, max_usd, image or IMAGE)
    chosen, _ = choose_method(report, goal, method)
    data = data_facts(report, chosen, folder.picture_tokens if facts.vision else None)
    return recommend(facts, report, data, _machines(), wishes)


def estimate(  # noqa: PLR0913 - a training as plain figures, each by its name
    model: Model | Mapping[str, Any],
    *,
    method: str = "SFT",
    peft: str = "lora",
    lora_r: int = 16,
    dtype: str | None = None,
    mixed_precision: str = "auto",
    max_length: int = 1024,
    batch_size: int = 8,
    accumulation: int = 1,
    checkpointing: bool = True,
    optimizer: str = "adamw",
    full_logits: bool = False,
    tokens: float | None = None,
    rows: int = 1000,
    tokens_per_row: float | None = None,
    epochs: float = 1,
    completion_tokens: int | None = None,
    generations: int | None = None,
    vllm: bool = False,
    gpu: str | None = None,
    gpus: int = 1,
    flavor: str = "t4-small",
) -> Estimate:
    """Memory, time and price of a training, without a plan.

    Args:
        model: Hub id, folder, or a config.json as a mapping.
        method: "SFT", "DPO", "KTO", "Reward", "GRPO" or "RLOO".
        peft: "none", "lora" or "qlora" (adapters on 4-bit weights).
        lora_r: Rank of the adapters, which all linear layers get.
        dtype: Format of the weights: "float32", "bfloat16" or "float16"; None: what the scripts do, float32 where
            all weights are trained and 16 bits where they are frozen.
        mixed_precision: "auto" (what the card computes), "bf16", "fp16" or "no".
        max_length: Longest row in tokens.
        batch_size: Rows per device and micro step.
        accumulation: Micro steps per optimizer step.
        checkpointing: Whether activations are recomputed.
        optimizer: "adamw", "adamw_8bit", "paged_adamw_8bit", "adafactor" or "sgd".
        full_logits: Whether the loss holds all logits at once; TRL's own does not.
        tokens: Tokens of the whole training; overrides `rows` and `epochs`.
        rows: Rows in one epoch.
        tokens_per_row: Mean tokens of a row; `max_length` if not given.
        epochs: Passes over the data.
        completion_tokens: Tokens generated per answer (GRPO, RLOO); 256 if not given.
        generations: Answers per prompt (GRPO, RLOO); 8 if not given.
        vllm: Whether vLLM generates them on the same card.
        gpu: Kind of card, e.g. "A100" or "L4"; overrides `flavor`.
        gpus: Number of cards, with `gpu`.
        flavor: "local" or a flavor of Hugging Face Jobs.

    Raises:
        PlanError: A value that is not allowed, with those that are.
        ModelError: The model cannot be read.
    """
    from hfft_widgets.core.plan.estimate import estimate_work
    from hfft_widgets.core.plan.flavors import gpu_machine
    from hfft_widgets.core.plan.model import closed_form_known, model_facts
    from hfft_widgets.core.plan.quick import quick_work
    from hfft_widgets.hub.models import known_by_hub
    from hfft_widgets.sources.meta import initialised_parameters

    if isinstance(model, Mapping):
        counted = None if closed_form_known(model) else initialised_parameters(model)
        facts = model_facts(model, reference=str(model.get("_name_or_path", "model")), initialised=counted)
    else:
        folder, reference, local = _folder(model)
        facts = folder.facts(reference, local=local, **({} if local else known_by_hub(reference)))
    machine = gpu_machine(gpu, gpus) if gpu else _machine(flavor)
    work = quick_work(
        machine, method=method, peft=peft, lora_r=lora_r, dtype=dtype, mixed_precision=mixed_precision,
        max_length=max_length, batch_size=batch_size, accumulation=accumulation, tokens=tokens, rows=rows,
        tokens_per_row=tokens_per_row, epochs=epochs, checkpointing=checkpointing, optimizer=optimizer,
        full_logits=full_logits, completion_tokens=completion_tokens, generations=generations, vllm=vllm,
    )  # fmt: skip
    return estimate_work(facts, work, machine)


def plan_export(
    source: Run | Model,
    *,
    quantization: str = "Q4_K_M",
    name: str | None = None,
    prompt: str | None = None,
    flavor: str = "local",
    push_to: str | None = None,
) -> ExportPlan:
    """How a trained model becomes one GGUF file that llama.cpp answers with.

    Args:
        source: A finished training run, a model or adapter folder, or a Hub id.
        quantization: "Q4_K_M" (the usual choice), "Q8_0", "F16" and others the plan lists.
        name: Name of the file; the model's name if not given.
        prompt: What to ask the exported model; a held-out prompt of the run if not given.
        flavor: "local", or a flavor of Hugging Face Jobs, e.g. "cpu-upgrade": then the model must be on the Hub.
        push_to: Hub repository for the file.

    Raises:
        ExportError: The run is not finished, or the model cannot be converted.
        ModelError: The model cannot be read.
        HubError: The Hub cannot be reached.
    """
    from hfft_widgets.core.export.plan import make_export_plan
    from hfft_widgets.jobs.finished import held_out_prompt, name_after, trained_model
    from hfft_widgets.jobs.run import Run
    from hfft_widgets.sources import llama_cpp

    run_plan: Mapping[str, Any] = {}
    here = flavor == "local"
    if isinstance(source, Run):
        run_plan, source_of = source.plan, trained_model(source)
        prompt = prompt or held_out_prompt(source)
        name = name or name_after(run_plan)
    else:
        source_of = source
    folder, reference, local = _folder(source_of, weights=here)
    if isinstance(source_of, str) and not local:
        name = name or source_of.rsplit("/", 1)[-1]
    base = folder.adapter_config.get("base_model_name_or_path") if folder.adapter_config else run_plan.get("model")
    base_folder, base_reference, _ = _folder(str(base), weights=here) if base else (None, None, False)
    plan = make_export_plan(
        model=str(folder.path) if here else reference,
        config=folder.config or (base_folder.config if base_folder else {}),
        adapter_config=folder.adapter_config,
        base=(str(base_folder.path) if here else base_reference) if base_folder else None,
        parameters=(base_folder or folder).facts().parameters if folder.adapter_config else folder.facts().parameters,
        files=folder.files,
        base_files=base_folder.files if base_folder else (),
        quantization=quantization,
        name=name,
        prompt=prompt,
        quantizer_available=llama_cpp.quantizer_available() if here else True,  # Jobs run Linux on x86_64
        supported=llama_cpp.supported_architectures(),
    )
    return dataclasses.replace(plan, flavor=flavor, push_to=push_to)


def sign_in() -> str:
    """Who is signed in to the Hub, and what the token may do, in words; asks for a token where there is none.

    The token is typed without an echo and stays in this process.

    Raises:
        HubError: No token was given, it is not valid, or the Hub cannot be reached.
    """
    from hfft_widgets.hub.account import account
    from hfft_widgets.hub.token import ask_token

    return str(account(ask_token()))


def preflight(
    plan: TrainingPlan | ExportPlan, *, max_usd: float | None = None, namespace: str = ""
) -> tuple[Ceiling, tuple[Check, ...]]:
    """What a plan would cost at most on Hugging Face Jobs, and all that can be looked at before; nothing is started.

    Args:
        plan: A plan whose flavor is one of Hugging Face Jobs.
        max_usd: The most it may cost; the plan's own limit, or whatever it costs, if not given.
        namespace: Who would own and pay it; the account itself if not given.

    Raises:
        LaunchError: The plan cannot run there.
        HubError: Nobody is signed in, or the Hub cannot be reached.
    """
    from hfft_widgets.jobs import index
    from hfft_widgets.jobs.ceiling import ceiling
    from hfft_widgets.jobs.remote import JobsBackend
    from hfft_widgets.jobs.submitting import paid, submission

    asked = submission(plan, paid=paid(plan, namespace=namespace))
    if max_usd is None:
        max_usd = getattr(plan, "max_usd", None)
    if max_usd is None:
        max_usd = ceiling(asked).usd
    place = index.backend("jobs")
    assert isinstance(place, JobsBackend)
    return place.preflight(dataclasses.replace(asked, paid=paid(plan, max_usd, namespace=namespace)))


def launch(
    plan: TrainingPlan | ExportPlan,
    on: str = "local",
    *,
    max_usd: float | None = None,
    confirmed: str | None = None,
    namespace: str = "",
) -> Run:
    """Start a plan and return its run at once.

    Args:
        plan: A training or export plan.
        on: "local" for this machine, "jobs" for Hugging Face Jobs, on the plan's flavor.
        max_usd: The most it may cost; needed for Jobs, whose price times time limit must not be more.
        confirmed: Fingerprint of the plan whose price was confirmed: another plan is not started.
        namespace: Who owns and pays a job; the account itself if not given.

    Raises:
        LaunchError: It was not started; nothing runs. Without `max_usd` the message says what it costs.
        MissingExtraError: A package it needs is not installed.
    """
    from hfft_widgets.jobs import index
    from hfft_widgets.jobs.submitting import paid, submission

    price = paid(plan, max_usd, confirmed, namespace) if on == "jobs" else None
    return index.launch(submission(plan, paid=price), on=on)


def runs() -> list[Run]:
    """All runs known on this machine, and this account's on Hugging Face Jobs, the newest first."""
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


def _validated(source: Source, model: Model | None, progress: Callable[[int, int], None] | None) -> ValidationReport:
    from hfft_widgets.core.data.report import validate_rows

    if source.reference is None and source.holdable:
        source = source.materialize()

    def whole(progress: Callable[[int, int], None] | None) -> ValidationReport:
        return _validated(source.full(), model, progress)

    return validate_rows(
        source.rows,
        name=source.name,
        reference=source.reference,
        model=str(model) if model is not None else None,
        coverage=source.coverage,
        all_rows=source.all_rows,
        whole=whole if source.sampled else None,
        progress=progress,
        **(_eyes(_folder(model)[0]) if model is not None else {}),
    )


def _eyes(folder: Any, *, given: bool = False) -> dict[str, Any]:
    """What of a model decides about rows; `given`: with the template that training scripts give to a base model."""
    from hfft_widgets.scripts.templating import PLAIN
    from hfft_widgets.sources.models import token_counter

    return {
        "template": folder.chat_template or (PLAIN if given else ""),
        "tokens": folder.special_tokens,
        "vision": folder.vision,
        "counter": token_counter(folder.path),
    }


def _machines() -> tuple[Flavor, ...]:
    """This machine, and what Hugging Face Jobs offers, at today's prices and with the start-up times seen so far."""
    from statistics import median

    from hfft_widgets.hub.hardware import hardware
    from hfft_widgets.jobs.actuals import measured_overheads
    from hfft_widgets.sources.machine import this_machine

    offered, seen = hardware(), measured_overheads()
    startup = (min(seen), median(seen), max(seen)) if seen else None
    paid = (f.priced(f.usd_per_hour, source=offered.source, date=offered.date) for f in offered.flavors)
    return (this_machine(), *(dataclasses.replace(flavor, startup_seconds=startup) for flavor in paid))


def _machine(name: str) -> Flavor:
    from hfft_widgets.errors import PlanError

    machines = {machine.name: machine for machine in _machines()}
    if name not in machines:
        raise PlanError(f"Unknown flavor {name!r}.", remedy=f"Choose one of {', '.join(machines)}.")
    return machines[name]


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
