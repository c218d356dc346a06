"""What went wrong in a run, why, and what to do next. What is not known is said to be unknown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.run.stage import Stage

_TAIL_LINES = 200
_LONGEST = 500  # characters of an exception that are shown


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is known about a failure.

    Attributes:
        what: What happened, one sentence, with the value got.
        why: The reason, where it is known; "most often" where it is only likely.
        remedy: What to do next.
        memory: Whether it had too little memory, for sure or most likely: a lighter plan may help.
    """

    what: str
    why: str = ""
    remedy: str = ""
    memory: bool = False

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.remedy) if part)


def diagnose(
    stage: Stage,
    *,
    exit_code: int | None = None,
    error: Mapping[str, Any] | None = None,
    log: str = "",
    message: str = "",
    kind: str = "training",
) -> Diagnosis | None:
    """Explain the end of a run; None if nothing went wrong (it lives, is complete, or was canceled on request).

    The script's own `error` event counts first, then the last exception in the log, then what the place said, then
    the exit code.

    Args:
        stage: The run's stage.
        exit_code: Of the script; negative: the signal that ended it; None: not known.
        error: Data of the script's `error` event: "type" and "message".
        log: The end of the output.
        message: What the place that ran it says about the end.
        kind: "training" or "export": what the advice is about.
    """
    if stage is Stage.DELETED:
        return Diagnosis("The run was deleted.", "Its folder is gone.", "Launch it again.")
    if stage is not Stage.ERROR:
        return None
    exception = _told(error or {}) or _last_exception(log, exit_code)
    if exception and (known := _recognize(exception, kind)):
        return known
    if message:
        return _by_place(message, exception)
    if exception:
        return Diagnosis(
            f"The script failed: {_short(exception)}",
            "This error is not one that is known here.",
            "The log shows where it happened.",
        )
    return _by_code(exit_code, log)


# ---- Finding the exception ---------------------------------------------------------------------

_TRACEBACK = "Traceback (most recent call last):"


def _told(error: Mapping[str, Any]) -> str:
    name, message = str(error.get("type") or ""), str(error.get("message") or "")
    return f"{name}: {message}" if name and message else name or message


def _last_exception(log: str, exit_code: int | None) -> str:
    """What stands under the last traceback, if it ended the script.

    Python leaves with code 1 then. Any other code means that an earlier traceback was survived; where the code is not
    known, one at the very end of the output counts.
    """
    if exit_code not in {1, None}:
        return ""
    lines = log.split("\n")[-_TAIL_LINES:]
    starts = [at for at, line in enumerate(lines) if line.endswith(_TRACEBACK)]
    after = range(starts[-1] + 1, len(lines)) if starts else range(0)
    end = next((at for at in after if lines[at][:1] not in {" ", "\t", ""}), None)
    if end is None or (exit_code is None and len(lines) - end > 5):
        return ""
    return " ".join(lines[end : end + 3])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + " ..."


# ---- Recognizing it ----------------------------------------------------------------------------

_SMALLER = "Choose a smaller batch size, a smaller max_length, LoRA instead of full tuning, or a smaller model"


def _memory(text: str, kind: str) -> Diagnosis:
    where = "the GPU's memory" if re.search(r"CUDA|HIP|MPS|cuBLAS|CUBLAS", text) else "this machine's memory"
    advice = (
        "Choose a smaller model, or close other programs." if kind == "export" else f"{_SMALLER}, or a larger machine."
    )
    return Diagnosis(
        f"Out of memory: {where} did not suffice.", f"The script said: {_short(text)}", advice, memory=True
    )


def _disk(text: str, kind: str) -> Diagnosis:  # noqa: ARG001
    why = f"The script said: {_short(text)}"
    remedy = "Delete files or forget old runs, or set HFFT_HOME (and HF_HOME for downloads) to a larger disk."
    return Diagnosis("The disk is full.", why, remedy)


def _package(text: str, kind: str) -> Diagnosis:
    found = re.search(r"No module named '?([\w.]+)'?", text) or re.search(r"[Rr]equires? the `?([\w-]+)`? librar", text)
    name = found[1].partition(".")[0] if found else ""
    what = f"The package '{name}' is not installed." if name else "A package is not installed, or too old."
    extra = "gguf" if kind == "export" else "train"
    remedy = f'Install what this needs with: pip install "hfft-widgets[{extra}]"'
    remedy += f", or this one with: pip install {name}" if name and not _in_extra(name) else ""
    return Diagnosis(what, f"The script said: {_short(text)}", remedy + ".")


