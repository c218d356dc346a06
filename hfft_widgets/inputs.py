"""What the verbs take, opened: models, machines, and a dataset's rows as a report."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hfft_widgets.core.data.emulators.learned import Learned
    from hfft_widgets.core.data.proof import Proof
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.core.export.trained import Trained
    from hfft_widgets.core.plan.hardware import Flavor
    from hfft_widgets.sources.rows import Source

SAMPLE = "sample:"  # "sample:messages" and its kind name the data and the model made on this machine

Model = str | Path


def validated(
    source: Source,
    model: Model | None,
    progress: Callable[[int, int], None] | None,
    *,
    learned: Learned = "answers",
) -> ValidationReport:
    """The report on an opened dataset, for a model or for none."""
    from hfft_widgets.core.data.report import validate_rows

    if source.reference is None and source.holdable:
        source = source.materialize()

    def whole(progress: Callable[[int, int], None] | None) -> ValidationReport:
        return validated(source.full(), model, progress, learned=learned)

    report = validate_rows(
        source.rows,
        name=source.name,
        reference=source.reference,
        model=str(model) if model is not None else None,
        coverage=source.coverage,
        all_rows=source.all_rows,
        whole=whole if source.sampled else None,
        progress=progress,
        learned=learned,
        **(model_for_data(model_folder(model)[0]) if model is not None else {}),
    )
    said = tokenizer_notes(model) if model is not None else ()
    return dataclasses.replace(report, notes=(*source.notes, *said))


def tokenizer_notes(model: Model) -> tuple[str, ...]:
    """What is wrong with how a model's tokenizer is loaded: a training would read other tokens than the model knows."""
    from hfft_widgets.core.export.checks import check_loading
    from hfft_widgets.errors import ExportError
    from hfft_widgets.sources.trained import loaded_otherwise

    folder, reference, _ = model_folder(model)
    try:
        check_loading(reference, otherwise=loaded_otherwise(folder.path))
    except ExportError as error:
        return (error.what.replace(reference, "this model"), error.remedy)
    return ()


def model_for_data(folder: Any, *, given: bool = False) -> dict[str, Any]:
    """What of a model decides about rows; `given`: with the template that training scripts give to a base model."""
    from hfft_widgets.jobs.asking.proof import prove
    from hfft_widgets.scripts.templating import PLAIN
    from hfft_widgets.sources.models import token_counter, training_template

    def prover(report: ValidationReport, methods: Any, progress: Any) -> Proof:
        return prove(report, folder.path, methods, progress)

    return {
        "template": folder.chat_template or (PLAIN if given else ""),
        "training_template": training_template(folder.chat_template),
        "tokens": folder.special_tokens,
        "vision": folder.vision,
        "counter": token_counter(folder.path),
        "prover": prover,
    }


def machines() -> tuple[Flavor, ...]:
    """This machine, and what Hugging Face Jobs offers, at today's prices and with what earlier runs took there."""
    from statistics import median

    from hfft_widgets.hub.hardware import hardware
    from hfft_widgets.jobs.hf.measured import measured_overheads
    from hfft_widgets.jobs.step_times import finished_on
    from hfft_widgets.sources.machine import this_machine

    offered, seen = hardware(), measured_overheads()
    startup = (min(seen), median(seen), max(seen)) if seen else None
    paid = (f.priced(f.usd_per_hour, source=offered.source, date=offered.date) for f in offered.flavors)
    rented = (dataclasses.replace(flavor, startup_seconds=startup) for flavor in paid)
    return finished_on((this_machine(), *rented))


# the page of a model, as it is copied from a browser
_PAGE = re.compile(r"^(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/|/(?:tree|blob)/main/?$|/$")


def machine(name: str) -> Flavor:
    """The hardware of this name; raises PlanError."""
    from hfft_widgets.core.plan.hardware import CPU_FLAVORS
    from hfft_widgets.errors import PlanError

    offered = {one.name: one for one in (*machines(), *CPU_FLAVORS)}
    if name not in offered:
        raise PlanError(f"Unknown flavor {name!r}.", remedy=f"Choose one of {', '.join(offered)}.")
    return offered[name]


def cards(gpu: str | None, gpus: int) -> Flavor:
    """So many cards of a kind; raises PlanError."""
    from hfft_widgets.core.plan.hardware import gpu_machine
    from hfft_widgets.errors import PlanError

    if not isinstance(gpu, str) or not gpu:
        raise PlanError(
            f"gpus is {gpus!r} and gpu is {gpu!r}.",
            remedy='Give the kind of card, e.g. gpu="A100", or choose a flavor that has several, such as a100x4.',
        )
    return gpu_machine(gpu, gpus)


def model_folder(model: Model, *, weights: bool = False) -> tuple[Any, str, bool]:
    """The model's folder, what scripts call it, and whether it is on this machine."""
    from hfft_widgets import samples
    from hfft_widgets.errors import ModelError
    from hfft_widgets.sources.models import read_folder

    if not isinstance(model, (str, Path)):
        raise ModelError(
            f"The model is {model!r}.", remedy="Give a Hub id such as Qwen/Qwen3-0.6B, or a folder with a model in it."
        )
    if model == SAMPLE + "model":
        model = samples.model()
    if isinstance(model, str):
        model = re.sub(_PAGE, "", model.strip())
    if isinstance(model, Path) or Path(model).expanduser().is_dir():
        folder = read_folder(model)
        return folder, str(folder.path), True
    if not model.strip() or model.startswith((".", "/", "~", "\\")):
        raise ModelError(
            f"There is no folder {model!r}.", remedy="Give a model folder, or a Hub id such as Qwen/Qwen3-0.6B."
        )
    from hfft_widgets.hub.models import fetch_model

    return read_folder(fetch_model(model, weights=weights)), model, False


