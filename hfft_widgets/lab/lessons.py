"""The lessons' notebooks as the package brings them: an install has them inside, a checkout beside the package."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hfft_widgets.errors import HfftError

_PACKAGE = Path(__file__).parents[1]
FOLDERS = (_PACKAGE / "notebooks", _PACKAGE.parent / "notebooks")
"""Where they may be; the first that is there has all of them."""
_NO_LESSON = re.compile(r"^lite_|_solved$")  # for JupyterLite, which has no server; with the answers


def lessons() -> list[dict[str, str]]:
    """In their order: `name` of the file, `title` of its first heading, `short` of its tile."""
    found = [(path.stem, _title(notebook(path.stem))) for path in _files()]
    return [{"name": name, "title": title, "short": _short(name, title)} for name, title in found]


def notebook(name: str) -> dict[str, Any]:
    """The notebook of a lesson, as JSON values.

    Raises:
        HfftError: There is none of that name.
    """
    file = next((path for path in _files() if path.stem == name), None)
    if file is None:
        known = ", ".join(path.stem for path in _files())
        raise HfftError(f"There is no lesson {name!r}.", remedy=f"Choose one of: {known}.")
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def _files() -> Iterator[Path]:
    folder = next((one for one in FOLDERS if one.is_dir()), None)
    for path in sorted(folder.glob("*.ipynb")) if folder else ():
        if not _NO_LESSON.search(path.stem):
            yield path


def _title(values: dict[str, Any]) -> str:
    text = "".join("".join(cell["source"]) + "\n" for cell in values["cells"] if cell["cell_type"] == "markdown")
    return next((line[2:].strip() for line in text.splitlines() if line.startswith("# ")), "")


def _short(name: str, title: str) -> str:
    """What stands on a tile.

    >>> _short("1_data", "Data: can I train on this?"), _short("capstone", "Your own model")
    ('1 Data', 'Your own model')
    """
    number = name.partition("_")[0]
    words = title.partition(":")[0]
    return f"{number} {words}" if number.isdigit() else words