def _in_extra(name: str) -> bool:
    return name in {
        "torch",
        "trl",
        "peft",
        "accelerate",
        "transformers",
        "sentencepiece",
        "llama_cpp",
        "cyllama",
        "google",
    }


def _gpu(text: str, kind: str) -> Diagnosis:  # noqa: ARG001
    why = f"The script said: {_short(text)}"
    remedy = "Check `nvidia-smi` and that this torch fits the driver, or plan the run for a machine without a GPU."
    return Diagnosis("A GPU was asked for, but torch cannot use one here.", why, remedy)


def _template(text: str, kind: str) -> Diagnosis:  # noqa: ARG001
    what = "The tokenizer's chat template is missing or does not accept the data."
    remedy = (
        "Choose an instruction-tuned model, or a base model with a template; check that roles alternate as it asks."
    )
    return Diagnosis(what, f"The script said: {_short(text)}", remedy)


def _tokenizer(text: str, kind: str) -> Diagnosis:  # noqa: ARG001
    what = "The tokenizer does not fit the model, or lacks a token."
    remedy = (
        "Use the tokenizer that belongs to the model; padding needs a pad token, an end needs an end-of-turn token."
    )
    return Diagnosis(what, f"The script said: {_short(text)}", remedy)


def _nan(text: str, kind: str) -> Diagnosis:  # noqa: ARG001
    why = f"The script said: {_short(text)} Most often the learning rate is too high, or float16 overflowed."
    remedy = "Lower the learning rate, add warm-up, or use bfloat16 or float32; look for empty rows in the data."
    return Diagnosis("The training diverged: the loss is not a number any more.", why, remedy)


def _column(text: str, kind: str) -> Diagnosis:  # noqa: ARG001
    found = re.search(r"KeyError: [\"']?([^\"'\n]+)", text) or re.search(r"[Cc]olumn:? [\"'`]?([\w./-]+)", text)
    what = f"The script looked for '{found[1].strip()}', which is not there." if found else "The columns do not fit."
    why = f"The script said: {_short(text)} Most often a column of the dataset is missing or has another name."
    return Diagnosis(what, why, "Validate the dataset again and map its columns.")


def _hub(text: str, kind: str) -> Diagnosis:  # noqa: ARG001
    what = "The Hugging Face Hub does not give access to the model or dataset."
    remedy = "Check the name, accept its terms on its page if it has some, and log in with: hf auth login."
    return Diagnosis(what, f"The script said: {_short(text)}", remedy)


def _network(text: str, kind: str) -> Diagnosis:  # noqa: ARG001
    what = "A download failed: the network or the Hugging Face Hub cannot be reached."
    return Diagnosis(
        what, f"The script said: {_short(text)}", "Check the connection and launch again; what is loaded stays."
    )


def _interrupt(text: str, kind: str) -> Diagnosis:  # noqa: ARG001
    return _interrupted("An interrupt reached the script.")


def _interrupted(why: str) -> Diagnosis:
    return Diagnosis("The run was interrupted from outside.", why, "Launch it again.")


# The first that fits counts, so the narrow ones come first.
_KNOWN: tuple[tuple[str, Callable[[str, str], Diagnosis]], ...] = (
    (r"^KeyboardInterrupt", _interrupt),
    (r"out of memory|OutOfMemoryError|^MemoryError|allocate memory|Unable to allocate|bad_alloc|ALLOC_FAILED", _memory),
    (
        r"No space left on device|Errno 28\b|Disk quota exceeded|not enough (free )?space|PytorchStreamWriter fail",
        _disk,
    ),
    (
        r"ModuleNotFoundError|No module named|[Rr]equires? the `?[\w-]+`? librar|^ImportError.*(install|version)",
        _package,
    ),
    (r"torch cannot see one|No CUDA GPUs are available|not compiled with CUDA|Found no NVIDIA driver", _gpu),
    (r"doesn't support bf16/gpu|CUDA driver version is insufficient|no kernel image|no CUDA-capable", _gpu),
    (r"chat.?template|TemplateError|UndefinedError: |TemplateSyntaxError|[Rr]oles must alternate", _template),
    (
        r"pad(ding)?[ _]?token|eos_token|Unable to load vocabulary|[Tt]okenizer class|index out of range in self",
        _tokenizer,
    ),
    (r"(?i)\bloss\b.*\b(nan|inf)\b|\b(nan|inf)\b.*\bloss\b|FloatingPointError", _nan),
    (r"GatedRepo|RepositoryNotFound|RevisionNotFound|401 Client Error|403 Client Error|Unauthorized", _hub),
    (r"LocalEntryNotFound|OfflineMode|ConnectionError|ConnectError|Max retries exceeded|couldn't connect", _network),
    (r"^KeyError|Unexpected input keys|[Cc]olumn.*(not in|not found|does ?n.t exist|missing)|column names", _column),
)