def trained_files(model: Model, *, base: Model | None, trained_from: Model | None, here: bool) -> Trained:
    """What an export has to know of a trained model: looked up in small files first, so that a refusal costs nothing.

    Args:
        model: The trained model, an adapter or a full model.
        base: What it was trained on, as a person gave it.
        trained_from: The same, as the run that made a full model says; None: not known.
        here: Whether the export runs on this machine: then the weights are fetched as well.

    Raises:
        ExportError: An adapter's base is not known, or not found.
        ModelError: The model cannot be read.
        HubError: The Hub cannot be reached.
    """
    from hfft_widgets.core.export.trained import Trained
    from hfft_widgets.hub.models import weight_shapes
    from hfft_widgets.sources.trained import adapter_shapes, mended_config, tokenizer_facts

    folder, reference, local = model_folder(model)
    adapter = folder.adapter_config
    chain, found = _bases(folder, reference, base) if adapter is not None else ((), None)
    if adapter is None and (base or trained_from):
        found = model_folder(str(base or trained_from))
    whole = found[0] if adapter is not None and found else folder
    below = found[0] if found else None
    named = [reference, *(one for one in chain), *([found[1]] if found else [])]
    known = tokenizer_facts(folder.path, below.path if below else None)
    known["mended"] = (*known.get("mended", ()), *mended_config(whole.config or {}))
    trained = Trained(
        model=reference,
        config=whole.config,
        adapter_config=adapter,
        base=found[1] if found else None,
        parameters=whole.facts().parameters if whole.config else 0,
        files=folder.files,
        base_files=below.files if below else (),
        chain=chain,
        shapes={} if adapter is None else adapter_shapes(folder.path) or ({} if local else weight_shapes(reference)),
        template=folder.chat_template or (below.chat_template if below else None),
        special_tokens=folder.special_tokens or (below.special_tokens if below else {}),
        **known,
    )
    return _fetched(trained, named) if here else trained


def answered_before(model: str) -> dict[str, dict[str, int]]:
    """What files of this model answered, by quantization, in earlier exports here (`ExportPlan.answered`)."""
    from hfft_widgets.core.run.stage import Stage
    from hfft_widgets.jobs import index

    found: dict[str, dict[str, int]] = {}
    for run in index.runs(on="local"):
        if run.kind != "export" or run.stage is not Stage.COMPLETED or run.plan.get("model") != model:
            continue
        told = run.journal.data("verified")
        for name, one in zip(run.plan.get("quantizations") or (), (told, *(told.get("others") or ())), strict=False):
            if asked := one.get("questions"):
                counts = {"right": asked["right"], "count": asked["count"], "trained": asked["trained_right"]}
                found.setdefault(name, counts)
    return found


def export_outlook(folder: Any, facts: Any, *, scores: bool) -> str:
    """Whether what is trained from this model can become a GGUF file, in words; "" where that cannot be told here."""
    from hfft_widgets.core.export.trained import Trained, outlook
    from hfft_widgets.errors import HfftError
    from hfft_widgets.sources import llama_cpp
    from hfft_widgets.sources.trained import mended_config, tokenizer_facts

    try:
        supported = llama_cpp.supported_architectures()
        known = tokenizer_facts(folder.path)
        known["mended"] = (*known.get("mended", ()), *mended_config(folder.config))
    except HfftError:  # the packages of the export are not installed, or the files say nothing
        return ""
    trained = Trained(
        facts.reference, folder.config, None, None, facts.parameters, folder.files, template=folder.chat_template,
        special_tokens=folder.special_tokens, **known,
    )  # fmt: skip
    return outlook(trained, supported, scores=scores)


def _bases(folder: Any, reference: str, given: Model | None) -> tuple[tuple[str, ...], tuple[Any, str, bool]]:
    """The adapters below an adapter, the first first, and the whole model below them all."""
    from hfft_widgets.core.export.checks import checked_base
    from hfft_widgets.errors import ExportError, HfftError

    chain: list[str] = []
    name, config = reference, folder.adapter_config
    while len(chain) < _LONGEST_CHAIN:
        base = checked_base(name, config, str(given) if given and not chain else None)
        try:
            found = model_folder(str(base))
        except HfftError as error:
            raise ExportError(
                f"{name} is an adapter of {base}, and that base model was not found: {error.what}",
                why="An adapter is only a small change to its base model: llama.cpp needs both, merged.",
                remedy="Give the base, a folder or a Hub id: plan_export(..., base=...).",
            ) from error
        if found[0].adapter_config is None or found[0].config:
            return tuple(reversed(chain)), found
        name, config = found[1], found[0].adapter_config
        chain.append(name)
    raise ExportError(f"{reference} is an adapter of adapters without an end.", remedy="Give its base: base=...")


_LONGEST_CHAIN = 8


def _fetched(trained: Trained, names: list[str]) -> Trained:
    """The same with folders of this machine in place of Hub ids, their weights in them."""
    where = {name: str(model_folder(name, weights=True)[0].path) for name in names}
    base = where[trained.base] if trained.base else None
    chain = tuple(where[name] for name in trained.chain)
    return dataclasses.replace(trained, model=where[trained.model], base=base, chain=chain)
