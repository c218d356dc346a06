"""The verbs for the agents of Jupyter AI, found by its server through an entry point.

It holds another version of `mcp` than ours may be: nothing here imports one. Nobody can be asked at this door, so only
what is free and local is started.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hfft_widgets.agent.schemas import RESULTS, ToolResult
from hfft_widgets.agent.signature import signed
from hfft_widgets.errors import HfftError
from hfft_widgets.jobs import money
from hfft_widgets.jobs.money import Allowance
from hfft_widgets.verbs import launches
from hfft_widgets.verbs.table import VERBS, Verb

_PREFIX = "hfft_"  # beside the tools of other packages


def tools() -> list[str]:
    """Where each tool is, as `module:function`."""
    return [f"{__name__}:{_PREFIX}{one.tool}" for one in VERBS if one.jupyter]


def _tool(one: Verb) -> Callable[..., ToolResult]:
    def body(**given: Any) -> ToolResult:
        if one.takes("allowance"):
            given["allowance"] = Allowance(0.0, read_only=money.from_environment().read_only)
        try:
            found = one.call(**given)
        except HfftError as error:
            raise HfftError(launches.error_text(error)) from None
        return RESULTS[one.tool].model_validate({**found.values, "text": found.text})

    made = signed(body, one, RESULTS[one.tool])
    made.__name__ = made.__qualname__ = _PREFIX + one.tool
    return made


globals().update({_PREFIX + one.tool: _tool(one) for one in VERBS if one.jupyter})