def _recognize(exception: str, kind: str) -> Diagnosis | None:
    return next((explain(exception, kind) for pattern, explain in _KNOWN if re.search(pattern, exception)), None)


# ---- Without an exception ----------------------------------------------------------------------


def _by_place(message: str, exception: str) -> Diagnosis:
    why = f"The script said: {_short(exception)}" if exception else ""
    if "restarted" in message:
        return Diagnosis(message, why, "Launch it again.")
    if "time limit" in message:
        return Diagnosis(message, why, "Launch it again with a longer limit or fewer steps.")
    if "ended from outside" in message:
        why = why or "Most often the machine ran out of memory; somebody may also have ended it."
        return Diagnosis(message, why, f"If it was memory: {_SMALLER[0].lower()}{_SMALLER[1:]}.", memory=True)
    return Diagnosis(message, why, "The log may show more; launch it again.")


def _by_code(exit_code: int | None, log: str) -> Diagnosis:
    if exit_code is None:
        return Diagnosis(
            "The run ended, and nothing is known of how.", remedy="The log may show more; launch it again."
        )
    signal = -exit_code if exit_code < 0 else exit_code - 128 if 128 < exit_code < 160 else 0
    if signal in _SIGNALS:
        return _SIGNALS[signal]
    if exit_code & 0xFFFFFFFF in _WINDOWS:
        return _WINDOWS[exit_code & 0xFFFFFFFF]
    last = next((line.strip() for line in reversed(log.split("\n")) if line.strip()), "")
    if _asks_for_gpu(last):
        return _gpu(last, "")
    why = f"Its last line of output: {_short(last)}" if last else "It printed nothing."
    return Diagnosis(f"The script ended with code {exit_code}; the reason is not known.", why, "The log may show more.")


def _asks_for_gpu(line: str) -> bool:
    known = _recognize(line, "")
    return known is not None and known.what.startswith("A GPU")


_KILLED = Diagnosis(
    "The script was killed from outside (signal 9).",
    "Most often the machine ran out of memory and the system chose the largest program.",
    f"{_SMALLER}; close other programs, or use a machine with more memory.",
    memory=True,
)
_CRASHED = Diagnosis(
    "The script crashed in a compiled library.",
    "It touched memory that was not its own (segmentation fault or access violation): a fault of a library.",
    "Update torch and the libraries in use, or try on another machine.",
)
_ABORTED = Diagnosis("A compiled library gave up (abort).", remedy="The last lines of the log show which, and why.")
_ILLEGAL = Diagnosis(
    "A compiled library uses an instruction that this processor does not have.",
    remedy="Install builds of torch and of the other libraries that fit this processor.",
)
_BUS = Diagnosis(
    "The script lost a part of its memory (bus error).",
    "Most often the disk or the shared memory (/dev/shm) is full.",
    "Free some disk, or give the container more shared memory.",
)
_SLOW_STOP = Diagnosis(
    "The run was interrupted from outside.",
    "The step under way took longer than the time it had to save.",
    "Launch it again: it goes on from its last checkpoint, if it made one.",
)
# numbers as Linux and macOS share them, except 7 and 10: bus error is 7 on Linux, 10 on macOS
_SIGNALS = {
    1: _interrupted("Its terminal was closed (SIGHUP)."),
    2: _interrupted("It got an interrupt (SIGINT)."),
    4: _ILLEGAL,
    6: _ABORTED,
    7: _BUS,
    9: _KILLED,
    10: _BUS,
    11: _CRASHED,
    14: _SLOW_STOP,
    15: _interrupted("It was asked to stop (SIGTERM), as at a shutdown."),
}
# NTSTATUS values that a process on Windows leaves as its exit code
_WINDOWS = {
    0xC0000005: _CRASHED,
    0xC0000374: _CRASHED,
    0xC000001D: _ILLEGAL,
    0xC000013A: _interrupted("It got Ctrl-C."),
}
