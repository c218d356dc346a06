"""The frame of an export: a work folder that always goes away, a final name that comes last, an end that is told."""

import hashlib
import json
import os
import re
import shutil
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

from hfft_widgets.scripts.events import tell
from hfft_widgets.scripts.gguf.extras.repository import push
from hfft_widgets.scripts.gguf.modelfile import modelfile
from hfft_widgets.scripts.gguf.subprocess_steps import (
    REMEDIES,
    STEP_ARGUMENT,
    CanceledError,
    ExportProgress,
    StepFailedError,
    run_step,
    step,
)
from hfft_widgets.scripts.masking import mask_output

MODELFILE = ".Modelfile"
MADE_HERE = ".made-by-hfft-export"  # only a work folder with this file in it is ever deleted


@contextmanager
def workspace(output_dir, sources, seconds, files=1):
    """A folder for what is only needed on the way; it is gone afterwards, unless the process is killed.

    Then the next run of the same script on the same models goes on from what was whole, see `made_before`.

    Args:
        output_dir: Where the result goes.
        sources: The trained model, then its base or None.
        seconds: How long each step may take: step name -> seconds. It weighs the progress bar.
        files: How many files are made; the seconds are those of all.
    """
    work = Path(output_dir) / "work"
    made_of = hashlib.sha256(Path(__file__).read_bytes() + made_from(sources).encode()).hexdigest()
    if (work / MADE_HERE).is_file() and (work / MADE_HERE).read_text("utf-8") == made_of:
        discard_halves(work)
    else:
        discard_workspace(work)
        work.mkdir(parents=True)
        (work / MADE_HERE).write_text(made_of, "utf-8")
    ExportProgress.expect(seconds, files)
    try:
        yield work
    finally:
        discard_workspace(work)


def discard_workspace(work):
    """Delete a work folder, e.g. what a killed run left behind; never somebody's own folder of that name."""
    if not work.exists():
        return
    if not (work / MADE_HERE).exists():
        raise StepFailedError(
            f"The folder {work} exists and was not made by an export.",
            kind="FileExistsError",
            remedy="Set HFFT_OUTPUT_DIR to another folder.",
        )
    shutil.rmtree(work, ignore_errors=True)


WHOLE = ".whole.json"  # beside what a step has finished: what it found
ON_THE_WAY = ("truth.npz", "imatrix.gguf")  # written by the first step, needed by later ones


def keep_whole(path, found):
    """Note that a file or folder of the work folder is finished, with what was found of it, and return that."""
    if Path(path).is_file():
        with Path(path).open("rb+") as stream:  # on the disk, before the note says so
            os.fsync(stream.fileno())
    note = Path(f"{path}{WHOLE}")
    part = note.with_suffix(".part")
    part.write_text(json.dumps({"done": ExportProgress.done, "found": found}), "utf-8")
    part.replace(note)
    return found


def made_before(path, *others):
    """What was found of a file or folder that a killed run had finished, if the others are there too; else None."""
    note = Path(f"{path}{WHOLE}")
    if not note.is_file() or not all(Path(one).exists() for one in (path, *others)):
        return None
    kept = json.loads(note.read_text("utf-8"))
    ExportProgress.done = kept["done"]
    print(f"Going on with {Path(path).name}, which an earlier run had made", flush=True)
    return kept["found"]


def discard_halves(work):
    """Delete what a killed run had not finished."""
    noted = {note.name.removesuffix(WHOLE) for note in work.glob(f"*{WHOLE}")}
    kept = {MADE_HERE, *noted, *(f"{name}{WHOLE}" for name in noted), *(ON_THE_WAY if noted else ())}
    for path in work.iterdir():
        if path.name not in kept:
            discard(path)


