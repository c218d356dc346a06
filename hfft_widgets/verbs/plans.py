"""Plans: what will run, where, what it can cost, why; of a training or an export. Each is kept by its fingerprint."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from hfft_widgets import api
from hfft_widgets.core.data.emulators.learned import Learned
from hfft_widgets.core.method import Goal, MethodName
from hfft_widgets.core.plan.choose import method_for
from hfft_widgets.core.plan.rehearsal import PILOT_STEPS, Rehearsed
from hfft_widgets.core.plan.settings import SETTINGS
from hfft_widgets.core.plan.sweep import RULE
from hfft_widgets.core.units import duration_text, usd_text
from hfft_widgets.errors import LaunchError, PlanError, RunNotFoundError
from hfft_widgets.jobs import index
from hfft_widgets.jobs.base import JobTarget, Submission
from hfft_widgets.jobs.money import plans
from hfft_widgets.jobs.submission import submission, target_of
from hfft_widgets.verbs.reply import Reply, reply
from hfft_widgets.verbs.reports import Progress, report_on

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.core.export.plan import ExportPlan
    from hfft_widgets.core.plan.plan import TrainingPlan
    from hfft_widgets.core.plan.sweep import Sweep

_QUOTES = ("title", "data", "reasons", "warnings", "facts")


def plan(  # noqa: PLR0913, PLR0917 - a training as plain values, each by its name
    model: str,
    data: str,
    goal: Goal | None = None,
    method: MethodName | None = None,
    peft: Literal["lora", "qlora", "none"] | None = None,
    flavor: str | None = None,
    push_to: str | None = None,
    config: str | None = None,
    split: str | None = None,
    use_mapping: bool = False,
    use_fixes: bool = False,
    every_row: bool = False,
    learned: Learned = "answers",
    allow_large: bool = False,
    minutes: float | None = None,
    max_usd: float | None = None,
    settings: dict[str, Any] | None = None,
    sweep: str | None = None,
    progress: Progress | None = None,
) -> Reply:
    """Decide what will run, where, what it takes and can cost, and why. Nothing starts; launch takes its fingerprint.

    Args:
        model: Hub id or folder of the model that learns; "sample:model" is a tiny one.
        data: Hub id, file, or "sample:messages" and its kind.
        goal: What it shall become better at.
        method: Overrides the goal.
        peft: "lora", "qlora" (adapters on 4-bit weights) or "none" (all weights); chosen by rule if not given.
        flavor: "local" or a flavor of Hugging Face Jobs such as "t4-small"; chosen by rule if not given.
        push_to: Hub repository for the result; needed on Hugging Face Jobs.
        config: Configuration of a Hub dataset that has several.
        split: Split to use; "train" where there is one.
        use_mapping: Whether to take the column mapping that validate proposes.
        use_fixes: Whether to take the fixes that validate proposes.
        every_row: Whether to read all rows of a Hub dataset before planning.
        learned: Which words of a conversation SFT learns: the "answers" alone, or "all", questions too.
        allow_large: Plan models of 8 billion parameters and more; only if a person asks for it.
        minutes: At most so long, from the start of billing, by the middle of the estimate: fewer steps.
        max_usd: The most it may cost: fewer steps where it could cost more.
        settings: Settings by name, or by TRL's name for it, e.g. {"num_train_epochs": 1}.
        sweep: One setting with two to six values, e.g. "learning_rate=1e-5,1e-4": a plan for each, the price of all.
        progress: Called with (rows done, rows in all).
    """
    report = report_on(data, model, config, split, every_row=every_row, learned=learned, progress=progress)
    chosen = method_for(report, goal, method)
    if chosen is not None:
        report = _agreed(report, chosen, use_mapping=use_mapping, use_fixes=use_fixes)
    made = api.plan_training(
        model, report, goal=goal, method=method, peft=peft, flavor=flavor, push_to=push_to, allow_large=allow_large,
        max_usd=max_usd, **(settings or {}),
    )  # fmt: skip
    if minutes is not None:
        made = made.within(seconds=60 * minutes)
    if max_usd is not None and made.hardware.usd_per_hour:
        made = made.within(usd=max_usd)
    if sweep is not None:
        return _kept_sweep(made.sweep(*sweep_of(sweep)))
    return _kept(made, f"{made.estimate.steps:,} steps, about {duration_text(made.estimate.seconds.mid)}.")


def sweep_of(text: str) -> tuple[str, list[Any]]:
    """A setting and its values as they are typed.

    >>> sweep_of("learning_rate=1e-5,1e-4"), sweep_of("lora_targets=attention,q_proj+v_proj")[1]
    (('learning_rate', [1e-05, 0.0001]), [['attention'], ['q_proj', 'v_proj']])

    Raises:
        PlanError: There is no "=" in it.
    """
    name, equals, values = text.partition("=")
    if not equals:
        raise PlanError(f"{text!r} is no sweep.", remedy='Give a setting and its values, "learning_rate=1e-5,1e-4".')
    name, words = name.strip(), [word.strip() for word in values.split(",") if word.strip()]
    if name in SETTINGS and SETTINGS[name].kind == "names":
        return name, [[one.strip() for one in word.split("+")] for word in words]
    return name, [_typed(word) for word in words]


def _typed(word: str) -> Any:
    try:
        return json.loads(word.lower() if word in {"True", "False"} else word)
    except ValueError:
        return word


def _kept_sweep(sweep: Sweep) -> Reply:
    """The price of a sweep; each of its plans is kept for launch, where a person is asked for each that costs."""
    made = [cast("TrainingPlan", plan) for plan in sweep.plans]
    asked = [submission(plan, JobTarget()) for plan in made]
    for one in asked:
        plans.keep(one)
    usd = [ceiling_usd(one) for one in asked]
    rows = [{**row, "ceiling_usd": most} for row, most in zip(sweep.to_dict()["rows"], usd, strict=True)]
    cost = f"They can cost up to {usd_text(sum(usd))} in all." if sum(usd) else "They cost nothing."
    way = "all at once" if sweep.is_paid else "one after the other has ended"
    return reply(
        {
            **sweep.to_dict(),
            "rows": rows,
            "ceiling_usd": sum(usd),
            "model": made[0].model,
            "fingerprint": "",
            "obstacle": obstacle_of(asked[0]),
            "reasons": [],
            "warnings": list(dict.fromkeys(words for plan in made for words in plan.warnings)),
        },
        f"{len(rows)} plans. {cost} Each is launched by its own fingerprint:",
        *(f"{row['value']}: {row['fingerprint']}, {_at_most(row['ceiling_usd'])}" for row in rows),
        f"Next: launch them, {way}. {RULE} Do that with control. The best has the best {sweep.metric}.",
        quote=str(sweep),
        quotes=_QUOTES,
        shows=sweep,
    )


def _at_most(usd: float) -> str:
    return f"at most {usd_text(usd)}" if usd else "free"


def _agreed(report: ValidationReport, method: str, *, use_mapping: bool, use_fixes: bool) -> ValidationReport:
    """The report with what was agreed to; raises PlanError where more is needed."""
    verdict = report.verdicts[method]
    if verdict.status.name == "NEEDS_MAPPING" and verdict.mapping is not None:
        if not use_mapping:
            raise PlanError(
                f"{method} needs its columns mapped, and nobody agreed to that yet.",
                why=f"Proposed: {verdict.mapping.words}.",
                remedy=f"Look at preview with method={method}, then plan with use_mapping=true.",
            )
        report = report.with_mapping(method, verdict.mapping)
    if use_fixes:
        report = report.with_fixes(*(finding.fix for finding in report.findings if method in finding.effects))
    if report.verdicts[method].status.name == "BLOCKED_BY_ROWS" and not use_fixes:
        raise PlanError(
            f"Some rows stop {method}.",
            why=f"{report.verdicts[method].reason}.",
            remedy="Plan with use_fixes=true, which leaves them out or repairs them, or correct the data.",
        )
    return report


def export(
    source: str,
    quantization: str = "Q4_K_M",
    name: str | None = None,
    prompt: str | None = None,
    flavor: str = "local",
    push_to: str | None = None,
    base: str | None = None,
    text_only: bool = False,
) -> Reply:
    """Plan how a trained model becomes one GGUF file. Nothing is started; launch takes its fingerprint.

    Args:
        source: Id of a finished training run, a model or adapter folder, or a Hub id.
        quantization: "Q4_K_M" (the usual choice), "Q8_0", "F16" and others; several with commas between; "LoRA" is the
            adapter alone.
        name: Name of the file; the model's name if not given.
        prompt: What to ask the exported model; a held-out prompt of the run if not given.
        flavor: "local", or a flavor of Hugging Face Jobs, e.g. "cpu-upgrade".
        push_to: Hub repository for the file; needed on Hugging Face Jobs.
        base: The very model it was trained on, whole and not quantized, where the model names none that is found.
        text_only: Of a model that reads pictures, export its language model alone.
    """
    known = source.partition(":")[0] in index.HOSTS and ":" in source
    made = api.plan_export(
        api.attach(source) if known else source,
        quantization=quantization, name=name, prompt=prompt, flavor=flavor, push_to=push_to, base=base,
        text_only=text_only,
    )  # fmt: skip
    return _kept(made, f"{', '.join(made.quantizations)}, about {made.size_bytes / 1e6:,.0f} MB.")


def _kept(made: TrainingPlan | ExportPlan, size: str) -> Reply:
    """The plan's answer; the plan itself is kept for launch."""
    asked = submission(made, JobTarget())
    plans.keep(asked)
    usd, obstacle, pilot = ceiling_usd(asked), obstacle_of(asked), _pilot_of(made)
    choices = [choice.to_dict() for choice in getattr(made, "choices", ())]
    values = {
        **made.to_dict(),
        **({"choices": choices} if choices else {}),
        **({"pilot": pilot} if pilot else {}),
        "fingerprint": asked.fingerprint,
        "ceiling_usd": usd,
        "obstacle": obstacle,
        "script_lines": asked.script.count("\n") + 1,
    }
    cost = "It costs nothing." if not usd else f"It can cost up to {usd_text(usd)}; launch needs ceiling_usd={usd:.2f}."
    return reply(
        values,
        f"Plan {asked.fingerprint}: {asked.kind} on {made.flavor}. {size} {cost}",
        f"It cannot be launched as it is: {obstacle}" if obstacle else "Next: script shows it, launch starts it.",
        _cheaper(choices),
        _pilot_words(pilot),
        quote=str(made),
        quotes=_QUOTES,
        blocked=bool(obstacle),
        shows=made,
    )


