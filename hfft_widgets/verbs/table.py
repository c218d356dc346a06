"""Which verb has which doors. The doors are made from this table, and a test holds it against what they offer."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hfft_widgets import verbs
from hfft_widgets.verbs.reply import Reply

BY_DOOR = ("progress", "allowance", "into_existing")
"""Parameters that a door fills in; who calls it cannot."""


@dataclass(frozen=True)
class Verb:
    """One verb and its doors.

    Attributes:
        name: Its name.
        call: The function.
        tool: Its MCP tool, or "".
        commands: Its commands.
        jupyter: Whether Jupyter AI's agents have it: "yes", "local only" or "".
        sentence: Whether a sentence leads to it: "yes", "filled in" (a person presses) or "".
        changes: Whether it starts or ends something.
        destroys: Whether it ends something.
        outside: Whether it may ask the Hub.
    """

    name: str
    call: Callable[..., Reply]
    tool: str = ""
    commands: tuple[str, ...] = ()
    jupyter: str = "yes"
    sentence: str = ""
    changes: bool = False
    destroys: bool = False
    outside: bool = True

    @property
    def says(self) -> str:
        """What it does, in one paragraph."""
        return inspect.getdoc(self.call).partition("\n\n")[0].replace("\n", " ")  # type: ignore[union-attr]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What who calls it can give."""
        hints, words = get_type_hints(self.call), _arguments(self.call)
        given = inspect.signature(self.call).parameters.values()
        return tuple(Parameter(p.name, hints[p.name], p.default, words[p.name]) for p in given if p.name not in BY_DOOR)

    def takes(self, name: str) -> bool:
        """Whether the door fills in this parameter."""
        return name in inspect.signature(self.call).parameters


@dataclass(frozen=True)
class Parameter:
    """One value that a verb takes.

    Attributes:
        name: Its name.
        hint: Its type.
        default: What it is if not given; `inspect.Parameter.empty`: it must be given.
        says: What it means.
    """

    name: str
    hint: Any
    default: Any
    says: str

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is inspect.Parameter.empty

    @property
    def kind(self) -> Any:
        """Its type without None."""
        if get_origin(self.hint) in {Union, types.UnionType}:
            return next(one for one in get_args(self.hint) if one is not type(None))
        return self.hint

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that are allowed; () if any is."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()


VERBS = (
    Verb("validate", verbs.validate, "validate", ("validate",), sentence="yes"),
    Verb("preview", verbs.preview, "preview", ("preview",)),
    Verb("prove", verbs.prove, "prove", ("prove",)),
    Verb("rules", verbs.rules, "", ("rules",), jupyter="", outside=False),
    # a person's own file leaves the machine: no agent does that
    Verb("upload", verbs.upload, "", ("upload",), jupyter="", changes=True),
    Verb("plan", verbs.plan, "plan", ("plan",), sentence="yes"),
    Verb("script", verbs.script, "script", ("script",)),
    Verb("launch", verbs.launch, "launch", ("launch",), jupyter="local only", sentence="filled in", changes=True),
    Verb("runs", verbs.runs, "runs", ("runs",)),
    Verb("run", verbs.run, "run", ("run",)),
    Verb("wait", verbs.wait, "wait", ("watch",)),
    Verb(
        "control",
        verbs.control,
        "control",
        ("cancel", "finish", "resume", "start-now", "rename"),
        changes=True,
        destroys=True,
    ),
    Verb("export", verbs.export, "export", ("export",), sentence="yes"),
    Verb("diagnose", verbs.diagnose, "diagnose", ("diagnose",)),
    Verb("ledger", verbs.ledger, "", ("ledger",), jupyter="", outside=False),
    Verb("doctor", verbs.doctor, "", ("doctor",), jupyter=""),
)

AWAITED: dict[str, tuple[str, str]] = {}
"""Verbs of the table that do not exist yet: name -> where it will stand, and the doors that it needs then."""


def verb(name: str) -> Verb:
    """The verb of that name; raises KeyError."""
    return {one.name: one for one in VERBS}[name]


def _arguments(call: Callable[..., Any]) -> dict[str, str]:
    """Parameter -> what its docstring says of it."""
    text = (inspect.getdoc(call) or "").partition("Args:\n")[2].partition("\n\n")[0]
    found = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", text, re.MULTILINE)
    return {name: " ".join(words.split()) for name, words in found}
