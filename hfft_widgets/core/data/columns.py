"""What is in a dataset's cells: text, conversations, numbers. Trainers decide by this, not by names alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from io import BytesIO
from itertools import repeat
from typing import Any

from hfft_widgets.scripts.rows import NOTHING_BYTES, parsed, says_nothing, without_null
from hfft_widgets.scripts.rows import ROLES as _ROLES

__all__ = ["NOTHING_BYTES", "says_nothing"]

Row = Mapping[str, Any]

ROLES = frozenset(_ROLES)

# Other names of the four roles, as public datasets spell them.
ROLE_NAMES = {
    "human": "user", "prompter": "user", "customer": "user", "question": "user", "client": "user", "patient": "user",
    "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant", "chatbot": "assistant", "ai": "assistant",
    "model": "assistant", "bard": "assistant", "bing": "assistant", "claude": "assistant", "answer": "assistant",
    "function_call": "assistant", "agent": "assistant", "support": "assistant", "doctor": "assistant",
    "system_prompt": "system", "developer": "system",
    "function": "tool", "function_response": "tool", "observation": "tool", "tool_response": "tool",
}  # fmt: skip

# How a turn may name its speaker and its text; the first pair is the one chat templates read.
STANDARD_KEYS = ("role", "content")
ROLE_KEYS = ("role", "from", "speaker", "author", "sender")
CONTENT_KEYS = ("content", "value", "text", "message", "utterance")
_SOUNDS = (b"RIFF", b"ID3", b"fLaC", b"OggS", b"\xff\xfb", b"\xff\xf3")
_SAYS_LITTLE = {"text", "content", "full_text", "value", "messages", "turns", "input", "output", "data"}
_SHORT, _FEW = 24, 64  # texts and numbers that may be labels
_SPEAKER, _LOOKED_AT = re.compile(rf"""["'](?:{"|".join(ROLE_KEYS)})["']\s*:"""), 2000


class Shape(StrEnum):
    """The kinds of cell that matter to a trainer."""

    NULL = "empty"
    TEXT = "text"
    MESSAGES = "messages"
    TURNS = "turns with other keys"
    EMPTY_LIST = "empty list"
    TURNS_AS_JSON = "turns written as JSON text"
    PICTURE = "picture"
    PICTURES = "pictures"
    SOUND = "sound"
    NUMBERS = "list of numbers"
    TEXTS = "list of texts"
    LIST = "list"
    NUMBER = "number"
    BOOLEAN = "yes/no"
    RECORD = "record"
    OTHER = "other"


def shape_of(cell: object) -> Shape:
    """The shape of one cell, seen as TRL sees it: a list is a conversation if its first item has a role.

    >>> shape_of([{"role": "user", "content": "Hi"}]), shape_of([{"from": "human", "value": "Hi"}])
    (<Shape.MESSAGES: 'messages'>, <Shape.TURNS: 'turns with other keys'>)
    """
    if isinstance(cell, str):
        return Shape.TURNS_AS_JSON if cell[:1] in {"[", "{"} and turn_keys(written_turns(cell)) else Shape.TEXT
    if isinstance(cell, (list, tuple)):
        return _list_shape(cell)
    if is_picture(cell):
        return Shape.SOUND if is_sound(cell) else Shape.PICTURE
    kinds = ((type(None), Shape.NULL), (bool, Shape.BOOLEAN), ((int, float), Shape.NUMBER), (Mapping, Shape.RECORD))
    return next((shape for kind, shape in kinds if isinstance(cell, kind)), Shape.OTHER)


def is_picture(cell: object) -> bool:
    """Whether a cell is a picture as `datasets` keeps it undecoded, or one that was opened."""
    if isinstance(cell, Mapping):
        return cell.keys() == {"bytes", "path"}
    return type(cell).__module__.startswith("PIL.")


def is_sound(cell: object) -> bool:
    """Whether a file that `datasets` keeps undecoded is a sound, by how it begins or by its name."""
    if not isinstance(cell, Mapping):
        return False
    data, path = cell.get("bytes"), cell.get("path")
    begins = isinstance(data, bytes) and data.startswith(_SOUNDS) and data[8:12] != b"WEBP"
    return begins or (
        isinstance(path, str) and path.lower().endswith((".wav", ".mp3", ".flac", ".ogg", ".m4a", ".opus"))
    )


def picture_opens(cell: object) -> bool:
    """Whether a picture can be opened; what lies elsewhere (an address, a file of another machine) is trusted.

    TRL opens pictures at the step that draws the row, hours into a training.
    """
    if not isinstance(cell, Mapping):
        return cell is not None
    data, path = cell.get("bytes"), cell.get("path")
    if data is None:
        return bool(path)
    from PIL import Image

    try:
        with Image.open(BytesIO(data)) as picture:
            picture.verify()
    except Exception:  # noqa: BLE001 - decoders of many formats raise what they like
        return False
    return True


def picture_size(cell: object) -> tuple[int, int] | None:
    """Height and width of a picture in pixels; None where it cannot be opened."""
    if not isinstance(cell, Mapping):
        return (getattr(cell, "height", 0), getattr(cell, "width", 0)) if is_picture(cell) else None
    from PIL import Image

    data, path = cell.get("bytes"), cell.get("path")
    try:
        with Image.open(BytesIO(data) if data is not None else str(path)) as picture:
            return picture.height, picture.width
    except Exception:  # noqa: BLE001 - decoders of many formats raise what they like
        return None


def json_turns(cell: object) -> Any:
    """The list that a text writes as JSON; None if it writes none."""
    try:
        value = json.loads(cell) if isinstance(cell, str) else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) else None


