"""Whether a model's chat template takes a conversation. Templates are programs of strangers: they run in a sandbox."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hfft_widgets.errors import ModelError

if TYPE_CHECKING:
    from jinja2 import Template

_CACHED_FORMS = 10_000
# Which tokens begin and end a text does not decide what a template takes.
_SPECIAL_TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}


class ChatTemplate:
    """A chat template that is asked one thing: does it refuse this conversation?

    Conversations with the same roles and the same kinds of content are refused or taken alike, so each such form is
    rendered once; that makes a whole dataset cheap to ask about.

    Args:
        source: The tokenizer's Jinja template.

    Raises:
        ModelError: The template does not compile.
    """

    def __init__(self, source: str) -> None:
        self._template = _compiled(source)
        self._answers: dict[tuple[object, ...], str | None] = {}

    def refusal(self, turns: Sequence[Any], *, generation_prompt: bool = False) -> str | None:
        """Why the template refuses these turns; None if it takes them."""
        form = (generation_prompt, *(_form(turn) for turn in turns))
        if form not in self._answers:
            if len(self._answers) > _CACHED_FORMS:
                self._answers.clear()
            self._answers[form] = self._try(turns, generation_prompt)
        return self._answers[form]

    def _try(self, turns: Sequence[Any], generation_prompt: bool) -> str | None:
        if not turns:
            return "the conversation has no turn"
        try:
            self.render(turns, generation_prompt=generation_prompt)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's template raises ends the training too
            return f"{type(error).__name__}: {error}"
        return None

    def render(self, turns: Sequence[Any], *, generation_prompt: bool = False) -> str:
        """The conversation as the model would read it; special tokens stand as `<s>` and `</s>`."""
        # transformers leaves out keys without a value before a template sees a turn
        plain = [
            {k: v for k, v in turn.items() if v is not None} if isinstance(turn, Mapping) else turn for turn in turns
        ]
        return self._template.render(
            messages=plain,
            tools=None,
            documents=None,
            add_generation_prompt=generation_prompt,
            **_SPECIAL_TOKENS,
        )


def _form(turn: Any) -> object:
    """What of a turn decides whether templates take it: its role, the kinds of its values, not its words."""
    if not isinstance(turn, Mapping):
        return type(turn)
    kinds = tuple((str(key), _kind(value)) for key, value in turn.items() if key != "role")
    return turn["role"] if isinstance(turn.get("role"), str) else type(turn.get("role")), kinds


def _kind(value: object) -> object:
    if isinstance(value, str):
        return "text" if value.strip() else "blank"
    if isinstance(value, list):
        return "list", tuple({str(type(item)) for item in value})
    return type(value)


@lru_cache(maxsize=8)
def _compiled(source: str) -> Template:
    from jinja2 import TemplateError, ext
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_generation_tag(), ext.loopcontrols]
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


def _tojson(value: object, ensure_ascii: bool = False, indent: int | None = None, **_: object) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


@lru_cache(maxsize=1)
def _generation_tag() -> type:
    """`{% generation %}`, by which TRL's templates mark answers: here its content alone."""
    from jinja2 import nodes
    from jinja2.ext import Extension

    class Generation(Extension):
        tags = {"generation"}  # noqa: RUF012 - jinja2 asks for a class attribute

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    return Generation
