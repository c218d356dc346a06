"""A stand-in of `google.colab`, made of what its issues and its widget manager's source say; Colab itself never ran.

`install()` in a kernel makes it one of Colab for this package, anywidget and huggingface_hub. The page then hears
nothing that a thread sends (colabtools#3373): such messages are dropped here.
"""

from __future__ import annotations

import sys
import threading
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

URL = "https://ssl.gstatic.com/colaboratory-static/widgets/colab-cdn-widget-manager/manager.min.js"


class NotebookAccessError(Exception):
    """The person did not let the notebook read a secret."""


class SecretNotFoundError(Exception):
    """There is no such secret."""


def install(secrets: dict[str, str] | None = None, drive: Path | None = None) -> types.SimpleNamespace:
    """Put the stand-in where `import google.colab` finds it; returns what was asked of it."""
    seen = types.SimpleNamespace(enabled=0, mounted=[], asked=[], dropped=0)

    def enable() -> None:
        seen.enabled += 1
        widgets._installed_url = URL

    def get(name: str) -> str:
        assert threading.current_thread() is threading.main_thread(), "a secret is asked for in the main thread only"
        seen.asked.append(name)
        if name not in (secrets or {}):
            raise SecretNotFoundError(name)
        return secrets[name]

    widgets = types.SimpleNamespace(_installed_url=None)
    modules = {
        "google.colab": {},
        "google.colab.output": {"enable_custom_widget_manager": enable, "_widgets": widgets},
        "google.colab.userdata": {
            "get": get,
            "NotebookAccessError": NotebookAccessError,
            "SecretNotFoundError": SecretNotFoundError,
        },
        "google.colab.errors": {"Error": type("Error", (Exception,), {})},
        "google.colab.drive": {"mount": seen.mounted.append},
    }
    for name, values in modules.items():
        module = types.ModuleType(name)
        module.__dict__.update(values, __spec__=ModuleSpec(name, None))
        sys.modules[name] = module
        if name.count(".") == 2:
            setattr(sys.modules["google.colab"], name.rpartition(".")[2], module)
    sys.modules["google.colab"].__path__ = []
    _drop_what_threads_send(seen)
    return seen


def _drop_what_threads_send(seen: types.SimpleNamespace) -> None:
    from ipykernel.comm.comm import BaseComm

    publish = BaseComm.publish_msg

    def heard(self: object, *args: object, **kwargs: object) -> None:
        if threading.current_thread() is threading.main_thread():
            publish(self, *args, **kwargs)
        else:
            seen.dropped += 1

    BaseComm.publish_msg = heard
