"""The skill: what an agent reads before it fine-tunes, and how it is placed where agents look for skills.

The folder is a Claude plugin (`.claude-plugin`, `.mcp.json`, `skills`), and `npx skills add` takes it as it is.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from hfft_widgets.errors import HfftError

NAME = "hfft-fine-tune"
FOLDER = Path(__file__).parent / "skills" / NAME
MARKER = ".hfft-skill"  # what has it was placed here, and may be replaced


def text() -> str:
    """SKILL.md."""
    return (FOLDER / "SKILL.md").read_text("utf-8")


def add(folder: Path | None = None) -> Path:
    """Place the skill where agents look for it, as `hf skills add` does; an earlier one that was placed so is replaced.

    It goes to `.agents/skills`, which most agents read; Claude Code reads `.claude/skills`, which gets a link to it.

    Args:
        folder: A project's folder; the current one if not given. The home folder makes it everybody's: there
            `CLAUDE_CONFIG_DIR` is honoured.

    Returns:
        Where it is.

    Raises:
        HfftError: Something else has its name there; nothing was changed. Or the folder cannot be written.
    """
    root = Path("." if folder is None else folder).expanduser().resolve()
    if not root.is_dir():
        raise HfftError(f"There is no folder {str(root)!r}.", remedy="Give a project's folder.")
    placed, link = root / ".agents" / "skills" / NAME, _claude(root) / "skills" / NAME
    _refuse_foreign(placed)
    if not (link.is_symlink() and link.resolve() == placed):
        _refuse_foreign(link)
    try:
        _put(placed)
        if link.parent.resolve() != placed.parent.resolve():
            _link(link, placed)
    except OSError as error:
        raise HfftError(f"The skill could not be placed at {str(placed)!r}.", why=f"{error}.",
                        remedy="Choose a folder that you may write.") from error  # fmt: skip
    return placed


def _claude(root: Path) -> Path:
    own = os.environ.get("CLAUDE_CONFIG_DIR")
    return Path(own).expanduser() if own and root == Path.home().resolve() else root / ".claude"


def _refuse_foreign(path: Path) -> None:
    there = path.exists() or path.is_symlink()
    if there and not (path / MARKER).exists():
        raise HfftError(
            f"{str(path)!r} exists and was not placed by this command.",
            remedy="Move it away, then add the skill again.",
        )


def _put(placed: Path) -> None:
    """Write it beside its place, then swap: whoever reads there finds the old one or the new one, whole."""
    placed.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=placed.parent, prefix=f".{NAME}.") as made:
        new, old = Path(made) / "new", Path(made) / "old"
        shutil.copytree(FOLDER, new, ignore=shutil.ignore_patterns("__pycache__"))
        (new / MARKER).touch()
        with suppress(FileNotFoundError):
            placed.rename(old)
        new.rename(placed)


def _link(link: Path, placed: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    elif link.is_dir():
        shutil.rmtree(link)
    try:
        link.symlink_to(os.path.relpath(placed, link.parent), target_is_directory=True)
    except OSError:  # Windows without the right to make links
        shutil.copytree(placed, link)