def _pilot_of(made: TrainingPlan | ExportPlan) -> dict[str, Any] | None:
    """The pilot of a training, kept for launch as a plan of its own; None: it is too short, or nobody pays for it."""
    if not isinstance(made, Rehearsed) or not made.hardware.usd_per_hour:
        return None
    try:
        asked = submission(made.pilot_plan, JobTarget())
    except PlanError:
        return None
    plans.keep(asked)
    return {"fingerprint": asked.fingerprint, "ceiling_usd": ceiling_usd(asked)}


def _pilot_words(pilot: Mapping[str, Any] | None) -> str:
    if pilot is None:
        return ""
    return (
        f"Its pilot, {PILOT_STEPS} real steps for at most {usd_text(pilot['ceiling_usd'])}, is the plan "
        f"{pilot['fingerprint']}: launched first, it finds a lack of memory, and plan knows the time afterwards."
    )


def _cheaper(choices: Sequence[Mapping[str, Any]]) -> str:
    """The changes that save most, as they are given to plan; "" if there are none."""
    ways = [
        f"{choice['changes']} saves {usd_text(choice['usd_saved'])} and {duration_text(choice['seconds_saved'])}"
        for choice in choices
        if choice["seconds_saved"] > 0
    ]
    return f"What would cost less: {'; '.join(ways[:3])}. All are in choices." if ways else ""


