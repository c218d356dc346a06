"""What a model's chat template makes of a conversation. Templates are programs of strangers: they run in a sandbox."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property, lru_cache
from os.path import commonprefix
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.data.templates.assistant_mask import MARKERS
from hfft_widgets.errors import ModelError

if TYPE_CHECKING:
    from jinja2 import Template

# Stands in where no template is known: it refuses nothing and leaves nothing out.
_NEUTRAL = (
    "{% for m in messages %}{{ m.role }}: {% if m.content is string %}{{ m.content }}{% elif m.content %}"
    "{{ m.content | tojson }}{% endif %}{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}{{ '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)
_CACHED_FORMS = 10_000
# Which tokens begin and end a text does not decide what a template takes.
_SPECIAL_TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
# of a private area of Unicode: where a template that marks says an answer begins and ends
ANSWER_MARKS = "\ue5a2", "\ue5a3"
_HALF_TOKEN = re.compile(r"<[^>]*$")
_THINKING = re.compile(r"<think>\s*(</think>\s*)?$")


class ChatTemplate:
    """A chat template as the trainers use it, by the rules of transformers 5.23.

    Args:
        source: The tokenizer's Jinja template; None: not known, then a neutral one stands in.
        tokens: Special tokens by name, e.g. {"eos_token": "<|im_end|>"}.
        training: The marked version that TRL trains with in its place; None: it has none, or it is not known.
        marking: Whether `ANSWER_MARKS` are rendered where `{% generation %}` begins and ends.

    Raises:
        ModelError: The template does not compile.
    """

    def __init__(
        self,
        source: str | None,
        tokens: Mapping[str, str] | None = None,
        *,
        training: str | None = None,
        marking: bool = False,
    ) -> None:
        self.known = source is not None
        self.source = _NEUTRAL if source is None else source
        self.tokens = {**_SPECIAL_TOKENS, **(tokens or {})}
        self._template = _compiled(self.source, marking)
        self._training = training
        self._left_out: dict[object, tuple[int, ...]] = {}

    @property
    def eos(self) -> str:
        """The token that ends an answer."""
        return self.tokens["eos_token"]

    @property
    def marks_answers(self) -> bool:
        """Whether it says by `{% generation %}` which words are the assistant's."""
        return bool(MARKERS.search(self.source))

    @cached_property
    def in_training(self) -> ChatTemplate:
        """What TRL renders conversations with where it learns answers alone: Qwen 3's keeps all thinking, say."""
        return self if self._training is None else ChatTemplate(self._training, self.tokens)

    @cached_property
    def marking(self) -> ChatTemplate:
        """The same template, which renders `ANSWER_MARKS` around answers."""
        return ChatTemplate(self.source if self.known else None, self.tokens, marking=True)

    @cached_property
    def around_answers(self) -> tuple[str, str]:
        """What asks for an answer, and what ends every answer; "" where that cannot be told."""
        asked = [_turn("user", "a")]
        try:
            before, asks = self.render(asked), self.render(asked, generation_prompt=True)
            whole = self.render([*asked, _turn("assistant", "mark1"), _turn("user", "c"), _turn("assistant", "mark2")])
        except Exception:  # noqa: BLE001 - a stranger's program may raise anything
            return "", ""
        between, last = whole.partition("mark1")[2], whole.partition("mark2")[2]
        asks = _THINKING.sub("", asks.removeprefix(before)) if asks.startswith(before) else ""
        return asks, _HALF_TOKEN.sub("", commonprefix([between, last]))  # noqa: RUF071 - of characters

    @cached_property
    def keeps_thinking(self) -> bool:
        """Whether `<think>` parts of earlier answers are rendered."""
        turns = [_turn("user", "a"), _turn("assistant", "<think>\nkept\n</think>\n\nb"), _turn("user", "c")]
        try:
            return "kept" in self.render([*turns, _turn("assistant", "d")])
        except Exception:  # noqa: BLE001 - then nothing is rendered at all, which other checks tell
            return True

    @cached_property
    def takes_system(self) -> bool:
        """Whether a system turn before the first question is taken and rendered."""
        try:
            return "mark" in self.render([_turn("system", "mark"), _turn("user", "a"), _turn("assistant", "b")])
        except Exception:  # noqa: BLE001 - a stranger's program may raise anything
            return False

    def owns(self, token: str) -> bool:
        """Whether a written-out control token is one of its own; without a known template, any may be."""
        return not self.known or token in self.source + "".join(self.tokens.values())

    def render(self, turns: Any, *, tools: Any = None, generation_prompt: bool = False, **names: Any) -> str:
        """The conversation as the model would read it.

        Raises:
            Exception: Whatever transformers or the template would raise for these turns.
        """
        if isinstance(turns, (list, tuple)) and not turns:
            raise ValueError("Cannot apply chat template to an empty conversation. Provide at least one message.")
        if isinstance(turns[0], (list, tuple)):
            raise TypeError("a list of lists is a batch, not a conversation")
        # transformers leaves out keys without a value before a template sees a turn
        plain = [_reasoned({k: _plain(v) for k, v in turn.items() if v is not None}) for turn in turns]
        values = {"tools": _tools(tools), "documents": None, "add_generation_prompt": generation_prompt, **names}
        return self._template.render(messages=plain, **self.tokens, **values)

    def left_out(self, turns: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
        """The turns of whose words nothing is rendered, seen by writing a mark in place of each one's words."""
        form = tuple(_form(turn) for turn in turns)
        if form not in self._left_out:
            if len(self._left_out) > _CACHED_FORMS:
                self._left_out.clear()
            self._left_out[form] = self._find_left_out(turns)
        return self._left_out[form]

    def _find_left_out(self, turns: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
        marks = {n: f"mark{n}mark" for n, turn in enumerate(turns) if _spoken(turn)}
        marked = [{**turn, "content": marks[n]} if n in marks else turn for n, turn in enumerate(turns)]
        try:
            text = self.render(marked)
        except Exception:  # noqa: BLE001 - then the words decide, and rendering the turns themselves tells more
            return ()
        return tuple(n for n, mark in marks.items() if mark not in text)


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _spoken(turn: Mapping[str, Any]) -> bool:
    content = turn.get("content")
    return isinstance(content, str) and content.strip() != ""


def _form(turn: Mapping[str, Any]) -> object:
    """What of a turn decides whether templates read it: its role and the kinds of its values, not its words."""
    kinds = tuple((str(key), _kind(value)) for key, value in turn.items() if key != "role")
    role = turn.get("role")
    return role if isinstance(role, str) else type(role), kinds


def _kind(value: object) -> object:
    if isinstance(value, str):
        return "text" if value.strip() else "blank"
    if isinstance(value, list):
        return "list", tuple({str(type(item)) for item in value})
    return type(value)


def _plain(value: Any) -> Any:
    """JSON values alone; anything else, such as a picture, becomes a word in its place."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return f"<{type(value).__name__}>"


def _reasoned(turn: dict[str, Any]) -> dict[str, Any]:
    """The turn with its thoughts under the names that templates read, as transformers gives them."""
    thought = next((turn[key] for key in ("reasoning_content", "thinking", "reasoning") if key in turn), None)
    return turn if thought is None else {"thinking": thought, **turn, "reasoning_content": thought}


def _tools(tools: Any) -> Any:
    if tools is None:
        return None
    if not all(isinstance(tool, Mapping) for tool in tools):
        raise ValueError("Tools should either be a JSON schema, or a callable function.")
    return _plain(list(tools))


@lru_cache(maxsize=16)
def _compiled(source: str, marking: bool) -> Template:
    from jinja2 import TemplateError, ext
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_generation_tag(marking), ext.loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _date
    try:
        return environment.from_string(source)
    except TemplateError as error:
        raise ModelError(
            f"The model's chat template cannot be read: {error}.",
            remedy="Choose another model, or repair chat_template in its tokenizer_config.json.",
        ) from error


def _refuse(message: str) -> None:
    from jinja2 import TemplateError

    raise TemplateError(message)


def _date(form: str) -> str:
    """The same date always: no answer should depend on the day."""
    return date(2026, 1, 1).strftime(form)


def _tojson(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


@lru_cache(maxsize=2)
def _generation_tag(marking: bool) -> type:
    """`{% generation %}`, by which TRL's templates mark answers: here its content, and marks where they are wanted."""
    from jinja2 import nodes
    from jinja2.ext import Extension

    class Generation(Extension):
        tags = {"generation"}  # noqa: RUF012 - jinja2 asks for a class attribute

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            begin, end = ([nodes.Output([nodes.TemplateData(mark)])] if marking else [] for mark in ANSWER_MARKS)
            return nodes.Scope([*begin, *body, *end], lineno=line)

    return Generation