def discard(path):
    """Give the disk space of a file or folder back as soon as nothing needs it any more."""
    path = Path(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


# ---- The file ------------------------------------------------------------------------------------


def check(file, sources, prompt, max_tokens=96, **more):
    """Compare the file with the model it was made from, and ask it something; a file that fails is deleted.

    Args:
        file: The GGUF file.
        sources: The trained model, then its base or None.
        prompt: What to ask it.
        max_tokens: Length of the longest answer.
        **more: Further arguments of `verify`.
    """
    try:
        message = "Checking the file in llama.cpp"
        return step("verify", message, file=file, sources=sources, prompt=prompt, max_tokens=max_tokens, **more)
    except StepFailedError:
        discard(file)
        raise


def keep(draft, exported, sources, prompt, found, push_to=None):
    """Give a checked file its name, push it to a Hub repository if there is one; returns what was found of it."""
    draft, exported = Path(draft), Path(exported)
    if draft != exported:
        draft.replace(exported)
    ollama, found = found["ollama"], {name: value for name, value in found.items() if name != "ollama"}
    alone = bool(found.get("alone"))  # an adapter's file, whose base Ollama must be told
    exported.with_suffix(MODELFILE).write_text(modelfile(exported.name, ollama, adapter=alone), "utf-8")
    told = {"prompt": prompt, "file": str(exported.absolute()), "bytes": exported.stat().st_size, **found}
    note_of(exported).write_text(json.dumps({"made_from": made_from(sources), **told}, indent=2), "utf-8")
    if push_to:
        push(exported, push_to, sources, told, ollama)
        told["repo"] = push_to
    return told


def done(kept):
    """Tell what was found of the files, the first with the others beside it, and that this is the end."""
    first, *others = kept
    tell("verified", **first, **({"others": others} if others else {}))
    tell("end", file=first["file"], bytes=first["bytes"], output_dir=str(Path(first["file"]).parent))


def finished(exported, sources):
    """The file and what was found of it, if this very model was exported to it before; else None."""
    exported = Path(exported)
    note = note_of(exported)
    if not exported.is_file() or not note.is_file():
        return None
    try:
        found = json.loads(note.read_text("utf-8"))
        return (
            (exported, {key: found.get(key) for key in PROOF}) if found.get("made_from") == made_from(sources) else None
        )
    except (ValueError, AttributeError):
        return None


PROOF = (
    "merge",
    "numbers",
    "weights",
    "repairs",
    "sixteen_bit",
    "spoken",
    "tensors",
    "lost",
    "alone",
)  # what the steps before found


def note_of(exported):
    """The small file beside the GGUF file that says what it was made from and what the check found."""
    return Path(exported).with_suffix(".json")


def made_from(sources):
    """A short name for the models as they are now: of their names, and size and time of each of their files."""
    stamps = []
    for source in sources:
        files = sorted(Path(source).iterdir()) if source and Path(source).is_dir() else []
        stats = [(file.name, file.stat()) for file in files if file.is_file()]
        stamps.append([source and str(source), [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]])
    return hashlib.sha256(json.dumps(stamps).encode()).hexdigest()[:16]


# ---- The whole script ----------------------------------------------------------------------------


def cancel(signum, frame):
    """Ctrl-C, a cancelled run or a timeout: unwind once, so that the step is ended and the work folder deleted."""
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    raise CanceledError(signum)


def run(main):
    """Run the recipe, or one of its steps. Exit code 0: done; 1: an error was told; 128 + signal: asked to stop."""
    mask_output()
    if sys.argv[1:2] == [STEP_ARGUMENT]:
        run_step(sys.argv[2])
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), cancel)
    try:
        main()
    except CanceledError as canceled:
        signum = int(canceled.args[0])
        tell("stopped", signal=signum)
        sys.exit(128 + signum)
    except StepFailedError as error:
        tell("error", type=error.kind, message=str(error), remedy=error.remedy)
        sys.exit(1)
    except Exception as error:
        remedy = next((words for pattern, words in REMEDIES if re.search(pattern, str(error))), "")
        tell("error", type=type(error).__name__, message=str(error)[:2000], remedy=remedy)
        raise
