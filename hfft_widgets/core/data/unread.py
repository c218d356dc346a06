"""What of a row's words never reaches the model: its text is compared with what the trainer makes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from hfft_widgets.core.data.columns import CONTENT_KEYS, ROLE_KEYS, Row, Schema, Shape
from hfft_widgets.core.data.emulators import Reading, TrainerEmulator
from hfft_widgets.core.data.mapping.column_names import HISTORY, SYSTEM, flat, spelled
from hfft_widgets.core.data.match_columns import ColumnRole, ColumnUse
from hfft_widgets.core.units import short
from hfft_widgets.scripts.rows import parsed

Read = tuple[Row, Reading]
_NO_WORDS = {*ROLE_KEYS, "type", "id", "index", "tool_call_id", "call_id"}
_ASIDE = ("tools", "chat_template_kwargs")
_ASKS = ("instruction", "question", "query", "problem")
_TRIED_ROWS, _NAME = 8, 40
_JUDGES = {
    *("correct", "iscorrect", "valid", "isvalid", "passed", "passes", "accepted", "isaccepted", "verified", "approved"),
    *("good", "isgood", "success", "successful", "resolved", "solved"),
}
_BYTES = ("data:image/", "iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR")  # of PNG, JPEG, GIF and WebP
_PICTURE_TEXT = re.compile(
    rf"(?i:(?:https?://|file://|[a-z]:\\|[\w./~-])\S*\.(?:png|jpe?g|webp|gif|bmp)(?:\?\S*)?$)|{'|'.join(_BYTES)}"
)


def leaves(cell: Any) -> Iterator[str]:
    """The texts in a cell that say something, but for names of speakers, kinds and numbers of calls."""
    if isinstance(cell, str):
        inside = parsed(cell) if cell[:1] in {"{", "["} else None
        yield from leaves(inside) if isinstance(inside, Mapping) else [cell.strip()] if cell.strip() else []
    elif isinstance(cell, Mapping):
        yield from (leaf for key, value in cell.items() if key not in _NO_WORDS for leaf in leaves(value))
    elif isinstance(cell, (list, tuple)):
        yield from (leaf for item in cell for leaf in leaves(item))


def found(leaf: str, text: str, start: int = 0) -> int:
    """Where a text holds these words, as they are, as JSON, line by line or without their thinking; -1: nowhere."""
    words = leaf.rpartition("</think>")[2].replace("<image>", "").strip()
    for written in (words, json.dumps(words, ensure_ascii=False)[1:-1]):
        if (place := text.find(written, start)) >= 0:
            return place
    places = [text.find(line.strip(), start) for line in words.splitlines()]
    return min(places, default=-1)


def text_of(reading: Reading) -> str:
    """All that the model gets of a row."""
    return "\n".join(passage.text for passage in reading.passages)


def unlearned(parts: Sequence[ColumnUse], read: Sequence[Read]) -> str:
    """Why nothing is learned of most rows, in words: what is said never reaches the model; "": it does."""
    for part in parts:
        if part.duty in {ColumnRole.PICTURES, ColumnRole.LABEL, ColumnRole.MARGIN, ColumnRole.TOKENS}:
            continue
        lost = sum(_lost(row.get(part.column), part, text_of(reading)) for row, reading in read)
        if 2 * lost > len(read):
            return f"In most rows a turn or a text of '{part.column}' never reaches the model, or says nothing"
    return ""


def _lost(cell: Any, part: ColumnUse, text: str) -> bool:
    """Whether nothing of a turn's words reaches the model; of a conversation also whether nobody answers anything."""
    if not part.turns or not isinstance(cell, list):
        return _silent(cell, text)
    turns = [turn for turn in cell if isinstance(turn, Mapping)]
    speakers = [next((turn[key] for key in ROLE_KEYS if key in turn), None) for turn in turns]
    answers = [turn for turn, who in zip(turns, speakers, strict=True) if str(who) in {"assistant", "gpt"}]
    if part.duty is ColumnRole.CONVERSATION and answers and not any(True for _ in leaves(answers)):
        return True
    start = 0  # turns are rendered in their order: what an earlier one said does not count
    for turn, _ in (pair for pair in zip(turns, speakers, strict=True) if str(pair[1]) != "system"):
        words = list(leaves(turn))
        places = [place for leaf in words if (place := found(leaf, text, start)) >= 0]
        if words and not places:
            return True
        start = min(places, default=start - 1) + 1
    return False


def _silent(cell: Any, text: str) -> bool:
    words = list(leaves(cell))
    return bool(words) and all(found(leaf, text) < 0 for leaf in words)


