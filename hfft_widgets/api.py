"""The public verbs: they gather what the core needs, call it, and return its results.

report = hfft.validate(data, model=...)        data  -> ValidationReport
plan   = hfft.plan_training(model, report)     plan  -> TrainingPlan
run    = hfft.launch(plan)                     run   -> Run
export = hfft.plan_export(run)                 export -> ExportPlan; hfft.launch(export)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from hfft_widgets.inputs import SAMPLE, Model, machines, model_folder, model_for_data, validated
from hfft_widgets.trials import dry_run, measured, tried

# Everything else is imported where it is used: the widgets import this module, and a notebook opens with them.
if TYPE_CHECKING:
    from hfft_widgets.core.data.emulators.learned import Learned
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.core.export.plan import ExportPlan
    from hfft_widgets.core.method import Goal, MethodName
    from hfft_widgets.core.plan.plan import TrainingPlan
    from hfft_widgets.core.plan.settings import SettingValues
    from hfft_widgets.core.plan.sweep import Sweep
    from hfft_widgets.hub.preflight import Check
    from hfft_widgets.jobs.hf.cost_limit import CostLimit
    from hfft_widgets.jobs.run import Run
    from hfft_widgets.jobs.sweep import SweepRun


def validate(
    data: Any,
    *,
    model: Model | None = None,
    config: str | None = None,
    split: str | None = None,
    sample: bool = False,
    learned: Learned = "answers",
    progress: Callable[[int, int], None] | None = None,
) -> ValidationReport:
    """Whether a dataset can be trained on, with which method, and which rows hurt.

    >>> report = validate([{"prompt": f"{n} + 1 =", "completion": f" {n + 1}"} for n in range(60)])
    >>> report.recommended, str(report.verdicts["DPO"].status)
    ('SFT', 'INCOMPATIBLE')

    Args:
        data: Hub id, file (JSON, JSONL, Parquet, CSV), `Dataset`, `DatasetDict`, DataFrame, list of dicts, or
            "sample:" and a kind of `hfft.samples.dataset`.
        model: Hub id or folder of the model that shall learn; its chat template decides what it can read.
        config: Configuration of a Hub dataset that has several.
        split: Split to use; "train" where there is one.
        sample: Of a Hub dataset only the first rows, without a download: an answer in seconds, that says what only
            all rows can tell. `report.full()` looks at all of them.
        learned: Which words of a conversation SFT learns: the "answers" alone, or "all", questions too.
        progress: Called with (rows done, rows in all; 0 if not known); what it raises ends the validation.

    Returns:
        The report: a verdict for each method, findings in the rows, mappings and fixes that help.

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
    return validated(source, model, progress, learned=learned)


