"""Asking a trained model, and the one it was trained from, the same."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from hfft_widgets.child_process import ask_child
from hfft_widgets.core.method import METHODS
from hfft_widgets.errors import RunError
from hfft_widgets.hub.token import own_mask
from hfft_widgets.jobs.trained_model import trained_model

Which = Literal["both", "trained", "untrained"]


@dataclass(frozen=True)
class ModelAnswer:
    """What a model answers, and what the one that it was trained from answers to the same, asked the same way.

    Attributes:
        prompt: What was asked.
        trained: The answer of the trained model; None: it was not asked.
        untrained: That of the model before.
    """

    prompt: str
    trained: str | None = None
    untrained: str | None = None

    def __str__(self) -> str:
        said = (("untrained", self.untrained), ("trained", self.trained))
        return "\n".join([f"asked: {self.prompt}", *(f"{name}: {text}" for name, text in said if text is not None)])


def ask_run(run: Any, prompt: str, which: Which = "both", *, longest: int, temperature: float) -> ModelAnswer:
    """The same of the models of a finished training, a `Run`, whose module imports this one.

    Raises:
        ExportError: It has no finished model.
        RunError: It could not be asked.
    """
    trained = str(trained_model(run))
    method = METHODS.get(str(run.plan.get("method")))
    if method is not None and not method.answers:
        raise RunError("A reward model judges answers and writes none.", remedy="Ask the model that it is to judge.")
    asked = ask_models(trained, str(run.plan["model"]), [prompt], which, longest=longest, temperature=temperature)
    return asked[0]


def ask_models(
    trained: str, untrained: str, prompts: Sequence[str], which: Which = "both", *, longest: int, temperature: float
) -> list[ModelAnswer]:
    """Ask one model, the other, or both, in a process of its own that ends with the last answer.

    Args:
        trained: Folder or Hub id of the trained model, whose tokenizer and chat template both are asked with.
        untrained: The model that it was trained from.
        prompts: What is asked, each for itself.
        which: Who is asked.
        longest: Tokens an answer may have.
        temperature: 0: always the likeliest next word; else the same chance for both.

    Raises:
        RunError: No answer came.
    """
    if which not in {"both", "trained", "untrained"}:
        raise RunError(f"which is {which!r}.", remedy="Choose one of: both, trained, untrained.")
    sources = {"untrained": untrained, "trained": trained}
    told = _asked({
        "models": {name: source for name, source in sources.items() if which in {"both", name}},
        "tokenizer": trained, "prompts": list(prompts), "longest": longest, "temperature": temperature, "seed": 0,
    })  # fmt: skip
    return [
        ModelAnswer(prompt, **{name: answers[number] for name, answers in told.items()})
        for number, prompt in enumerate(prompts)
    ]


def _asked(asked: Mapping[str, Any]) -> dict[str, list[str]]:
    script = str(files("hfft_widgets.scripts.proof").joinpath("answering.py"))
    try:
        answers, last, _ = ask_child([sys.executable, script], asked)
        told = answers[0] if answers else {"error": last[-500:]}
    except (OSError, ValueError) as error:
        told = {"error": f"{type(error).__name__}: {error}"[:500]}
    if "error" in told:
        why = own_mask().hide(str(told["error"]))
        raise RunError("The model could not be asked.", why=why, remedy="It needs pip install 'hfft-widgets[train]'.")
    return {name: [str(one) for one in answers] for name, answers in told.items()}
