"""Write the lessons' notebooks into a folder: `python -m hfft_widgets.teaching.lessons FOLDER [--solved] [NAME ...]`.

They need no checkout of this project: who installed the package has the whole course.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hfft_widgets.errors import HfftError
from hfft_widgets.teaching.notebooks import file_text
from hfft_widgets.teaching.source import lesson, lessons


def main(words: Sequence[str] | None = None) -> int:
    """Write them; returns 1 where something could not be done, after saying it."""
    parser = argparse.ArgumentParser(
        "python -m hfft_widgets.teaching.lessons", description="Write the lessons' notebooks."
    )
    parser.add_argument("folder", type=Path, help="where they go; notebooks of the same name are replaced")
    parser.add_argument("names", nargs="*", help="lessons, e.g. data; by default all")
    parser.add_argument(
        "--solved", action="store_true", help="with solutions, and with the claims of the text asserted"
    )
    asked = parser.parse_args(words)
    try:
        chosen = [lesson(name) for name in asked.names] or lessons().values()
        asked.folder.mkdir(parents=True, exist_ok=True)
        for one in chosen:
            file = asked.folder / f"{one.stem}{'_solved' if asked.solved else ''}.ipynb"
            file.write_text(file_text(one, solved=asked.solved), "utf-8", newline="\n")
            print(file)  # noqa: T201 - this is a command
    except (HfftError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