def splits(data: Any) -> dict[str, list[str]]:
    """What can be chosen of a dataset, e.g. before `validate(data, config=..., split=...)`.

    Returns:
        Configuration -> its splits; empty where there is nothing to choose.

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
    goal: Goal | None = None,
    method: MethodName | None = None,
    peft: Literal["lora", "qlora", "none"] | None = None,
    flavor: str | None = None,
    push_to: str | None = None,
    allow_large: bool = False,
    max_usd: float | None = None,
    image: str | None = None,
    notice: Callable[[str], None] | None = None,
    **settings: Unpack[SettingValues],
) -> TrainingPlan:
    """What will run, where, what it takes and why.

    >>> plan = plan_training("sample:model", report, goal="instruction following")  # doctest: +SKIP

    Args:
        model: Hub id or folder of the model that learns.
        report: From `validate`, with mappings and fixes applied; of another model it is validated again.
        goal: "instruction following", "preferences" or "verifiable reasoning".
        method: "SFT", "DPO", "GRPO", "KTO", "Reward" or "RLOO"; overrides the goal.
        peft: "lora", "qlora" (adapters on 4-bit weights) or "none"; chosen by rule if not given, as is the flavor.
        flavor: "local" or a flavor of Hugging Face Jobs.
        push_to: Hub repository for the result.
        allow_large: Plan models of 8 billion parameters and more.
        max_usd: The most it may cost; a plan that may cost more says so, `plan.within(usd=...)` makes it shorter.
        image: The container a job runs in, with `uv` in it; the tested one if not given.
        notice: Called with words for a person where it takes more than a moment: a model is asked about once.
        **settings: Any of `Settings`, by name, e.g. `num_train_epochs=1`, or by TRL's name for it.

    Returns:
        The plan, with its reasons, its estimate and its script; nothing is started. Its rewards, if any, were tried.

    Raises:
        ModelTooLargeError: A model of 8 billion parameters or more, without `allow_large`; its `refusal` is a card.
        PlanError: No sound plan exists; the message says what would help.
        ModelError: The model cannot be read.
    """
    from hfft_widgets.core.plan.choose import PlanRequest, choose_method, recommend
    from hfft_widgets.core.plan.data_stats import data_stats, learning
    from hfft_widgets.core.plan.rehearsal import Rehearsal
    from hfft_widgets.hub.jobs_api import IMAGE
    from hfft_widgets.hub.models import known_by_hub
    from hfft_widgets.inputs import export_outlook

    folder, reference, local = model_folder(model)
    facts = folder.facts(reference, local=local, notice=notice, **({} if local else known_by_hub(reference)))
    if report.model != str(model) or not (facts.chat_template or facts.vision):
        report = report.for_model(str(model), **model_for_data(folder, given=not facts.vision))
    request = PlanRequest(goal, method, peft, flavor, push_to, allow_large, settings, max_usd, image or IMAGE)
    chosen, _ = choose_method(report, goal, method)
    report = learning(report, chosen, settings)
    data = data_stats(report, chosen, folder.picture_tokens if facts.vision else None)
    plan = recommend(facts, report, data, machines(), request)
    outlook = export_outlook(folder, facts, scores=plan.trainer.task_type == "SEQ_CLS")
    rehearsal = Rehearsal(dry_run, launch, measured)
    return tried(dataclasses.replace(plan, exports=outlook, rehearsal=rehearsal))


def plan_export(
    source: Run | Model,
    *,
    quantization: str | Sequence[str] = "Q4_K_M",
    base: Model | None = None,
    name: str | None = None,
    prompt: str | None = None,
    flavor: str = "local",
    push_to: str | None = None,
    unchanged_too: bool = False,
    text_only: bool = False,
) -> ExportPlan:
    """How a trained model becomes one GGUF file that llama.cpp answers with.

    >>> export = plan_export(run, quantization="Q4_K_M")  # doctest: +SKIP

    Args:
        source: A finished training run, a model or adapter folder, or a Hub id.
        quantization: "Q4_K_M" (the usual choice), "Q8_0", "F16" and others the plan lists; several make as many files
            of one conversion. "LoRA" is the adapter alone, for people who have its base as GGUF.
        base: The very model it was trained on, whole and not quantized, where the model names none that is found.
        name: Name of the file; the model's name if not given.
        prompt: What to ask the exported model; a held-out prompt of the run if not given.
        flavor: "local", or a flavor of Hugging Face Jobs, e.g. "cpu-upgrade": then the model must be on the Hub.
        push_to: Hub repository for the file.
        unchanged_too: Export also a model in which nothing is left of its training.
        text_only: Of a model that reads pictures, export its language model alone.

    Returns:
        The plan of the export, with its script; nothing is started.

    Raises:
        ExportError: The run is not finished, or the model cannot be converted.
        ModelError: The model cannot be read.
        HubError: The Hub cannot be reached.
    """
    from hfft_widgets.core.export.trained import make_export_plan
    from hfft_widgets.inputs import answered_before, trained_files
    from hfft_widgets.jobs.run import Run
    from hfft_widgets.jobs.trained_model import held_out_prompt, name_after, questions_asked, trained_model
    from hfft_widgets.sources import llama_cpp

    here = flavor == "local"
    asked: dict[str, Any] = {}
    trained_from = None
    if isinstance(source, Run):
        trained_from, model = source.plan.get("model"), trained_model(source)
        prompt, name = prompt or held_out_prompt(source), name or name_after(source.plan)
        asked = questions_asked(source)
    else:
        model = source
        name = name or (source.rstrip("/").rsplit("/", 1)[-1] if isinstance(source, str) else None)
    plan = make_export_plan(
        trained_files(model, base=base, trained_from=trained_from, here=here),
        quantization=quantization,
        name=name,
        prompt=prompt,
        quantizer_available=llama_cpp.quantizer_available() if here else True,  # Jobs run Linux on x86_64
        supported=llama_cpp.supported_architectures(),
        unchanged_too=unchanged_too,
        text_only=text_only,
        **asked,
    )
    return dataclasses.replace(plan, flavor=flavor, push_to=push_to, answered=answered_before(plan.model))


def preflight(
    plan: TrainingPlan | ExportPlan, *, max_usd: float | None = None, namespace: str = ""
) -> tuple[CostLimit, tuple[Check, ...]]:
    """What a plan would cost at most on Hugging Face Jobs, and all that can be looked at before; nothing is started.

    Args:
        plan: A plan whose flavor is one of Hugging Face Jobs.
        max_usd: The most it may cost; the plan's own limit, or whatever it costs, if not given.
        namespace: Who would own and pay it; the account itself if not given.

    Returns:
        The most it can cost, and what was checked.

    Raises:
        LaunchError: The plan cannot run there.
        HubError: Nobody is signed in, or the Hub cannot be reached.
    """
    from hfft_widgets.errors import LaunchError
    from hfft_widgets.jobs import index
    from hfft_widgets.jobs.submission import job_target, submission

    backend = index.backend_for(plan.flavor)
    if not isinstance(backend, index.PaidBackend):
        raise LaunchError(
            f"This plan is for {plan.flavor}, {backend.title}, where nothing is paid.",
            remedy='Launch it with hfft.launch(plan), or plan it with a flavor of Hugging Face Jobs, e.g. "t4-small".',
        )
    most = getattr(plan, "max_usd", None) if max_usd is None else max_usd
    return backend.preflight(submission(plan, job_target(plan, backend, max_usd=most, namespace=namespace)))


def is_paid(plan: TrainingPlan | ExportPlan | str) -> bool:
    """Whether the machine a plan is for costs money; also of a flavor's name."""
    from hfft_widgets.jobs.index import backend_for

    return backend_for(plan if isinstance(plan, str) else plan.flavor).is_paid


