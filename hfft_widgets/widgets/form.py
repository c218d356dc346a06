"""Controls as HTML: native fields and buttons, labels above, errors under the field."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfft_widgets.cards.parts import icon
from hfft_widgets.core.html import Markup, el, join

Choices = Iterable[tuple[str, str]]  # (words, value)


@dataclass(frozen=True)
class Form:
    """The fields of one panel.

    Attributes:
        prefix: What stands before the names of fields and actions on the page, e.g. "data."; unique on the page.
        values: What stands in the fields.
        errors: What is wrong with a field, under it.
        off: Whether buttons do nothing now, since something is going on.
    """

    prefix: str
    values: Mapping[str, Any]
    errors: Mapping[str, str] = field(default_factory=dict)
    off: bool = False

    def button(
        self,
        words: str,
        do: str,
        *,
        value: object = None,
        primary: bool = False,
        quiet: bool = False,
        off: bool = False,
        always: bool = False,
        help_: str | None = None,
        label: str | None = None,
        expanded: bool | None = None,
    ) -> Markup:
        """A button that runs an action.

        Args:
            words: What it does.
            do: The action.
            value: What the action gets, as text.
            primary: Whether it is the one next thing to do.
            quiet: Whether it looks like a link.
            off: Whether it cannot be pressed now; it keeps the focus.
            always: Whether it works while something is going on.
            help_: More words, on hover.
            label: Its name where the words alone do not say enough, e.g. beside others of the same words.
            expanded: Whether what it folds is open; it looks like a fold then. None: it folds nothing.
        """
        kind = "primary" if primary else "fold" if expanded is not None else "quiet" if quiet else None
        disabled = off or (self.off and not always)
        return el(
            "button", words, type="button", class_=f"hfft-button {kind}" if kind else "hfft-button", title=help_,
            data_do=self.prefix + do, data_value=value, aria_label=label, aria_disabled="true" if disabled else None,
            aria_expanded=None if expanded is None else "true" if expanded else "false",
            data_key=None if value is None or primary else f"do {do} {value}",
        )  # fmt: skip

    def text(
        self,
        name: str,
        label: str,
        *,
        hint: str = "",
        help_: str = "",
        suggestions: Collection[str] | None = None,
        enter: str = "",
        wide: bool = False,
        half: bool = False,
        number: bool = False,
    ) -> Markup:
        """A field for a line of text or a number.

        Args:
            name: The field.
            label: Above it.
            hint: An example, while it is empty.
            help_: What it is, in words under it.
            suggestions: What could be meant; an empty list asks for some as a person types.
            enter: The action that Enter runs.
            wide: Whether it takes the whole row.
            half: Whether it takes half of it, where there is room.
            number: Whether digits are typed.
        """
        value = self.values.get(name)
        known = None
        if suggestions is not None:
            known = el("datalist", [el("option", value=one) for one in suggestions], id=self.id(name, "list"))
        control = el(
            "input", **self._common(name, help_), type="text", value="" if value is None else str(value),
            placeholder=hint or None, autocomplete="off", spellcheck="false",
            list=self.id(name, "list") if known else None,
            data_suggest=known is not None or None, data_enter=self.prefix + enter if enter else None,
            inputmode="decimal" if number else None,
        )  # fmt: skip
        kind = "wide" if wide else "half" if half else "number" if number else ""
        return self._field(name, label, join([control, known]), help_, kind)

    def secret(self, name: str, label: str, words: str, do: str) -> Markup:
        """A field that is never echoed and is no value of the panel: its text is sent once, with the button, and gone.

        Args:
            name: The field.
            label: Above it.
            words: The button's.
            do: The action, which gets the text.
        """
        control = el(
            "input", id=self.id(name), type="password", autocomplete="off", spellcheck="false",
            data_enter=self.prefix + do,
        )  # fmt: skip
        send = el(
            "button", words, type="button", class_="hfft-button", data_do=self.prefix + do, data_from=self.id(name),
            aria_disabled="true" if self.off else None,
        )  # fmt: skip
        return el("div", self._field(name, label, control, ""), send, class_="hfft-actions")

    def choice(
        self, name: str, label: str, choices: Choices, *, help_: str = "", wide: bool = False, half: bool = False
    ) -> Markup:
        """One of several values in a list."""
        value = str(self.values.get(name) or "")
        options = [el("option", words, value=one, selected=one == value) for words, one in choices]
        kind = "wide" if wide else "half" if half else ""
        return self._field(name, label, el("select", options, **self._common(name, help_)), help_, kind)

    def segments(
        self, name: str, label: str, choices: Choices, *, help_: str = "", off: Collection[str] = ()
    ) -> Markup:
        """One of a few values side by side; the arrows move between them, and pass by those that are off."""
        value = str(self.values.get(name) or "")
        made = [
            el(
                "label",
                el(
                    "input",
                    type="radio",
                    name=self.id(name),
                    data_field=self.prefix + name,
                    value=one,
                    checked=one == value,
                    disabled=one in off and one != value,
                ),
                el("span", words),
                data_key=f"{name} {one}",
            )
            for words, one in choices
        ]
        group = el("div", made, class_="hfft-segments", role="radiogroup", aria_label=label)
        return el("div", el("span", label, class_="label"), group, self._notes(name, help_), class_="hfft-field wide")

    def switch(self, name: str, label: str, *, help_: str = "") -> Markup:
        """Yes or no."""
        control = el("input", type="checkbox", checked=bool(self.values.get(name)), **self._common(name, help_))
        return el(
            "div", el("label", control, el("span", label)), self._notes(name, help_), class_="hfft-field switch",
            data_key=f"field {name}",
        )  # fmt: skip

    def slider(self, name: str, label: str, low: int, high: int, value: int) -> Markup:
        """A whole number between two; it is followed while it moves."""
        control = el(
            "input", **self._common(name, ""), type="range", min=low, max=high, value=value, data_suggest=True,
            aria_valuetext=f"{value:,}",
        )  # fmt: skip
        return self._field(name, f"{label} {value:,}", control, "", "half")

    def area(self, name: str, label: str, *, rows: int = 20) -> Markup:
        """Many lines of text, in the font of code."""
        control = el(
            "textarea", str(self.values.get(name) or ""), rows=rows, spellcheck="false", **self._common(name, "")
        )
        return self._field(name, label, control, "", "wide code")

    # ---- what every field has ------------------------------------------------------------------

    def id(self, *names: str) -> str:
        """A field's id on the page."""
        return "-".join((self.prefix.replace(".", "-"), *names))

    def _common(self, name: str, help_: str) -> dict[str, Any]:
        wrong = name in self.errors
        described = [self.id(name, part) for part, there in (("error", wrong), ("help", help_)) if there]
        return {
            "id": self.id(name),
            "name": name,
            "data_field": self.prefix + name,
            "aria_invalid": "true" if wrong else None,
            "aria_describedby": " ".join(described) or None,
        }

    def _field(self, name: str, label: str, control: Markup, help_: str, kind: str = "") -> Markup:
        head = el("label", label, for_=self.id(name), class_="label")
        return el(
            "div",
            head,
            control,
            self._notes(name, help_),
            class_=f"hfft-field {kind}".strip(),
            data_key=f"field {name}",
        )

    def _notes(self, name: str, help_: str) -> Markup:
        error = self.errors.get(name)
        return join(
            [
                el("div", icon("bad"), error, class_="error", id=self.id(name, "error"), role="alert")
                if error
                else None,
                el("div", help_, class_="help", id=self.id(name, "help")) if help_ else None,
            ]
        )


def actions(*buttons: Any) -> Markup:
    """Buttons side by side."""
    return el("div", *buttons, class_="hfft-actions")


def fields(*made: Any) -> Markup:
    """Fields side by side, as many as the width bears."""
    return el("div", *made, class_="hfft-fields")
