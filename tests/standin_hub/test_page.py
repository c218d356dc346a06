"""The page about the stand-in Hub names all that it can do."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from tests.standin_hub import accounts, buckets, faults, repos, uploads, viewer

HERE = Path(__file__).parent
PAGE = (HERE / "README.md").read_text("utf-8")
SETTINGS = {field.name for kind in (faults.Fault, faults.Effects) for field in dataclasses.fields(kind)} - {"effects"}
VERBS = {verb for _, verb in [*repos.READERS, *uploads.WRITERS, *buckets._VERBS] if verb} | set(viewer._VERBS)
TOKENS = {name for name in vars(accounts) if name.endswith("_TOKEN")}
JOB_VERBS = set(re.findall(r"_JOB}/(\w+)", (HERE / "app.py").read_text("utf-8")))
FILES = set(re.findall(r"`(\w+\.(?:py|json))`", PAGE))


@pytest.mark.parametrize("word", sorted(SETTINGS | VERBS | TOKENS | JOB_VERBS))
def test_the_page_names(word):
    assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", PAGE)


def test_the_files_it_names_exist():
    assert [name for name in FILES if not (HERE / name).exists()] == []
