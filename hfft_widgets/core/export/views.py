"""An export plan, and a finished export, as text, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.export.quantizations import QUANTIZATIONS
from hfft_widgets.core.html import Child, Markup, card, chip, el, figures, fold, items, join, table
from hfft_widgets.core.script import LESSON_END
from hfft_widgets.core.summary import reasons_html, summary_markdown, summary_text
from hfft_widgets.core.units import bytes_text, count_text, duration_text, plural

if TYPE_CHECKING:
    from hfft_widgets.core.export.plan import ExportPlan


def facts_of(plan: ExportPlan) -> list[tuple[str, str]]:
    """What every rendering says: (name, value)."""
    return [
        ("Model", f"{plan.model}, {count_text(plan.parameters)} parameters ({plan.architecture})"),
        *([("Base", plan.base)] if plan.base else []),
        ("File", f"{plan.file_name}, about {bytes_text(plan.size_bytes)}"),
        ("Steps", ", ".join(plan.step_seconds)),
        ("Time", f"about {duration_text(plan.seconds)} on two cores"),
        ("Memory", f"about {bytes_text(plan.memory_bytes)}"),
        ("Disk", f"about {bytes_text(plan.disk_bytes)} free while it runs"),
    ]


def plan_text(plan: ExportPlan) -> str:
    """The plan for a terminal."""
    return summary_text(f"Export plan: {plan.title}", facts_of(plan), plan.reasons, plan.warnings)


def plan_markdown(plan: ExportPlan) -> str:
    """The plan for a README or an issue, with the lines that start the result."""
    words = summary_markdown(plan.title, facts_of(plan), plan.reasons, plan.warnings)
    return "\n\n".join([words, *[f"**{program}**\n\n```sh\n{line}\n```" for program, line in plan.commands().items()]])


def plan_html(plan: ExportPlan) -> Markup:
    """The plan as a card."""
    status = chip("warn", "With a note") if plan.warnings else chip("ok", "Can be exported")
    subtitle = f"{plan.model} · {count_text(plan.parameters)} parameters · {plan.architecture}"
    why = reasons_html(plan.reasons, plan.warnings)
    return card(plan.title, subtitle, status, _figures(plan), why, _sizes(plan), _after(plan), _lesson(plan),
                label=f"Export plan: {plan.title}")  # fmt: skip


def _figures(plan: ExportPlan) -> Markup:
    return figures(
        (bytes_text(plan.size_bytes), "the file, estimated"),
        (duration_text(plan.seconds), "estimated, on two cores"),
        (bytes_text(plan.memory_bytes), "memory needed"),
        (bytes_text(plan.disk_bytes), "free disk while it runs"),
    )


def _sizes(plan: ExportPlan) -> Markup:
    rows: list[tuple[Child, ...]] = []
    for name, size in plan.sizes_bytes.items():
        q = QUANTIZATIONS[name]
        note = q.good_for if plan.quantizer_available or not q.quantizer else "needs the quantizer, which is missing"
        what = el("span", el("b", name), " ", el("span", f"- {note}", class_="sub"))
        rows.append((what, f"{8 * size / plan.parameters:.1f}", bytes_text(size)))
    chosen = list(plan.sizes_bytes).index(plan.quantization)
    return table(("Quantization", "Bits per weight", "Size"), rows, selected=chosen)


def _after(plan: ExportPlan) -> Markup:
    return fold("How it will be used", command_lines(plan.commands()))


def command_lines(commands: Mapping[str, str]) -> Markup:
    """Each program with the lines that start the model in it, to be copied."""
    return join([[el("div", el("b", program)), el("pre", lines)]
                 for program, lines in commands.items()])  # fmt: skip


def _lesson(plan: ExportPlan) -> Markup:
    lesson = plan.script.partition(LESSON_END)[0].rstrip()
    lines = plan.script.count("\n") + 1
    return fold(f"The script that runs ({lines} lines; the part to read comes first)",
                el("pre", lesson, class_="code"))  # fmt: skip


# ---- The finished export -------------------------------------------------------------------------


def export_result_html(plan_dict: Mapping[str, Any], verified_data: Mapping[str, Any], path: str) -> Markup:
    """A finished export as a card: what it answered, what was checked, how to start it.

    Args:
        plan_dict: `ExportPlan.to_dict()`.
        verified_data: The data of the script's `verified` event.
        path: Where the file is.
    """
    from hfft_widgets.core.export.plan import ExportPlan

    plan, told = ExportPlan.from_dict(plan_dict), verified_data
    good = bool(told.get("verified"))
    status = chip("ok", "Verified in llama.cpp") if good else chip("warn", "Not verified in llama.cpp")
    use = el("div", el("div", "Use it", class_="sub"), command_lines(plan.commands(path, repo=told.get("repo"))))
    return card(plan.file_name, path, status, _result_figures(plan, told), _conversation(told), _checked(told), use,
                label=f"Exported: {plan.file_name}")  # fmt: skip


def _result_figures(plan: ExportPlan, told: Mapping[str, Any]) -> Markup:
    size = int(told.get("bytes") or 0)
    return figures(
        (bytes_text(size), "the file"),
        (plan.quantization, "quantization"),
        (f"{8 * size / plan.parameters:.1f}", "bits per weight"),
        (count_text(plan.parameters), "parameters"),
    )


def _conversation(told: Mapping[str, Any]) -> Markup | None:
    if told.get("answer") is None:
        return None
    end = "It stopped by itself." if told.get("stopped") else "It was cut at the length limit."
    return el(
        "div",
        el("div", "Asked in llama.cpp", class_="sub"),
        el("div", told.get("prompt"), class_="answer"),
        el("div", told["answer"] or "(an empty answer)", class_="answer model"),
        el("div", end, class_="sub"),
    )


def _checked(told: Mapping[str, Any]) -> Markup:
    rows: list[tuple[str, Child, Child, Child]] = []
    if told.get("verified"):
        rows.append(("ok", "Same tokens as the trained model", "Plain texts and conversations were split by both.",
                     plural(int(told.get("strings") or 0), "text")))  # fmt: skip
        rows.append(("ok", "Same end of an answer", el("code", told.get("eos")), ""))
    else:
        rows.append(("warn", "Not run in llama.cpp", told.get("reason"), ""))
        rows.append(("ok", "Weights readable, vocabulary, template and end token are the model's", "", ""))
    rows += [("warn", words, "", "") for words in told.get("warnings") or ()]
    return items(rows)
