"""Single rows: as they are, as the model sees them, and before and after a fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hfft_widgets.cards.parts import icon, table
from hfft_widgets.cards.report.words import Values, safe, shown, shown_lines
from hfft_widgets.cards.script import diff_line
from hfft_widgets.core.html import Markup, el, join

_CELL_CHARACTERS, _PASSAGE_CHARACTERS = 3000, 6000
_AUTHORS = {
    "template": "the chat template", "system": "system", "user": "user", "assistant": "assistant", "tool": "tool",
}  # fmt: skip


# ---- a row as it is --------------------------------------------------------------------------


def row_table(number: int, cells: Mapping[str, str]) -> Markup:
    """A row's cells as they are, given as texts."""
    rows = [(safe(name, 80), el("pre", shown_lines(cell, _CELL_CHARACTERS), dir="auto"))
            for name, cell in cells.items()]  # fmt: skip
    title = el("div", el("b", f"Row {number:,}"), " as it is in the dataset")
    return join([title, table(["Column", "Cell"], rows, class_="words row")])


# ---- what the model sees ---------------------------------------------------------------------


def seen(row: Values) -> Markup:
    """One row as a method's trainer gives it to the model, what is learned marked by colour and by underline.

    Args:
        row: What `report.look(method, number)` gives.
    """
    reading = row["reading"]
    title = el("div", el("b", f"What the model sees with {row['method']}"), _through(row))
    return join([title, *([line("info", reading["error"])] if "error" in reading else _reading(reading))])


def _through(row: Values) -> str:
    if not row["model"]:
        return ", through a plain chat template, since no model is chosen"
    return f", through the chat template of {shown(row['model'], 80)}" if row["template"] else ", as plain text"


def _reading(reading: Values) -> Iterator[Markup]:
    if reading["refusal"]:
        yield line("bad", f"The trainer refuses this row: {shown(reading['refusal'], 400)}")
    if reading["dropped"]:
        yield line("warn", "The trainer leaves this row out: no token of it would be learned")
    for passage in reading["passages"]:
        yield _passage(passage)
    if any(passage["learned"] for passage in reading["passages"]):
        words = ": learned; the rest is only read. Point at words to see who wrote them"
        yield el("div", el("mark", "underlined", class_="learned"), words, class_="fix")
    elif reading["passages"]:
        yield el("div", "Nothing here is learned as it stands: the model writes its own answers", class_="fix")


def _passage(passage: Values) -> Markup:
    """A text piece by piece: each says on hover, and to who hears it read, who wrote it and whether it is learned."""
    pieces = list(_in_view(passage["pieces"]))
    return join([el("div", passage["name"], class_="sub"), el("pre", pieces, dir="auto", class_="seen")])


def _in_view(pieces: Sequence[Values]) -> Iterator[Markup]:
    left = _PASSAGE_CHARACTERS
    for piece in pieces:
        if left <= 0:
            yield el("span", " …", title="The rest is not shown")
            return
        yield _piece(piece, left)
        left -= len(piece["text"])


def _piece(piece: Values, most: int) -> Markup:
    author = _AUTHORS.get(piece["author"], "the row")
    says = f"{author}, {'learned' if piece['learned'] else 'only read'}"
    kind = {"class_": "learned"} if piece["learned"] else {}
    heard = el("span", f"[{says}] ", class_="heard")
    words = shown_lines(piece["text"], most)
    return el("mark" if piece["learned"] else "span", heard, words, title=says, data_author=piece["author"], **kind)


def line(kind: str, words: str) -> Markup:
    """A line with an icon."""
    return el("div", icon(kind), " ", words)


# ---- before and after a fix ------------------------------------------------------------------


def changes_view(made: Sequence[Values]) -> Markup:
    """Rows before (-) and after (+), from what `Change.to_dict` gives."""
    return join(map(_change, made))


def _change(change: Values) -> Markup:
    head = el("div", el("b", f"Row {change['number']:,}"), f" {change['becomes']}", class_="fix")
    as_shown = shown_lines if change["becomes"] == "is changed" else shown
    listed = [diff_line(sign, as_shown(text, _CELL_CHARACTERS)) for sign, text in change["lines"]]
    return join([head, el("pre", listed, class_="diff", dir="auto")])
