"""An export plan, and a finished export, as text, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hfft_widgets.cards import known
from hfft_widgets.cards.parts import card, chip, copy_button, failure, figures, fold, heading, icon, items, table
from hfft_widgets.cards.summary import facts_known, reasons_html, summary_markdown, summary_text
from hfft_widgets.core.export.proof import BLANK_ANSWERS, answers_are_blank, standing
from hfft_widgets.core.html import Child, Markup, el, join
from hfft_widgets.core.units import bytes_text, count_text, duration_text, plural

Values = Mapping[str, Any]

_FACTS = {
    "Model": lambda p: f"{p['model']}, {count_text(p['parameters'])} parameters ({p['architecture']})",
    "Base": lambda p: p["base"],
    "File": lambda p: f"{p['file_name']}, about {bytes_text(p['size_bytes'])}",
    "Beside it": lambda p: ", ".join(f"{q}, about {bytes_text(p['sizes_bytes'][q])}" for q in p["quantizations"][1:]),
    "Steps": lambda p: ", ".join(p["card"]["steps"]),
    "Time": lambda p: f"about {duration_text(p['seconds'])} on two cores",
    "Memory": lambda p: f"about {bytes_text(p['memory_bytes'])}",
    "Disk": lambda p: f"about {bytes_text(p['disk_bytes'])} free while it runs",
}


def text(plan: Values) -> str:
    """The plan for a terminal."""
    return summary_text(f"Export plan: {plan['title']}", facts_known(_FACTS, plan), plan["reasons"], plan["warnings"])


def markdown(plan: Values) -> str:
    """The plan for a README or an issue, with the lines that start the result."""
    words = summary_markdown(plan["title"], facts_known(_FACTS, plan), plan["reasons"], plan["warnings"])
    commands = plan["card"].get("commands", {})
    return "\n\n".join([words, *(f"**{program}**\n\n```sh\n{line}\n```" for program, line in commands.items())])


def html(plan: Values) -> Markup:
    """The plan as a card."""
    status = chip("warn", "With a note") if plan["warnings"] else chip("ok", "Can be exported")
    folded = join(known(part, plan) for part in (_sizes, _after, _script))
    sections = [known(_figures, plan), known(_why, plan), folded]
    return card(plan["title"], known(_subtitle, plan), status, *sections, label=f"Export plan: {plan['title']}")


def _subtitle(plan: Values) -> str:
    return f"{plan['model']} · {count_text(plan['parameters'])} parameters · {plan['architecture']}"


def _figures(plan: Values) -> Markup:
    return figures(
        (bytes_text(plan["size_bytes"]), "the file, estimated"),
        (duration_text(plan["seconds"]), "estimated, on two cores"),
        (bytes_text(plan["memory_bytes"]), "memory needed"),
        (bytes_text(plan["disk_bytes"]), "free disk while it runs"),
    )


def short_figures(plan: Values) -> Markup:
    """Size, time and memory in a line."""
    return join(
        [
            el("span", el("b", bytes_text(plan["size_bytes"])), f" as {plan['quantization']}"),
            el("span", "about ", el("b", duration_text(plan["seconds"]))),
        ]
    )


def _why(plan: Values) -> Markup:
    return reasons_html(plan["reasons"], plan["warnings"])


def _sizes(plan: Values) -> Markup:
    rows: list[tuple[Child, ...]] = []
    notes = plan["card"].get("notes", {})
    known_answers, memory = plan.get("answered") or {}, plan.get("running_bytes") or {}
    for name, size in plan["sizes_bytes"].items():
        note = [" ", el("span", notes[name], class_="sub")] if name in notes else None
        asked = known_answers.get(name)
        right = f"{asked['right']} of {asked['count']}" if asked else "not exported yet"
        needs = bytes_text(memory[name]) if name in memory else "with its base"
        bits = f"{8 * size / plan['parameters']:.1f}" if name in memory or not memory else ""  # not of an adapter
        more = ([needs] if memory else []) + ([right] if known_answers else [])
        rows.append((el("span", el("b", name), note), bits, bytes_text(size), *more))
    chosen = list(plan["sizes_bytes"]).index(plan["quantization"])
    heads = ["Quantization", "Bits per weight", "Size", *(["Memory to answer"] if memory else [])]
    if known_answers:
        heads.append(f"Right answers (trained: {next(iter(known_answers.values()))['trained']})")
    return fold(f"All {len(rows)} kinds of file: size, memory, right answers", table(heads, rows, selected=chosen))


def _after(plan: Values) -> Markup:
    return fold("How it will be used", command_lines(plan["card"]["commands"]))


def command_lines(commands: Mapping[str, str]) -> Markup:
    """Each program with the lines that start the model in it, to be copied."""
    return join([el("div", el("b", program), command_view(lines)) for program, lines in commands.items()])


def command_view(lines: str) -> Markup:
    """Lines to type, with a button that copies them."""
    return el("div", el("pre", lines), copy_button(lines), class_="command")


def _script(plan: Values) -> Markup:
    title = f"The script that runs ({plan['card']['script_lines']} lines; the part to read comes first)"
    return fold(title, el("pre", plan["card"]["recipe"], class_="code"))


# ---- A running export ----------------------------------------------------------------------------

_STEPS = {
    "merge": ("Merge", "Merging the adapter"), "compute": ("Compute", "Computing what the model says"),
    "convert": ("Convert", "Converting"), "prove": ("Prove", "Comparing the numbers"),
    "quantize": ("Quantize", "Quantizing"), "compare": ("Compare", "Comparing the tensors"),
    "adapter": ("Adapter", "Writing the adapter's own file"),
    "prove_adapter": ("Add up", "Adding the adapter to its base"),
    "verify": ("Verify", "Verifying in llama.cpp"),
}  # fmt: skip


def running_html(title: str, run_id: str, gone: Markup, steps: Sequence[str], doing: Values) -> Markup:
    """An export that runs, as a card that stays as high as it is.

    Args:
        title: The plan in one line.
        run_id: The run.
        gone: Time since its start, of `parts.age`.
        steps: The steps it takes, in order.
        doing: The data of the script's newest `progress` event.
    """
    stage, percent = str(doing.get("stage") or ""), round(100 * float(doing.get("fraction") or 0), 1)
    at = steps.index(stage) if stage in steps else len(steps) if doing.get("message") else -1
    made = [
        el("li", icon("ok" if n < at else "run" if n == at else "wait"), _STEPS.get(step, (step.title(),))[0],
           class_="now" if n == at else None)
        for n, step in enumerate(steps)
    ]  # fmt: skip
    about = el("div", run_id, " · ", gone, class_="sub")
    words = str(doing.get("message") or "Starting")
    meter = el("div", el("i", style=f"width:{percent}%"), class_="meter", role="progressbar", aria_label="Progress",
               aria_valuenow=percent, aria_valuemin=0, aria_valuemax=100)  # fmt: skip
    return el(
        "article",
        el("header", el("div", el("h3", title), about, class_="grow"), chip("run", doing_words(doing))),
        el("section", meter, el("ol", made, class_="stages"), el("div", words, class_="sub")),
        class_="hfft",
        aria_label=f"Export: {title}",
    )


def doing_words(doing: Values) -> str:
    """What an export does, in a word or two; "Starting" before its first step."""
    stage = str(doing.get("stage") or "")
    return _STEPS.get(stage, ("", "Pushing to the Hub" if doing.get("message") else "Starting"))[1]


def failed_html(title: str, run_id: str, words: str, remedy: str, *, stopped: bool) -> Markup:
    """An export that came to no file, as a card.

    Args:
        title: The plan in one line.
        run_id: The run.
        words: What went wrong.
        remedy: Why, and what to do.
        stopped: Whether a person stopped it.
    """
    status = chip("warn", "Stopped") if stopped else chip("bad", "Failed")
    said = el("div", icon("info"), " No half-made file stays.", class_="note") if stopped else failure(words, remedy)
    return card(title, run_id, status, el("div", said, role="alert"), label=f"Not exported: {title}")


# ---- The finished export -------------------------------------------------------------------------


def result_html(export: Values, *, use: Markup | None = None, answers: Values | None = None) -> Markup:
    """A finished export as a card: what it answered, what was checked, how to start it.

    Args:
        export: What `ExportPlan.finished` gives.
        use: How to start it, where that is chosen from; all ways if not given.
        answers: What the trained model answered to held-out questions, of the training's `answers` event.
    """
    proof, path, title = export["verified"], export["path"], export["file_name"]
    status, words = standing(proof)
    use = use if use is not None else el("div", heading("Use it"), command_lines(export["commands"]))
    where = fold("Where the file is", command_view(path))
    checked = el("div", _checked(proof), _all_files(export, proof), where)
    parts = (_conversation(proof, answers or {}), _result_figures(export, proof, answers or {}), use, checked)
    subtitle = f"{export['model'].rsplit('/', 1)[-1]} as one file"
    return card(title, subtitle, chip(status, words.capitalize()), *parts, label=f"Exported: {title}")


def _all_files(export: Values, proof: Values) -> Markup | None:
    """Where several files were made: each with its size and how it answered."""
    others = proof.get("others") or ()
    if not others:
        return None
    rows: list[tuple[Child, ...]] = []
    for name, one in zip(export["quantizations"], (proof, *others), strict=False):
        asked = one.get("questions")
        same = f"{asked['same']} of {asked['count']}" if asked else "not asked"
        right = f"{asked['right']} of {asked['count']}" if asked else "not asked"
        rows.append((el("b", name), bytes_text(one["bytes"]), same, right))
    asked = proof.get("questions")
    trained = f" (trained: {asked['trained_right']})" if asked else ""
    heads = ("File", "Size", "Answers as trained", f"Right answers{trained}")
    return el("div", heading("All files of this export"), table(heads, rows, selected=0))


def _result_figures(plan: Values, proof: Values, answers: Values) -> Markup:
    size, score = int(proof.get("bytes") or 0), answers.get("score")
    asked = plural(int(answers.get("count") or 0), "held-out question")
    bits = f"{8 * size / plan['parameters']:.1f} bits per weight"
    right = f"of {asked} right: the model as trained, not this file"
    return figures(
        *([(f"{score['after']:.0%}", right)] if score else []),
        (bytes_text(size), "the file"),
        (plan["quantization"], "beside its base" if proof.get("alone") else bits),
        (count_text(plan["parameters"]), "parameters"),
    )


def _conversation(proof: Values, answers: Values) -> Markup | None:
    if proof.get("answer") is None:
        return None
    end = "It stopped by itself." if proof.get("stopped") else "It was cut at the length limit."
    return el(
        "div",
        heading("Asked in llama.cpp"),
        el("div", proof.get("prompt"), class_="answer"),
        el("div", proof["answer"] or "(an empty answer)", class_="answer model"),
        el("div", end, *_compared(proof, answers), class_="sub"),
    )


def _compared(proof: Values, answers: Values) -> list[Child]:
    """What the trained model said, and what was right, where this question was asked before."""
    row = next((row for row in answers.get("rows") or () if row.get("prompt") == proof.get("prompt")), None)
    if row is None:
        return []
    trained, right = str(row["after"]).strip(), str(row["expected"]).strip()
    said = str(proof["answer"]).strip()
    told: list[Child] = [" The trained model answered the same." if trained == said else
                         join([" The trained model answered: ", el("b", trained), "."])]  # fmt: skip
    if said == right:
        return [*told, " ", icon("ok"), " That is what the data says."]
    return [*told, " The data says: ", el("b", right), "."]


Row = tuple[str, Child, Child, Child]


def _numbers(proof: Values) -> list[Row]:
    """What was computed with the weights; a file proven before there was such a check says nothing."""
    rows: list[Row] = []
    if found := proof.get("numbers"):
        words = f"KL {found['kl']:.1e} nats to the trained model; unrelated words are {found['scale']:.2g} apart."
        ties = int(found.get("ties") or 0)
        words += f" At {plural(ties, 'position')} two experts tied." if ties else ""
        rows.append(("ok", "Computes what the trained model computes", words, plural(found["positions"], "position")))
    if alone := proof.get("alone"):
        words = "Base and file were added up, weight by weight, and llama.cpp loaded them together."
        rows.append(("ok", "Added to its base it is the trained model", words, f"{alone['changed']} matrices"))
    if lost := proof.get("lost"):
        most = ", ".join(f"{kind} {share:.2%}" for kind, share in lost.items() if share)
        tensors = plural(sum((proof.get("tensors") or {}).values()), "tensor")
        rows.append(("ok", "Lost no more than its type explains", f"At most: {most}." if most else "", tensors))
    return rows


def _questions(proof: Values) -> list[Row]:
    """How the file answered what the training asked at its end."""
    found = proof.get("questions")
    if not found:
        return []
    count, same = int(found["count"]), int(found["same"])
    asked = plural(count, "held-out question")
    if answers_are_blank(found):
        return [("warn", BLANK_ANSWERS.capitalize(), "Neither the trained model nor the file says a word.", asked)]
    right = f"Right: trained {found['trained_right'] / count:.0%}, file {found['right'] / count:.0%}."
    status = "ok" if found["alike"] == count else "warn"
    title = f"Answers {same} of {count} as the trained model, word for word"
    blank = count - int(found.get("telling", count))
    right += f" {plural(blank, 'answer')} of both blank." if blank else ""
    return [(status, title, right, asked)]


def _checked(proof: Values) -> Markup:
    rows: list[Row] = [*_questions(proof), *_numbers(proof)]
    if proof.get("verified"):
        rows.append(("ok", "Same tokens as the trained model", "Plain texts and conversations were split by both.",
                     plural(int(proof.get("strings") or 0), "text")))  # fmt: skip
        rows.append(("ok", "Same end of an answer", el("code", proof.get("eos")), ""))
    else:
        rows.append(("warn", "Not run in llama.cpp", proof.get("reason"), ""))
        rows.append(("ok", "Weights readable, vocabulary, template and end token are the model's", "", ""))
    rows += [("ok", "Mended on the way", words, "") for words in proof.get("repairs") or ()]
    rows += [("warn", words, "", "") for words in proof.get("warnings") or ()]
    return items(rows)
