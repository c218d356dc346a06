"""What a chosen file and a question's text must be."""

from __future__ import annotations

from typing import Any

from hfft_widgets.teaching.checks import Judge, kind_problem
from hfft_widgets.teaching.tables import quantizations

MOST_CHANGED = 3


def smallest_good_file(choice: Any) -> list[str]:
    """The smallest file that changes few enough answers."""
    table = quantizations()
    found = {one.quantization: one for one in table.files}
    if choice not in found:
        return [f"{choice!r} is none of the files. Choose one of: {', '.join(found)}."]
    chosen = found[choice]
    if chosen.changed > MOST_CHANGED:
        return [f"{choice} changes {chosen.changed} answers. At most {MOST_CHANGED} may change."]
    smaller = [one for one in table.files if one.changed <= MOST_CHANGED and one.size_bytes < chosen.size_bytes]
    return ["There is a smaller file that changes as few answers."] if smaller else []


def templated_text(text: Any) -> list[str]:
    """A question in the model's own template, whose next word is the first word of an answer."""
    if wrong := kind_problem(text, str, "a text"):
        return wrong
    template = quantizations().forms["its own template"].template
    opening, closing = template.split("{question}")
    question = text.removeprefix(opening).removesuffix(closing)
    problems = []
    bare = opening.removeprefix("<s>")  # llama.cpp writes the mark of the beginning itself
    if not text.startswith((opening, bare)):
        problems.append("The mark that says who speaks is not before the question.")
    if not text.endswith(closing):
        problems.append(
            "The text does not end with the mark that opens an answer: the model would go on with the question."
        )
    if not problems and "isleap(year)" not in question.splitlines():
        problems.append("The question itself is not in the text.")
    if "{question}" in text:
        problems.append("{question} is still in the text: put the question there.")
    return problems


CHECKS: dict[str, Judge] = {"export-ex1": smallest_good_file, "export-ex2": templated_text}
