"""What is known of one setting beside its value, and fields that carry it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from hfft_widgets.core.method import METHODS, Method

PEFT = {"none": "all weights", "lora": "LoRA", "qlora": "QLoRA"}
"""How the weights learn -> what people call it: all of them, adapters beside them, adapters beside 4-bit ones."""
ADAPTERS = ("lora", "qlora")
# a layer as PEFT takes it: the last names of its path
_LAYER = re.compile(r"[A-Za-z_]\w*(?:\.\w+){0,3}", re.ASCII)

Kind = Literal["whole number", "number", "switch", "choice", "names"]
Moved = Literal["memory", "time"]


@dataclass(frozen=True)
class Setting:
    """What is known of one setting beside its value.

    Attributes:
        label: Its name on a control.
        help: What it does, in one line.
        group: The heading it stands under.
        kind: What its values are.
        trl: What TRL's config classes call it; None: the same, until it stands in `SETTINGS`; "": they have no such
            argument.
        least: The lowest value of a number.
        most: The highest; beyond it nothing is learned, or nothing holds it.
        never: A value in between that means nothing.
        above: Whether a value must be above that.
        optional: Whether it may be None, which leaves it to TRL.
        choices: The values, or names, that can be chosen.
        moves: What of the estimate it changes.
        pefts: Ways to train that know it; see `PEFT`.
        free: Whether names beside those in `choices` may be given.
        known_by: Whether a method knows it.
    """

    label: str
    help: str
    group: str
    kind: Kind
    trl: str | None = None
    least: float = 0
    above: bool = False
    most: float = 2**31 - 1
    never: float | None = None
    optional: bool = False
    choices: tuple[str, ...] = ()
    moves: tuple[Moved, ...] = ()
    pefts: tuple[str, ...] = tuple(PEFT)
    free: bool = False
    known_by: Callable[[Method], bool] = lambda _: True

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods that know it."""
        return tuple(name for name, method in METHODS.items() if self.known_by(method))

    def _names(self, name: str) -> bool:
        return name in self.choices or (self.free and bool(_LAYER.fullmatch(name)))

    def said_by(self, method: object, peft: object) -> bool:
        """Whether it says something in a training by this method in this way."""
        return method in self.methods and peft in self.pefts

    @property
    def allowed(self) -> str:
        """What a value must be, in words."""
        more, most = "above" if self.above else "from", f"{self.most:,g}" if self.most < 2**31 - 1 else ""
        whole = f"from {self.least:,} to {most}" if most else f"of at least {self.least:,}"
        never = f", and not {self.never:g}" if self.never is not None else ""
        return {
            "whole number": f"It must be a whole number {whole}{never}.",
            "number": f"It must be a number {more} {self.least:g}{f' to {most}' if most else ''}.",
            "switch": "It must be True or False.",
            "choice": f"Choose one of {', '.join(self.choices)}.",
            "names": self._allowed_names,
        }[self.kind]

    @property
    def _allowed_names(self) -> str:
        known = ", ".join(self.choices)
        if self.free:
            return f"Choose a list of names, each once: {known}, or names of this model's own layers."
        return f"Choose a list of names among {known}, each once; your own go into the script."

    def allows(self, value: object) -> bool:
        """Whether it can have this value."""
        if value is None:
            return self.optional
        if self.kind == "choice":
            return value in self.choices
        if self.kind == "names":
            return isinstance(value, (list, tuple)) and _each_once(value) and all(map(self._names, value))
        if self.kind == "switch" or isinstance(value, bool):
            return self.kind == "switch" and isinstance(value, bool)
        kinds = (int,) if self.kind == "whole number" else (int, float)
        within = isinstance(value, kinds) and self.least <= value <= self.most
        return within and value != self.never and not (self.above and value == self.least)


def _each_once(names: list[Any] | tuple[Any, ...]) -> bool:
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def described(default: Any, group: str, kind: Kind, label: str, help: str, **known: Any) -> Any:  # noqa: A002
    """A field with what is known of it."""
    return field(default=default, metadata={"setting": Setting(label, help, group, kind, **known)})


def count(default: int, group: str, label: str, help: str, least: int = 1, **known: Any) -> Any:  # noqa: A002
    """A field of a whole number."""
    return described(default, group, "whole number", label, help, least=least, **known)


def number(default: float | None, group: str, label: str, help: str, **known: Any) -> Any:  # noqa: A002
    """A field of a number."""
    return described(default, group, "number", label, help, **known)


def switch(default: bool, group: str, label: str, help: str, **known: Any) -> Any:  # noqa: A002
    """A field of True or False."""
    return described(default, group, "switch", label, help, **known)
