"""What a sentence asks for, put into the fields of the page.

    fill(tuner, sentence.read("Fine-tune Qwen3-0.6B on my-org/faq"))

What a plan or an export is asked for waits until its panel can take it: a checked dataset, a trained model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hfft_widgets.core.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hfft_widgets.sentence import Request

_PLANNED = ("goal", "method", "peft", "push_to")
_PARTS = ("rows", "share")


def fill(tuner: Any, request: Request) -> dict[str, str]:
    """Put what a sentence asks for into the fields of a page, as if a person had typed it; nothing is started.

    Args:
        tuner: A FineTuner: its panels `data`, `planner` and `exporter`.
        request: From `sentence.read`.

    Returns:
        What no field takes -> what to do instead.
    """
    if {"validate", "plan"} & set(request.asked):
        _fill_data(tuner, request)
        fill_plan(tuner, request)
    if "export" in request.asked and "plan" not in request.asked:
        if request.model:
            tuner.exporter.source = request.model
        fill_export(tuner, request)
        tuner.open_step(len(tuner.panels) - 1)
    elif request.asked:
        tuner.open_step(0)
    return dict(_unfilled(tuner, request))


def _fill_data(tuner: Any, request: Request) -> None:
    data = tuner.data
    data.opens = request.method or "" if "validate" in request.asked else ""
    for name in ("dataset", "model"):
        if (value := getattr(request, name)) is not None:
            data.put(name, value)
    for name in ("config", "split"):
        if request.dataset is not None or getattr(request, name) is not None:
            data.put(name, getattr(request, name))
    if data.stale:  # a plan of other data is none for these
        tuner.planner.take(None, data.values["model"])


def fill_plan(tuner: Any, request: Request) -> None:
    """Fill in what a plan shall be; the fields that a sentence says nothing of go back to "auto"."""
    planner = tuner.planner
    if "plan" not in request.asked:
        return
    planner.take(planner.data, request.model)
    planner.values |= {name: getattr(request, name) or "" for name in (*_PLANNED, "where", "flavor")}
    limit = f"{request.max_usd:g}" if request.max_usd else ""
    planner.values |= {"max_usd": limit, "other_usd": limit}
    planner.prefer(**request.settings, **_part(request, planner.data))
    planner.refresh()


def _part(request: Request, data: Any) -> dict[str, int]:
    """How many of the rows; a share of them is known once they are counted."""
    rows = request.rows
    if request.share and data is not None:
        rows = max(2, round(request.share * (data.all_rows or data.total)))
    return {"rows": rows} if rows else {}


def no_field(request: Request) -> tuple[str, ...]:
    """Names of what a sentence says and no field takes: a check looks at whole splits, a plan can take a part."""
    return () if "plan" in request.asked else _PARTS


def fill_export(tuner: Any, request: Request) -> None:
    """Fill in what an export shall be."""
    exporter = tuner.exporter
    if request.quantization:
        exporter.put("quantization", request.quantization[0])
    if request.push_gguf_to:
        exporter.put("push_to", request.push_gguf_to)
    machine = _export_machine(tuner, request)
    if machine and "plan" not in request.asked:
        exporter.put("where", machine)


def _export_machine(tuner: Any, request: Request) -> str | None:
    offered = {value for _, value in tuner.exporter.choices["flavor"]}
    wanted = request.flavor or ("local" if request.where == "local" else None)
    return wanted if wanted in offered else None


def _unfilled(tuner: Any, request: Request) -> Iterable[tuple[str, str]]:
    words = dict(zip(request.filled, request.words, strict=True))
    for name in no_field(request):
        if name in words:
            yield ": ".join(words[name]), "choose a split with fewer rows"
    if len(request.quantization) > 1:
        yield f"{', '.join(request.quantization[1:])} too", "export once for each"
    export_only = request.asked == ("export",)
    if export_only and request.where == "jobs" and _export_machine(tuner, request) is None:
        yield "Hugging Face Jobs", "choose a machine under “Where”"
    if export_only and request.trained and tuner.exporter.source is None:
        yield "The model that was trained here", "there is none yet: train one, choose an earlier run, or name a model"
    if request.seconds and "plan" in request.asked:
        yield f"At most {duration_text(request.seconds)}", "the plan says how long it takes, and can be cut to that"