def written_turns(cell: str) -> Any:
    """The turns that a text writes, as JSON or as Python, alone or in a record; None if it writes none."""
    if not _SPEAKER.search(cell, 0, _LOOKED_AT):
        return None
    value = parsed(cell)
    inside = value.values() if isinstance(value, Mapping) else [value]
    return next((turns for turns in inside if turn_keys(turns)), None)


def _list_shape(cell: list[Any] | tuple[Any, ...]) -> Shape:
    if not cell:
        return Shape.EMPTY_LIST
    if is_picture(cell[0]):
        return Shape.PICTURES
    keys = turn_keys(cell)
    if keys:
        return Shape.MESSAGES if keys[0] == "role" and keys[1] in {"content", ""} else Shape.TURNS
    if isinstance(cell[0], str):
        return Shape.TEXTS
    return Shape.NUMBERS if isinstance(cell[0], (int, float)) else Shape.LIST


def turn_keys(cell: object) -> tuple[str, str] | None:
    """The keys under which the first turn names its speaker and its text; None if it is no turn.

    A message whose text is missing altogether (a tool call, a damaged row) has "" for the second.

    >>> turn_keys([{"from": "gpt", "value": "Hello"}])
    ('from', 'value')
    """
    first = cell[0] if isinstance(cell, (list, tuple)) and cell else None
    if not isinstance(first, Mapping):
        return None
    role = next((key for key in ROLE_KEYS if key in first), None)
    content = next((key for key in CONTENT_KEYS if key in first), None)
    if role is None or (content is None and role != "role"):
        return None
    return role, content or ""


def calls_with_null(turns: Any) -> bool:
    """Whether calls of tools have arguments without a value: Arrow gives each call the arguments of all tools."""
    said = [turn for turn in turns if isinstance(turn, Mapping)] if isinstance(turns, list) else []
    listed = (calls for turn in said if isinstance(calls := turn.get("tool_calls"), list))
    functions = (call.get("function", call) for calls in listed for call in calls if isinstance(call, Mapping))
    given = [function.get("arguments") for function in functions if isinstance(function, Mapping)]
    return bool(without_null(given) != given)


