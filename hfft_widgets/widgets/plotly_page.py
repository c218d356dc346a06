"""What every chart in a page needs of the kernel: the page's code, and plotly.js where the page has none."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anywidget
import traitlets as T  # noqa: N812 - the usual short name
from ipywidgets import widget_serialization

from hfft_widgets.errors import HfftError
from hfft_widgets.widgets.surface import Widget, shared


@cache
def _bundle() -> bytes:
    """The plotly.js of the installed plotly package, gzip (1.5 MB). Finding a package does not import it."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise HfftError("The chart needs the package 'plotly'.", remedy="Install it with: pip install plotly")
    return gzip.compress((Path(spec.origin).parent / "package_data" / "plotly.min.js").read_bytes(), 6)


class PlotlyWidget(Widget):
    """A widget that a page draws with the plotly.js it borrows (page/plotly_page.js).

    Attributes:
        height: Pixels.
    """

    shared = T.Instance(anywidget.AnyWidget).tag(sync=True, **widget_serialization)
    height = T.Int(320, min=80).tag(sync=True)
    _uid = T.Unicode().tag(sync=True)
    _source = T.Unicode("").tag(sync=True)  # "lab", "window" or "comm": that source of plotly.js only, for tests

    def __init__(self, **traits: Any) -> None:
        super().__init__(shared=shared(), _uid=uuid.uuid4().hex[:12], **traits)  # short: it travels with the points
        self.on_msg(self._answer)

    def _answer(self, _widget: object, message: Mapping[str, Any], _buffers: object) -> None:
        """What a page asks: plotly.js, where it has none."""
        if message.get("type") == "bundle":
            try:
                self.send({"type": "bundle"}, [_bundle()])
            except (HfftError, OSError) as error:
                self.send({"type": "bundle", "error": str(error)})
