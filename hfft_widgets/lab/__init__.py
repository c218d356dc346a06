"""At home in JupyterLab: a tile, commands and a panel of runs in the page, and the small server part they ask.

The page's part is plain JavaScript in `labextension/`, which the browser reads as it is: nothing is built.
"""

from __future__ import annotations

from typing import Any

NAME = "hfft-widgets"
"""The extension's name in JupyterLab, which begins the ids of its plugins."""


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Where the page's part lies, for `jupyter labextension develop`."""
    return [{"src": "labextension", "dest": NAME}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """What Jupyter's server loads."""
    return [{"module": "hfft_widgets.lab"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Add the routes to a server that starts; nothing is looked at before a page asks."""
    from hfft_widgets.lab.handlers import routes

    server.web_app.add_handlers(".*$", routes(server.web_app.settings["base_url"]))