@dataclass(frozen=True)
class Column:
    """What one column holds.

    Attributes:
        name: Its name.
        shapes: Number of cells of each shape.
        keys: Number of conversations per pair of turn keys.
        roles: Number of turns per speaker, names as they are in the data.
        values: Number of cells per value, for numbers and short texts, as long as they are few.
        records: The keys of its records, or of those that its lists hold.
        source: Where it is a place inside a column of the dataset, or what one writes: that column; else None.
        path: The way there.
        items: What its lists hold, where they hold more than text and numbers.
        speakers: Names of speakers with the chat role that a person gave each.
        answering: Number of turns per speaker that follow another turn.
    """

    name: str
    shapes: Mapping[Shape, int]
    keys: Mapping[tuple[str, str], int] = field(default_factory=dict)
    roles: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[Any, int] = field(default_factory=dict)
    records: tuple[str, ...] = ()
    source: str | None = None
    path: tuple[Any, ...] = ()
    items: Shape | None = None
    speakers: Mapping[str, str] = field(default_factory=dict)
    answering: Mapping[str, int] = field(default_factory=dict)

    @property
    def home(self) -> str:
        """The dataset's own column that it is, or lies in."""
        return self.name if self.source is None else self.source

    @property
    def known_as(self) -> str:
        """The name that says what it is: of a place inside a record the last field's."""
        return self.names[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The same, and where that says little (a "text" of something), the name of what it belongs to."""
        steps = [key[1:2] if isinstance(key, tuple) else (key,) for key in self.path]
        fields = [key for step in steps for key in step if isinstance(key, str)]
        around = [self.home, *fields]
        return tuple(reversed(around[-2:] if around[-1].lower() in _SAYS_LITTLE else around[-1:]))

    @property
    def shape(self) -> Shape:
        """The most frequent shape among the cells that are not empty."""
        filled = {shape: n for shape, n in self.shapes.items() if shape not in {Shape.NULL, Shape.EMPTY_LIST}}
        if filled:
            return max(filled, key=lambda shape: filled[shape])
        return Shape.EMPTY_LIST if Shape.EMPTY_LIST in self.shapes else Shape.NULL

    @property
    def turn_keys(self) -> tuple[str, str]:
        """The most frequent pair of turn keys."""
        return max(self.keys, key=lambda pair: self.keys[pair]) if self.keys else STANDARD_KEYS

    @property
    def renamed_roles(self) -> dict[str, str]:
        """Speakers here that are a chat role under another name -> that role."""
        return {name: role for name in self.roles if (role := self._role(name)) in ROLES and role != name}

    @property
    def unknown_roles(self) -> tuple[str, ...]:
        """Speakers here of whom nobody knows which chat role they are."""
        return tuple(name for name in self.roles if self._role(name) not in ROLES)

    def _role(self, name: str) -> str:
        known = self.speakers.get(name) or _usual_role(name)
        return "assistant" if known == "system" and self._system_answers else known

    @cached_property
    def _system_answers(self) -> bool:
        """Whether "system" is who answers the user, as in corpora of dialogues: mostly, and nobody else."""
        asked, answered = (
            sum(count for name, count in turns.items() if _usual_role(name) == role)
            for turns, role in ((self.roles, "user"), (self.answering, "system"))
        )
        return 2 * answered > asked and not any(_usual_role(name) == "assistant" for name in self.roles)


def _usual_role(name: str) -> str:
    plain = name.strip().lower()
    return ROLE_NAMES.get(plain, plain)


@dataclass(frozen=True)
class Schema:
    """The columns of a dataset, as its rows show them.

    Attributes:
        columns: By name, in the dataset's order.
        rows: Number of rows looked at.
    """

    columns: Mapping[str, Column]
    rows: int

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def shape(self, name: str) -> Shape | None:
        """The shape of a column; None if there is no such column."""
        column = self.columns.get(name)
        return column.shape if column else None

    def named(self, *names: str) -> list[str]:
        """Those of these names that are columns."""
        return [name for name in names if name in self.columns]


class _Counted:
    """The counts behind a Column while rows go by."""

    def __init__(self) -> None:
        self.shapes: Counter[Shape] = Counter()
        self.keys: Counter[tuple[str, str]] = Counter()
        self.roles: Counter[str] = Counter()
        self.values: Counter[Any] = Counter()
        self.records: dict[str, None] = {}
        self.items: Shape | None = None
        self.answering: Counter[str] = Counter()

    def take(self, cell: Any, weight: int) -> None:
        shape = shape_of(cell)
        self.shapes[shape] += weight
        if shape in {Shape.NUMBER, Shape.BOOLEAN} or (shape is Shape.TEXT and len(cell) <= _SHORT):
            if len(self.values) <= _FEW:
                self.values[cell] += weight
        elif shape in {Shape.MESSAGES, Shape.TURNS}:
            self._take_turns(cell, weight)
        elif shape in {Shape.LIST, Shape.RECORD}:
            record = cell[0] if shape is Shape.LIST else cell
            self.items = self.items or (shape_of(record) if shape is Shape.LIST else None)
            self.records |= dict.fromkeys(map(str, record if isinstance(record, Mapping) else ()))
        elif shape is Shape.TURNS_AS_JSON:
            self._take_turns(written_turns(cell), weight)

    def _take_turns(self, cell: Any, weight: int) -> None:
        keys = turn_keys(cell)
        if keys is None:
            return
        self.keys[keys[0], keys[1] or "content"] += weight
        roles = [role for turn in cell if isinstance(turn, Mapping) and isinstance(role := turn.get(keys[0]), str)]
        for role in roles:
            self.roles[role] += weight
        for role in roles[1:]:
            self.answering[role] += weight


def schema_of(
    rows: Iterable[Row], weights: Iterable[int] | None = None, *, speakers: Mapping[str, str] | None = None
) -> Schema:
    """The schema these rows show. A key that a row lacks counts as empty there.

    Args:
        rows: The rows.
        weights: How many rows each of them stands for; 1 if not given.
        speakers: Names of speakers with the chat role that a person gave each.
    """
    counted: dict[str, _Counted] = {}
    total = 0
    for row, weight in zip(rows, weights if weights is not None else repeat(1), strict=False):
        for name, cell in row.items():
            counted.setdefault(name, _Counted()).take(cell, weight)
        total += weight
    columns = {name: _column(name, counts, total) for name, counts in counted.items()}
    return Schema({name: replace(column, speakers=speakers or {}) for name, column in columns.items()}, total)


def _column(name: str, counts: _Counted, total: int) -> Column:
    missing = total - counts.shapes.total()
    if missing:
        counts.shapes[Shape.NULL] += missing
    few = dict(counts.values) if len(counts.values) <= _FEW else {}
    records = tuple(counts.records)
    keys, roles, answering = dict(counts.keys), dict(counts.roles), dict(counts.answering)
    return Column(name, dict(counts.shapes), keys, roles, few, records, items=counts.items, answering=answering)
