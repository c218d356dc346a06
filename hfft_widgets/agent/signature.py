"""A verb as a function with a signature that MCP servers read: for ours, and for Jupyter AI's."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from hfft_widgets.verbs.table import Verb


def signed(body: Callable[..., Any], one: Verb, returned: Any, *more: inspect.Parameter) -> Callable[..., Any]:
    """The function under the verb's tool name, with the verb's parameters after those that a door adds."""
    given = [
        inspect.Parameter(
            p.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=p.default,
            annotation=Annotated[p.hint, Field(description=p.says)],
        )
        for p in one.parameters
    ]
    parameters = [*more, *given]
    body.__signature__ = inspect.Signature(parameters, return_annotation=returned)  # type: ignore[attr-defined]
    body.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": returned}
    body.__name__ = body.__qualname__ = one.tool
    body.__doc__ = one.says
    return body