@overload
def launch(plan: Sweep, *, max_usd: float | None = None, namespace: str = "", stall_minutes: float | None = None,
           unheld_code: bool = False) -> SweepRun: ...  # fmt: skip


@overload
def launch(plan: TrainingPlan | ExportPlan, on: Literal["local", "jobs"] | None = None, *, max_usd: float | None = None,
           confirmed: str | None = None, namespace: str = "", stall_minutes: float | None = None,
           unheld_code: bool = False, into_existing: bool = False) -> Run: ...  # fmt: skip


def launch(
    plan: TrainingPlan | ExportPlan | Sweep,
    on: Literal["local", "jobs"] | None = None,
    *,
    max_usd: float | None = None,
    confirmed: str | None = None,
    namespace: str = "",
    stall_minutes: float | None = None,
    unheld_code: bool = False,
    into_existing: bool = False,
) -> Run | SweepRun:
    """Start a plan where its flavor says, and return its run at once; a sweep's runs within one limit.

    Args:
        plan: A training or export plan, or `plan.sweep(...)`.
        on: "local" for this machine, "jobs" for Hugging Face Jobs; it can only repeat what the plan's flavor says.
        max_usd: The most it may cost, as price times time limit; needed where it costs.
        confirmed: Fingerprint of the plan whose price was confirmed: another plan is not started.
        namespace: Who owns and pays a job; the account itself if not given.
        stall_minutes: After so long without progress it is stopped, with what it saved; loading counts too. Not given,
            a run that hangs goes on to its time limit, which is its ceiling where it costs.
        unheld_code: Whether code that the model writes may run on this machine where nothing holds it.
        into_existing: Whether an export may put its file into a repository that exists. Nothing there is replaced.

    Returns:
        The run, which goes on whatever becomes of this process.

    Raises:
        LaunchError: It was not started; nothing runs. Without `max_usd` the message says what it costs.
        MissingExtraError: A package it needs is not installed.
    """
    from hfft_widgets.core.plan.sweep import Sweep
    from hfft_widgets.jobs import index
    from hfft_widgets.jobs.money import guards
    from hfft_widgets.jobs.submission import job_target, submission
    from hfft_widgets.jobs.sweep import launch_sweep

    if isinstance(plan, Sweep):
        return launch_sweep(
            plan, tried, max_usd=max_usd, namespace=namespace, stall_minutes=stall_minutes, unheld_code=unheld_code
        )
    backend = index.backend_for(plan.flavor, on)
    target = job_target(plan, backend, max_usd=max_usd, confirmed=confirmed, namespace=namespace)
    asked = submission(tried(plan), target, stall_minutes=stall_minutes)
    asked = dataclasses.replace(asked, into_existing=into_existing)
    return index.launch(guards.accepting(asked, unheld_code=unheld_code))


def runs(*, on: Literal["local", "jobs"] | None = None, damaged: bool = False) -> list[Run]:
    """All runs known on this machine, and this account's on Hugging Face Jobs, the newest first.

    Args:
        on: Only those of "local", this machine, or of "jobs".
        damaged: Those whose folder cannot be read instead: all that can be done with them is `run.delete()`.

    Returns:
        Runs of trainings and exports alike; `run.kind` tells them apart.
    """
    from hfft_widgets.jobs import index

    return index.runs(on=on, damaged=damaged)


def attach(run_id: str) -> Run:
    """The run with this id, wherever it was started from.

    Args:
        run_id: "local:..." of this machine, "jobs:namespace/..." of Hugging Face Jobs, "replay:..." of a recording.

    Returns:
        The run, live or ended.

    Raises:
        RunNotFoundError: No run has this id; the message lists those there are.
    """
    from hfft_widgets.jobs import index

    return index.attach(run_id)