def ceiling_usd(asked: Submission) -> float:
    """The most a plan can cost at today's price; 0 where nothing is paid. Raises LaunchError."""
    backend = index.paid_backend(index.backend_for(asked.flavor))
    return backend.ceiling(asked).usd if backend else 0.0


def obstacle_of(asked: Submission) -> str:
    """Why a plan cannot be launched, in words; "" if nothing is known that stands in the way."""
    try:
        target_of(asked.plan, index.backend_for(asked.flavor))
    except LaunchError as error:
        return str(error)
    return ""


def script(of: str, form: Literal["standalone", "short"] = "standalone") -> Reply:
    """Show the complete script of a plan or a run, as it will run or ran, or its short form to read and keep.

    Args:
        of: A plan's fingerprint, or a run's id.
        form: "standalone" is what runs, by itself anywhere; "short" is the same training with TRL alone, for a machine
            with its packages.
    """
    if of.partition(":")[0] in index.HOSTS:
        found = api.attach(of).submission
        if not found.script:
            raise RunNotFoundError(f"The script of {of} is not kept.", remedy="Look at the job's page on the Hub.")
    else:
        found = plans.kept(of)
    text = found.script if form == "standalone" else found.plan.get("short_script")
    if not text:
        raise PlanError(
            f"{of} has no short form.",
            why="Only trainings have one, and only where the script was not edited by hand.",
            remedy="Show the standalone form: it is what runs.",
        )
    shown = reply(
        {"kind": "script", "title": found.title, "fingerprint": found.fingerprint, "form": form},
        quotes=("title", "script"),
    )
    return Reply({**shown.values, "script": text}, text)
