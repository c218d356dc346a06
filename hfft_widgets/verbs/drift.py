"""What changed in the newest TRL, transformers and huggingface_hub, of what this package builds on.

The wheels are fetched by pip and read, never installed or run: settings of trainers and their defaults, the functions
by which TRL prepares rows (what the emulators go after), and the calls to the Hub.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from hfft_widgets.core.pins import versions
from hfft_widgets.core.units import plural
from hfft_widgets.errors import HfftError

_METHODS = ("sft", "dpo", "grpo", "kto", "reward", "rloo")
_TRAINERS = tuple(f"trl/trainer/{method}_trainer.py" for method in _METHODS)
_PREPARES = ("*._prepare_dataset", "*._tokenize_prompts", "*.torch_call", "*_collate*")
# package -> how a name counts -> (file, names of functions and classes, with * for any)
WATCHED: dict[str, dict[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "trl": {
        "settings": tuple((f"trl/trainer/{one}_config.py", ("*Config",)) for one in (*_METHODS, "base")),
        "code": (
            ("trl/data_utils.py", ("*",)),
            *((file, _PREPARES) for file in _TRAINERS),
        ),
        "call": tuple((file, ("*Trainer.__init__",)) for file in _TRAINERS),
    },
    "transformers": {
        "settings": (("transformers/training_args.py", ("TrainingArguments",)),),
        "code": (("transformers/utils/chat_template_utils.py", ("*",)),),
        "call": (("transformers/trainer.py", ("Trainer.__init__", "Trainer.train")),),
    },
    "huggingface_hub": {
        "settings": (),
        "code": (),
        "call": (
            (
                "huggingface_hub/hf_api.py",
                tuple(f"HfApi.{name}" for name in (
                    "run_job", "run_uv_job", "cancel_job", "list_jobs_hardware", "whoami", "create_repo", "delete_repo",
                    "create_commit", "preupload_lfs_files", "repo_info", "model_info", "auth_check", "list_models",
                    "list_datasets", "parse_safetensors_file_metadata",
                )),
            ),
        ),
    },
}  # fmt: skip
Facts = dict[str, dict[str, str]]  # name -> its parts: settings with their defaults, or the whole as ""


def checks() -> Iterator[dict[str, Any]]:
    """For each package: what is new, gone or different in its newest release."""
    for package in WATCHED:
        tested = versions()[package]
        try:
            with tempfile.TemporaryDirectory(prefix="hfft-drift-") as folder:
                newest, there = _release(package, "", Path(folder, "newest"))
                before = there if newest == tested else _release(package, tested, Path(folder, "tested"))[1]
                found = [] if newest == tested else list(differences(facts(package, before), facts(package, there)))
        except HfftError as error:
            yield {"name": package, "ok": None, "found": f"{error.what} {error.why}".strip(), "remedy": error.remedy}
            continue
        yield {"name": package, **_judged(tested, newest, found), "changes": found}


def _judged(tested: str, newest: str, found: list[str]) -> dict[str, Any]:
    if newest == tested:
        return {"ok": True, "found": f"{tested} is what was tested, and the newest", "remedy": ""}
    if not found:
        words = f"tested with {tested}; in {newest} nothing changed of what is used here"
        return {"ok": True, "found": words, "remedy": ""}
    shown = "\n     ".join(found)
    words = f"tested with {tested}; in {newest} {plural(len(found), 'thing')} changed:\n     {shown}"
    return {"ok": None, "found": words, "remedy": f"Keep {tested} until a release of hfft-widgets names the newer one"}


def facts(package: str, wheel: Path) -> Facts:
    """What of a wheel is watched, by name."""
    found: Facts = {}
    with ZipFile(wheel) as archive:
        held = set(archive.namelist())
        for kind, files in WATCHED[package].items():
            for file, names in files:
                if file in held:
                    found |= _of_file(kind, ast.parse(archive.read(file)), Path(file).stem, names)
    return found


def _of_file(kind: str, tree: ast.Module, module: str, names: tuple[str, ...]) -> Facts:
    read = {"settings": _settings, "code": _code, "call": _call}[kind]
    return {
        f"{module}.{name}": parts
        for name, node in _named(tree)
        if any(fnmatchcase(name, wanted) for wanted in names) and (parts := read(node))
    }


def _named(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name, node
            yield from ((f"{node.name}.{one.name}", one) for one in node.body if isinstance(one, ast.FunctionDef))
        elif isinstance(node, ast.FunctionDef):
            yield node.name, node


def _settings(node: ast.AST) -> dict[str, str]:
    """Field -> its default, as written."""
    if not isinstance(node, ast.ClassDef):
        return {}
    fields = [one for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)]
    return {ast.unparse(one.target): _default(one.value) for one in fields}


def _default(value: ast.expr | None) -> str:
    """Of `field(default=..., metadata=...)` the default: its help is no setting."""
    if isinstance(value, ast.Call):
        given = [one.value for one in value.keywords if one.arg in {"default", "default_factory"}]
        return ast.unparse(given[0]) if given else ""
    return "" if value is None else ast.unparse(value)


def _code(node: ast.AST) -> dict[str, str]:
    """The whole, without what is only said in it."""
    if not isinstance(node, ast.FunctionDef):
        return {}
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return {"": ast.unparse(node.args) + "".join(ast.unparse(one) for one in body)}


def _call(node: ast.AST) -> dict[str, str]:
    """Argument -> its default; an annotation changes nothing for who calls."""
    if not isinstance(node, ast.FunctionDef):
        return {}
    given = node.args
    plain = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(plain) - len(given.defaults)) + [*given.defaults]
    pairs = [*zip(plain, defaults, strict=True), *zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return {one.arg: "" if default is None else ast.unparse(default) for one, default in pairs}


def differences(before: Facts, after: Facts) -> Iterator[str]:
    """In words, one line each."""
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            yield f"{name} is {'gone' if new is None else 'new'}"
        elif "" in old:
            if old != new:
                yield f"{name} does something else"
        else:
            yield from _parts(name, old, new)


def _parts(name: str, old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    for part in [*old, *(one for one in new if one not in old)]:
        if part not in new:
            yield f"{name}: {part} is gone"
        elif part not in old:
            yield f"{name}: {part} is new"
        elif old[part] != new[part]:
            yield f"{name}: {part} was {old[part] or 'required'}, is {new[part] or 'required'}"


def _release(package: str, version: str, folder: Path) -> tuple[str, Path]:
    """The version and the wheel of a release, the newest one if none is named."""
    asked = f"{package}=={version}" if version else package
    fetch = [sys.executable, "-m", "pip", "--quiet", "download", "--no-deps", "--only-binary", ":all:", "--dest"]
    done = subprocess.run([*fetch, str(folder), asked], capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise HfftError(f"{asked} could not be fetched.", why=said[:300], remedy="Check the network and pip's index.")
    try:
        ZipFile(wheels[0]).close()
    except BadZipFile as error:
        raise HfftError(f"What came for {asked} is no wheel.", remedy="Check pip's index.") from error
    return wheels[0].name.split("-")[1], wheels[0]
