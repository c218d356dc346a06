"""The frame of an export: a work folder that always goes away, a final name that comes last, an end that is told."""

import hashlib
import json
import re
import shutil
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

from hfft_widgets.scripts.stepping import REMEDIES, STEP_ARGUMENT, CanceledError, Road, StepFailedError, run_step, step
from hfft_widgets.scripts.telling import tell

MADE_HERE = ".made-by-hfft-export"  # only a work folder with this file in it is ever deleted


@contextmanager
def workspace(output_dir, seconds):
    """A folder for what is only needed on the way; it is gone afterwards, whatever happens.

    Args:
        output_dir: Where the result goes.
        seconds: How long each step may take: step name -> seconds. It weighs the progress bar.
    """
    work = Path(output_dir) / "work"
    discard_workspace(work)
    work.mkdir(parents=True)
    (work / MADE_HERE).touch()
    Road.expect(seconds)
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


def discard(path):
    """Give the disk space of a file or folder back as soon as nothing needs it any more."""
    path = Path(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


# ---- The file ------------------------------------------------------------------------------------


def check(file, sources, prompt, max_tokens=96):
    """Compare the file with the model it was made from, and ask it something; a file that fails is deleted.

    Args:
        file: The GGUF file.
        sources: The trained model, then its base or None.
        prompt: What to ask it.
        max_tokens: Length of the longest answer.
    """
    try:
        message = "Checking the file in llama.cpp"
        return step("verify", message, file=file, sources=sources, prompt=prompt, max_tokens=max_tokens)
    except StepFailedError:
        discard(file)
        raise


def keep(draft, exported, sources, prompt, found, push_to=None):
    """Give a checked file its name, push it to a Hub repository if there is one, and tell what was found."""
    draft, exported = Path(draft), Path(exported)
    if draft != exported:
        draft.replace(exported)
    told = {"prompt": prompt, "file": str(exported.absolute()), "bytes": exported.stat().st_size, **found}
    note_of(exported).write_text(json.dumps({"made_from": made_from(sources), **told}, indent=2), "utf-8")
    if push_to:
        push(exported, push_to, sources)
        told["repo"] = push_to
    tell("verified", **told)
    tell("end", file=told["file"], bytes=told["bytes"], output_dir=str(exported.absolute().parent))


def push(exported, repo, sources):
    """Put a finished file on the Hub, with a card that says what it was made from; the repository is private if new."""
    from huggingface_hub import CommitOperationAdd, create_commit, create_repo

    tell("progress", message=f"Pushing {exported.name} to {repo}")
    create_repo(repo, private=True, exist_ok=True)
    files = [
        CommitOperationAdd(path_in_repo=exported.name, path_or_fileobj=str(exported)),
        CommitOperationAdd(path_in_repo="README.md", path_or_fileobj=gguf_card(exported.name, repo, sources).encode()),
    ]
    create_commit(repo, operations=files, commit_message=f"Add {exported.name}")


def gguf_card(name, repo, sources):
    """The text of the model card; what is a folder of one machine is not named."""
    made = [source for source in sources if source and not Path(source).is_absolute()][:1]
    header = [f"base_model: {json.dumps(made[0])}", "base_model_relation: quantized"] if made else []
    quantization = name.removesuffix(".gguf").rpartition("-")[2]
    origin = f"`{made[0]}` for llama.cpp" if made else "A model for llama.cpp"
    lines = [
        "---",
        *header,
        "library_name: gguf",
        "tags: [gguf, hfft-widgets]",
        "---",
        "",
        f"# {repo.rpartition('/')[2]}",
    ]
    lines += ["", f"{origin}, Ollama and LM Studio."]
    return "\n".join([*lines, "", "```sh", f"llama-server -hf {repo}:{quantization}", "```", ""])


def is_finished(exported, sources):
    """Whether this very model was exported to this file before."""
    exported = Path(exported)
    note = note_of(exported)
    if not exported.is_file() or not note.is_file():
        return False
    try:
        return json.loads(note.read_text("utf-8")).get("made_from") == made_from(sources)
    except ValueError:
        return False


def note_of(exported):
    """The small file beside the GGUF file that says what it was made from and what the check found."""
    return Path(exported).with_suffix(".json")


def made_from(sources):
    """A short name for the models as they are now: of their names, and size and time of each of their files."""
    stamps = []
    for source in sources:
        files = sorted(Path(source).iterdir()) if source and Path(source).is_dir() else []
        stats = [(file.name, file.stat()) for file in files if file.is_file()]
        stamps.append([source, [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]])
    return hashlib.sha256(json.dumps(stamps).encode()).hexdigest()[:16]


# ---- The whole script ----------------------------------------------------------------------------


def cancel(signum, frame):
    """Ctrl-C, a cancelled run or a timeout: unwind once, so that the step is ended and the work folder deleted."""
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    raise CanceledError(signum)


def run(main):
    """Run the lesson, or one of its steps. Exit code 0: done; 1: an error was told; 128 + signal: asked to stop."""
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
