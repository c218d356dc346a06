"""What a release says of itself: the workflow installs as the README does; badges follow the address of the project."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
BADGE = re.compile(r"\[!\[[^\]]*\]\([^)]*\)\]\((https://(?:mybinder\.org|colab\.research\.google\.com)/[^)]*)\)")


def test_the_workflow_runs_the_readmes_command_on_three_systems():
    fast = WORKFLOW["jobs"]["fast"]
    assert {name.partition("-")[0] for name in fast["strategy"]["matrix"]["os"]} == {"ubuntu", "macos", "windows"}
    install, test = (step["run"] for step in fast["steps"] if "run" in step)
    (line,) = re.findall(r"^python3 -m venv .*pytest$", README, re.MULTILINE)
    assert install.removeprefix("python -m ") in line
    assert test == "python -m pytest"
    assert {f"3.{minor}" for minor in (11, 13)} == set(fast["strategy"]["matrix"]["python"])


def test_the_workflow_gives_nobody_more_than_reading():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert "secrets." not in (ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8")


def badges(repository: str, notebook: str) -> set[str]:
    """Where the badges of a notebook lead, for a project at this address."""
    name = repository.removeprefix("https://github.com/").strip("/")
    return {
        f"https://mybinder.org/v2/gh/{name}/HEAD?urlpath=notebooks/notebooks/{notebook}",
        f"https://colab.research.google.com/github/{name}/blob/HEAD/notebooks/{notebook}",
    }


def test_badges_lead_to_the_projects_address_and_there_is_none_without_one():
    repository = PROJECT.get("urls", {}).get("Repository", "")
    texts = {"README.md": README} | {path.name: _markdown(path) for path in NOTEBOOKS}
    for name, text in texts.items():
        shown = set(BADGE.findall(text))
        wanted = badges(repository, "0_quickstart.ipynb" if name == "README.md" else name) if repository else set()
        assert shown == wanted, name


def _markdown(path: Path) -> str:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def test_every_address_within_the_project_leads_to_a_file():
    named = re.findall(r"""(?:\]\(|src="|srcset=")([^)"]+)""", README)
    here = [name for name in named if "://" not in name and not name.startswith("#")]
    assert [name for name in here if not (ROOT / name).is_file()] == []
    pictures = [ROOT / name for name in here if name.endswith(".png")]
    assert {path.stem for path in pictures} == {"page_light", "page_dark"}
    assert all(path.stat().st_size < 250_000 for path in pictures)
