"""`uv run` without an index: reads the inline metadata, ignores the dependencies, runs this interpreter."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path

WITH_VALUE = {"--with", "--with-requirements", "--python", "-p", "--index", "--index-url", "--extra-index-url"}
WITH_VALUE |= {"--default-index", "--env-file", "--project", "--directory", "--group", "--extra", "--prerelease"}
BLOCK = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


def program(words: list[str]) -> list[str]:
    """What follows the options of `uv run`."""
    words = list(words)
    while words and words[0].startswith("-") and words[0] != "-":
        option = words.pop(0)
        if option == "--":
            break
        if option in WITH_VALUE and words:
            words.pop(0)
    return words


def check_metadata(script: Path) -> None:
    """uv refuses a script whose inline metadata is no TOML."""
    found = BLOCK.search(script.read_text("utf-8"))
    if found:
        lines = found["content"].splitlines()
        tomllib.loads("\n".join(line.removeprefix("#").removeprefix(" ") for line in lines))


def main(words: list[str]) -> None:
    if words[:1] != ["run"]:
        sys.exit(f"error: the stand-in knows only `uv run`, not {words[:1]}")
    command = program(words[1:])
    if not command:
        sys.exit("error: Provide a command or script to invoke with `uv run <command>`.")
    if command[0].endswith(".py"):
        check_metadata(Path(command[0]))
        command.insert(0, sys.executable)
    os.execvp(command[0], command)  # never comes back; `python` is this interpreter by the job's PATH


if __name__ == "__main__":
    main(sys.argv[1:])
