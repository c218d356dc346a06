"""The skill is a contract: what it says is current, what it commands runs, what it forbids the code refuses."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import tomllib
from pathlib import Path

import pytest

import hfft_widgets as hfft
from hfft_widgets.agent import skill
from hfft_widgets.agent.skill.references import FOLDER, pages
from hfft_widgets.core.plan.hardware import SIZE_CLASSES
from hfft_widgets.errors import HfftError
from hfft_widgets.sentence import EXAMPLES
from tests.source import ROOT

TEXT = skill.text()
PROSE = re.sub(r"(?s)^---.*?---|```.*?```|`[^`]*`", "", TEXT)
RULES = re.findall(r"^- (.*(?:\n  .*)*)", TEXT.partition("## Rules")[2].partition("## The same")[0], re.MULTILINE)
BLOCKS = re.findall(r"^ *```(\w+)\n(.*?)^ *```$", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.strip() for language, block in BLOCKS if language == "bash" for line in block.splitlines() if line.strip()
]
MENTIONED = re.findall(r"`(hfft [^`]*)`", TEXT)
PLUGIN = Path(skill.__file__).parent


# ---- the format ----------------------------------------------------------------------------------


def test_it_is_a_skill_by_the_specification():
    validate = pytest.importorskip("skills_ref").validate
    assert validate(skill.FOLDER) == []


def test_it_is_short_enough_to_be_read_and_says_when():
    front = TEXT.split("---")[1]
    assert f"name: {skill.NAME}\n" in front
    description = front.partition("description: ")[2].partition("\n")[0]
    assert "Use when" in description
    assert len(description) <= 1024
    assert len(TEXT.splitlines()) < 500
    assert all(example in TEXT for example in EXAMPLES[:3])


def test_every_page_that_it_names_is_there():
    linked = set(re.findall(r"\]\((references/[\w.]+)\)", TEXT))
    assert linked == {f"references/{name}" for name in pages()}
    assert all((skill.FOLDER / name).is_file() for name in linked)


def test_the_reference_pages_are_current():
    """If not: python -m hfft_widgets.agent.skill.references."""
    assert {path.name: path.read_text("utf-8") for path in FOLDER.iterdir()} == pages()


# ---- what it says --------------------------------------------------------------------------------


def test_its_numbers_are_the_codes():
    refused = f"{SIZE_CLASSES[-2].below / 1e9:g}"
    assert set(re.findall(r"(\S+)\s+billion", PROSE)) == {refused}
    words = (word.strip('.,:;()"') for word in re.sub(r"(?m)^\d\. ", "", PROSE).split())
    numbers = {word for word in words if re.search(r"\d", word) and "/" not in word}
    assert numbers == {refused, "Qwen3-0.6B", "Q4_K_M", "1"}  # 1: the exit code
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["requires-python"] == ">=" + re.search(r"Python (\S+) or newer", TEXT)[1]


def test_each_must_and_never_names_the_test_in_which_the_code_refuses():
    assert len(RULES) >= 15
    for rule in RULES:
        assert re.search(r"\*\*(?:must|never)\*\*", rule, re.IGNORECASE), rule
        assert re.search(r"`tests/[\w/]+\.py::test_\w+`", rule), rule
    elsewhere = PROSE.partition("## Rules")[0] + PROSE.partition("## The same")[2]
    assert not re.search(r"\b(?:must|never)\b", elsewhere, re.IGNORECASE)


@pytest.mark.parametrize(
    "named", re.findall(r"`(tests/[\w/]+\.py::test_\w+)`", TEXT), ids=lambda named: named.split("::")[1]
)
def test_the_test_that_a_rule_names_exists(named):
    file, _, name = named.partition("::")
    path = ROOT / file
    if re.match(r"tests/(?:agent|verbs)/|tests/jobs/test_money", file):
        pytest.importorskip("hfft_widgets.cli", reason="the verbs and their doors")
    tree = ast.parse(path.read_text("utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


# ---- what it commands ----------------------------------------------------------------------------


@pytest.mark.parametrize("command", [*COMMANDS, *MENTIONED])
def test_every_command_is_one(command):
    cli = pytest.importorskip("hfft_widgets.cli")
    filled = command.replace("<usd>", "1.50")
    cli._parser().parse_args(shlex.split(filled)[1:])


def test_it_tells_of_every_step():
    table = pytest.importorskip("hfft_widgets.verbs.table")
    said = {command.split()[1] for command in (*COMMANDS, *MENTIONED)}
    assert said <= {command for verb in table.VERBS for command in verb.commands}
    assert {"doctor", "validate", "preview", "plan", "launch", "watch", "run", "export", "diagnose", "ledger"} <= said


@pytest.mark.ci
def test_the_commands_run_one_after_the_other(sample_folders, capsys):
    """The whole loop, as it stands in the skill: what a plan or a launch gives is put into the next command."""
    cli = pytest.importorskip("hfft_widgets.cli")
    known: dict[str, str] = {}
    for command in COMMANDS:
        words = [known.get(word, word) for word in shlex.split(command)[1:]]
        assert not [word for word in words if word.startswith("<")], command
        code = cli.main([*words, "--json"])
        out, err = capsys.readouterr()
        assert code == 0, (command, out, err)
        values = json.loads(out)
        if "fingerprint" in values:
            known["<fingerprint>"] = values["fingerprint"]
        if values.get("kind") == "launched":
            known["<run>"] = values["run"]
    assert hfft.attach(known["<run>"]).stage == "COMPLETED"


@pytest.mark.parametrize("code", [block for language, block in BLOCKS if language == "python"])
def test_its_python_runs(code, sample_folders, capsys):
    exec(compile(code, "SKILL.md", "exec"), {})
    assert capsys.readouterr().out


# ---- where it goes -------------------------------------------------------------------------------


def test_it_is_placed_where_agents_look(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    placed = skill.add()
    assert placed == tmp_path / ".agents" / "skills" / skill.NAME
    for folder in (placed, tmp_path / ".claude" / "skills" / skill.NAME):
        assert (folder / "SKILL.md").read_text("utf-8") == TEXT
        assert (folder / "references" / "hardware_guide.md").is_file()
    assert (tmp_path / ".claude" / "skills" / skill.NAME).is_symlink()
    (placed / "SKILL.md").write_text("older")
    (placed / "references" / "gone.md").write_text("older")
    assert skill.add(tmp_path) == placed  # a newer one takes the place of an older one, whole
    assert (placed / "SKILL.md").read_text("utf-8") == TEXT
    assert not (placed / "references" / "gone.md").exists()
    assert {path.name for path in placed.parent.iterdir()} == {skill.NAME}


@pytest.mark.parametrize("where", [".agents", ".claude"])
def test_what_somebody_else_placed_is_left_alone(tmp_path, where):
    theirs = tmp_path / where / "skills" / skill.NAME
    theirs.mkdir(parents=True)
    (theirs / "SKILL.md").write_text("theirs")
    with pytest.raises(HfftError, match="was not placed by this command"):
        skill.add(tmp_path)
    assert [path for path in tmp_path.rglob("SKILL.md")] == [theirs / "SKILL.md"]  # noqa: C416


def test_a_link_whose_skill_was_taken_away_is_mended(tmp_path):
    import shutil

    placed = skill.add(tmp_path)
    shutil.rmtree(placed)
    assert skill.add(tmp_path) == placed
    assert (tmp_path / ".claude" / "skills" / skill.NAME / "SKILL.md").is_file()


def test_in_the_home_folder_claudes_own_place_is_honoured(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    (tmp_path / "home").mkdir()
    skill.add(tmp_path / "home")
    assert (tmp_path / "claude" / "skills" / skill.NAME / "SKILL.md").is_file()
    assert not (tmp_path / "home" / ".claude").exists()


def test_where_it_cannot_be_placed_it_says_so(tmp_path):
    with pytest.raises(HfftError, match="There is no folder"):
        skill.add(tmp_path / "nowhere")
    (tmp_path / ".agents").write_text("a file in the way")
    with pytest.raises(HfftError, match="could not be placed"):
        skill.add(tmp_path)


# ---- the plugin ----------------------------------------------------------------------------------


def test_the_manifests_lead_to_it():
    market = json.loads((ROOT / ".claude-plugin" / "marketplace.json").read_text("utf-8"))
    (plugin,) = market["plugins"]
    assert (ROOT / plugin["source"]).resolve() == PLUGIN
    assert [(PLUGIN / one).resolve() for one in plugin["skills"]] == [skill.FOLDER]
    own = json.loads((PLUGIN / ".claude-plugin" / "plugin.json").read_text("utf-8"))
    assert (own["name"], own["version"]) == (plugin["name"], hfft.__version__)
    assert own["description"] == plugin["description"]


def test_the_server_that_it_starts_is_ours():
    (server,) = json.loads((PLUGIN / ".mcp.json").read_text("utf-8"))["mcpServers"].values()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert server["args"][:2] == ["--from", f"{project['name']}[mcp]"]
    pytest.importorskip("hfft_widgets.cli", reason="the server comes with the verbs")
    assert server["args"][2] in project["scripts"]
    assert "mcp" in project["optional-dependencies"]


def test_no_file_of_it_is_executable():
    assert not [path for path in PLUGIN.rglob("*") if path.is_file() and os.access(path, os.X_OK)]
