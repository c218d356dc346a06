"""A panel as a person reads it: its buttons by their words, its fields by their labels, and what is pressed and filled.

    page(panel).button("Check dataset").off
    page(panel).field("Epochs").error
    press(panel, "Check dataset")
    fill(panel, "Epochs", "3")

`press` and `fill` send the very message that a page would send.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

VOID = frozenset({"input", "br", "hr", "img", "meta", "link"})
CONTROLS = frozenset({"input", "select", "textarea"})


class Element:
    """One element, with what is inside it."""

    def __init__(self, tag: str, attributes: dict[str, str], parent: Element | None = None) -> None:
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.children: list[Element | str] = []

    def __repr__(self) -> str:
        return f"<{self.tag} {self.attributes}> {self.text[:200]}"

    def __getitem__(self, attribute: str) -> str:
        return self.attributes.get(attribute, "")

    @property
    def classes(self) -> set[str]:
        return set(self["class"].split())

    @property
    def text(self) -> str:
        """Its words, as they are read; of an icon its name is no part."""
        words = "".join(child if isinstance(child, str) else child.text for child in self.children)
        around = " " if self.tag not in {"b", "i", "span", "a", "bdi", "code", "mark", "small"} else ""
        return re.sub(r"\s+", " ", f"{around}{words}{around}") if self.parent else words.strip()

    @property
    def words(self) -> str:
        return " ".join(self.text.split())

    def walk(self) -> Iterator[Element]:
        """It, and all elements inside, in the order of reading."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, *, tag: str = "", class_: str = "", **attributes: str) -> list[Element]:
        """The elements of a tag, of a class, with attributes (`data_key="bar"`)."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            one
            for one in self.walk()
            if (not tag or one.tag == tag)
            and set(class_.split()) <= one.classes
            and all(name in one.attributes and one[name] == value for name, value in wanted.items())
        ]

    def one(self, **wanted: str) -> Element:
        """The only such element."""
        found = self.all(**wanted)
        assert len(found) == 1, f"{len(found)} of {wanted}: {found}"
        return found[0]

    # ---- what a person looks for ---------------------------------------------------------------

    @property
    def buttons(self) -> list[str]:
        """The words of all buttons."""
        return [one.words for one in self.all(tag="button")]

    def has_button(self, words: str) -> bool:
        return words in self.buttons

    def button(self, words: str, nth: int = 0) -> Element:
        """The button with these words: all of them, else the first that begins so, else that is described so."""
        every = self.all(tag="button")
        for fits in (
            lambda one: one.words == words,
            lambda one: words in (one["aria-label"], one["title"]),
            lambda one: one.words.startswith(words),
        ):
            if found := [one for one in every if fits(one)]:
                return found[nth]
        raise AssertionError(f"no button {words!r} among {self.buttons}")

    @property
    def off(self) -> bool:
        """Whether a button cannot be pressed now."""
        return self["aria-disabled"] == "true" or "disabled" in self.attributes

    @property
    def primary(self) -> list[str]:
        """The words of the primary buttons."""
        return [one.words for one in self.all(tag="button", class_="primary")]

    @property
    def labels(self) -> list[str]:
        """The labels of all fields."""
        return [field.label for field in map(Field, self.all(class_="hfft-field"))]

    def has_field(self, label: str) -> bool:
        return any(one.startswith(label) for one in self.labels)

    def field(self, label: str) -> Field:
        """The field whose label is this, else begins so."""
        every = list(map(Field, self.all(class_="hfft-field")))
        found = [one for one in every if one.label == label] or [one for one in every if one.label.startswith(label)]
        assert found, f"no field {label!r} among {self.labels}"
        return found[0]

    @property
    def status(self) -> str:
        """What the line of status says."""
        return " ".join(one.words for one in self.all(class_="hfft-status")).strip()

    @property
    def alert(self) -> str:
        """What is said as an error."""
        return " ".join(one.words for one in self.all(role="alert")).strip()


class Field:
    """A field, by its label: what stands in it, what could be chosen, what is wrong with it."""

    def __init__(self, element: Element) -> None:
        self.element = element

    @property
    def label(self) -> str:
        group = self.element.all(role="radiogroup")
        named = [*self.element.all(class_="label"), *self.element.all(tag="label")]
        return group[0]["aria-label"] if group else named[0].words if named else ""

    @property
    def controls(self) -> list[Element]:
        return [one for one in self.element.walk() if one.tag in CONTROLS]

    @property
    def name(self) -> str:
        """What the page calls it in its messages."""
        return self.controls[0]["data-field"]

    @property
    def value(self) -> str | bool:
        first = self.controls[0]
        if first["type"] == "radio":
            return next((one["value"] for one in self.controls if "checked" in one.attributes), "")
        if first["type"] == "checkbox":
            return "checked" in first.attributes
        if first.tag == "select":
            options = first.all(tag="option")
            return next((one["value"] for one in options if "selected" in one.attributes), options[0]["value"])
        return first.text.strip() if first.tag == "textarea" else first["value"]

    @property
    def choices(self) -> dict[str, str]:
        """Of a list or of segments: words -> value."""
        if self.controls[0]["type"] == "radio":
            return {one.words: one.all(tag="input")[0]["value"] for one in self.element.all(tag="label")}
        return {one.words: one["value"] for one in self.controls[0].all(tag="option")}

    @property
    def suggestions(self) -> list[str]:
        return [one["value"] for known in self.element.all(tag="datalist") for one in known.all(tag="option")]

    @property
    def error(self) -> str:
        return " ".join(one.words for one in self.element.all(class_="error"))

    @property
    def help(self) -> str:
        return " ".join(one.words for one in self.element.all(class_="help"))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("root", {})

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.children.append(made)
        if tag not in VOID:
            self.at = made

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.at.children.append(Element(tag, {name: value or "" for name, value in attrs}, self.at))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.at.tag == tag, f"</{tag}> closes <{self.at.tag}>"  # a panel's HTML is well formed
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.children.append(data)


def page(shown: Any) -> Element:
    """What a panel, or any HTML, shows."""
    reader = _Reader()
    reader.feed(shown if isinstance(shown, str) else str(shown.html()))
    reader.close()
    assert reader.at is reader.root, f"<{reader.at.tag}> is not closed"
    return reader.root


def press(panel: Any, words: str, nth: int = 0) -> None:
    """Click the button with these words; a button that is off cannot be clicked. Waits for what it starts."""
    button = page(panel).button(words, nth)
    assert not button.off, f"{words!r} is off"
    panel._act({"do": button["data-do"], "value": button.attributes.get("data-value")})
    wait(panel)


def fill(panel: Any, label: str, value: Any) -> None:
    """Type or choose a value in the field with this label, and leave the field. Waits for what that starts."""
    panel._act({"set": page(panel).field(label).name, "value": value})
    wait(panel)


def wait(panel: Any, seconds: float = 120.0) -> None:
    """Until the panel, and what it shows, have done what they were asked to."""
    for one in (panel, *panel.embedded):
        if one._thread is not None:
            one._thread.join(seconds)
            assert not one._thread.is_alive(), "it is still at work"