def missed(schema: Schema, parts: Sequence[ColumnUse], read: Sequence[Read]) -> tuple[str, ...]:
    """Columns that are plainly meant for the model, a prompt, a system prompt or earlier turns, that it never sees."""
    used = {part.column for part in parts}
    meant = spelled(schema, (*SYSTEM, *HISTORY, *_ASKS), {Shape.TEXT, Shape.LIST, Shape.MESSAGES, Shape.TURNS})
    found = []
    for name in (name for name in meant if name not in used):
        unsaid = [_silent(row.get(name), text_of(reading)) for row, reading in read if any(leaves(row.get(name)))]
        found += [name] if 2 * sum(unsaid) > len(unsaid) else []
    return tuple(found)


def unread(
    schema: Schema, parts: Sequence[ColumnUse], read: Sequence[Read], emulator: TrainerEmulator, *, online: bool
) -> tuple[str, ...]:
    """The columns and the keys of turns that change nothing of what the model gets, in words.

    Args:
        schema: The rows' columns.
        parts: Those the trainer reads.
        read: Rows with what the trainer makes of them.
        emulator: The trainer.
        online: Whether every other column goes to reward functions.
    """
    used = {part.column for part in parts}
    tried = [pair for pair in read if pair[1].passages][:_TRIED_ROWS]
    asides = [name for name in schema.named(*_ASIDE) if any(row.get(name) is not None for row, _ in tried)]
    idle = {name for name in asides if all(_without(row, name, emulator) == text_of(r) for row, r in tried)}
    columns = [] if online else [n for n in schema.columns if n not in used and (n not in asides or n in idle)]
    filled = [name for name in columns if schema.shape(name) not in {Shape.NULL, Shape.EMPTY_LIST}]
    keys = [words for part in parts if part.turns for words in _keys(part.column, tried, emulator)]
    return (*(f"'{short(name, _NAME)}'" for name in filled), *keys)


def asides(sample: Sequence[Row], used: Collection[str]) -> list[str]:
    """What to know of columns that are not read, in sentences.

    Args:
        sample: Some rows, as they were given.
        used: The columns that are read.
    """
    return [words for words in (_said_wrong(sample, used), _pictures_as_text(sample, used)) if words]


def _said_wrong(sample: Sequence[Row], used: Collection[str]) -> str:
    """What to know of a column that says of some rows that they are wrong; "": there is none."""
    names = [name for name in (sample[0] if sample else ()) if name not in used and flat(name) in _JUDGES]
    for name in names:
        said = [row.get(name) for row in sample]
        wrong = sum(cell is False or str(cell).strip().lower() in {"false", "0", "0.0", "no"} for cell in said)
        if 0 < wrong < len(said):
            return (
                f"'{short(name, _NAME)}' is false in {wrong:,} of {len(said):,} rows looked at, and they are learned "
                "like the others: leave them out first, or take it as the label of KTO."
            )
    return ""


def _pictures_as_text(sample: Sequence[Row], used: Collection[str]) -> str:
    """What to know of a column that holds addresses of pictures, or their bytes as text; "": there is none."""
    for name in (name for name in (sample[0] if sample else ()) if name not in used):
        cells = [cell for row in sample if isinstance(cell := _first(row.get(name)), str)]
        if cells and 2 * sum(bool(_PICTURE_TEXT.match(cell)) for cell in cells) > len(sample):
            written = cells[0].startswith(_BYTES)
            how = "decode them to bytes" if written else f"dataset.cast_column({name!r}, datasets.Image())"
            what = "pictures as base64 text" if written else "addresses of pictures as text"
            return f"'{short(name, _NAME)}' holds {what}, which no model sees: make pictures of them first ({how})."
    return ""


def _first(cell: Any) -> Any:
    return cell[0] if isinstance(cell, list) and cell else cell


def _without(row: Row, name: str, emulator: TrainerEmulator) -> str:
    return text_of(emulator.read({key: cell for key, cell in row.items() if key != name}))


def _keys(column: str, tried: Sequence[Read], emulator: TrainerEmulator) -> Iterator[str]:
    """Keys of turns beside speaker and words: the row is read without each of them."""
    known = {*ROLE_KEYS, *CONTENT_KEYS}
    cells = [(row, reading, _turns(row.get(column))) for row, reading in tried]
    keys = dict.fromkeys(k for *_, turns in cells for t in turns for k, v in t.items() if v is not None)
    for key in (key for key in keys if key not in known):
        with_it = [(row, reading, turns) for row, reading, turns in cells if any(key in turn for turn in turns)]
        bare = ({**row, column: [_less(turn, key) for turn in turns]} for row, _, turns in with_it)
        if all(text_of(emulator.read(row)) == text_of(r) for row, (_, r, _) in zip(bare, with_it, strict=True)):
            yield f"'{short(str(key), _NAME)}' of the turns in '{column}'"


def _turns(cell: Any) -> list[Mapping[str, Any]]:
    return [turn for turn in cell if isinstance(turn, Mapping)] if isinstance(cell, list) else []


def _less(turn: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in turn.items() if name != key}
