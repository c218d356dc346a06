"""A trainer of one's own as a run: the same curves, health and verdict, for whatever trains with transformers."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
import weakref
from pathlib import Path
from types import FrameType
from typing import Any

from hfft_widgets import folders
from hfft_widgets.core.plan.settings import SETTINGS
from hfft_widgets.core.script import fingerprint
from hfft_widgets.jobs.base import Submission
from hfft_widgets.jobs.local import run_folder, supervisor
from hfft_widgets.scripts.events import event_line, plain
from hfft_widgets.scripts.training import FINISH, Progress, Stop

_BEAT_SECONDS = 1.0


class TrainerCallback(Progress):
    """Shows a training of one's own as a run: in `hfft.runs()`, in TrainingMonitor, with its health and verdict.

    It is given to any transformers Trainer, those of TRL and Unsloth too, and changes nothing of the training:

        trainer = SFTTrainer(..., callbacks=[hfft.TrainerCallback()])
        trainer.train()

    The run keeps its curves here; the model stays where the trainer puts it. `run.cancel()` ends it after its step.

    Args:
        title: What the run is called; method and model if not given.

    Attributes:
        run_id: Id of the run, for `hfft.attach`; "" before the first step and inside a run of ours.
    """

    def __init__(self, title: str = "") -> None:
        Progress.__init__(self)
        self.title = title
        self.run_id = ""
        self._record: Record | None = None

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"args": {"title": self.title}, "attributes": {}}

    def say(self, event: str, **values: Any) -> None:
        """An event of the training, written into the run; inside a run of ours, told to it."""
        if self._record is not None:
            self._record.say(event, **values)
        elif "HFFT_WORD" in os.environ:
            Progress.say(self, event, **values)

    def stop_asked(self, args: Any) -> int:
        """Whether somebody cancelled the run, or wants it to end here."""
        record = self._record
        canceled, finish = (record.canceled, record.finish_asked) if record is not None else (False, False)
        return int(Stop.of_any(args, signal.SIGTERM if canceled else FINISH if finish else 0))

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The training is about to make its first step: the run appears."""
        if state.is_world_process_zero and "HFFT_WORD" not in os.environ:
            self._record = Record(described(args, kwargs.get("model"), self.title), sys._getframe())  # noqa: SLF001 - Python's own
            self.run_id = f"local:{self._record.folder.name}"
        Progress.on_train_begin(self, args, state, control, **kwargs)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        """Nothing: which checkpoints are kept is the trainer's own affair."""

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The last step is made."""
        if self._record is not None:
            self._record.end(step=state.global_step, total_steps=state.max_steps, epoch=state.epoch)


def described(args: Any, model: Any, title: str) -> Submission:
    """What is known of a training from its own objects."""
    method = type(args).__name__.removesuffix("Config").replace("TrainingArguments", "Trainer")
    name = str(getattr(getattr(model, "config", None), "_name_or_path", "") or "a model")
    settings = {
        ours: plain(getattr(args, one.trl)) for ours, one in SETTINGS.items() if one.trl and hasattr(args, one.trl)
    }
    title = title or f"{method} of {Path(name).name}"
    plan = {
        "kind": "training", "title": title, "model": name, "method": method, "flavor": "local", "settings": settings,
        "peft": adapters_of(model), "own": True,
    }  # fmt: skip
    script = ""
    with contextlib.suppress(OSError, ValueError):
        script = Path(getattr(sys.modules["__main__"], "__file__", None) or os.devnull).read_text("utf-8")
    return Submission("training", title, script, plan, fingerprint(plan, time.time()))


def adapters_of(model: Any) -> str:
    """How a model learns: one of `PEFT`."""
    if not getattr(model, "peft_config", None):
        return "none"
    return "qlora" if getattr(model, "is_loaded_in_4bit", False) else "lora"


class Record:
    """The folder of such a run, and a thread that sees when its training is over, however it ended.

    Args:
        submission: What is known of it.
        frame: A frame of the training: once none of its thread's is the one that trains, it is over.
    """

    def __init__(self, submission: Submission, frame: FrameType) -> None:
        root = folders.data("runs")
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = run_folder.write(root, submission)
        self._word = str((run_folder.kept(self.folder) or {}).get("word") or "")
        me = supervisor.identity(os.getpid())
        self._facts: dict[str, Any] = {"version": 1, "place": supervisor.machine(), "supervisor": me, "script": me}
        self._facts["started"] = time.time()
        self._over = threading.Event()
        self._keep()
        self._training: FrameType | None = _trains(frame)
        self._thread = threading.get_ident()
        threading.Thread(target=self._watch, daemon=True, name="hfft-callback").start()
        atexit.register(_end_of, weakref.ref(self))

    @property
    def canceled(self) -> bool:
        """Whether somebody asked to end it."""
        return (self.folder / supervisor.CANCEL).exists()

    @property
    def finish_asked(self) -> bool:
        """Whether somebody asked to end it here, as after its last step."""
        return (self.folder / supervisor.FINISH).exists()

    def say(self, event: str, **values: Any) -> None:
        """Write an event; a disk that refuses does not end the training."""
        place = {name: value for name, value in values.items() if value is not None}
        with contextlib.suppress(OSError), (self.folder / supervisor.LOG).open("a", encoding="utf-8") as log:
            log.write(event_line(event, self._word, place))

    def end(self, **place: Any) -> None:
        """Write that it is over, as it should be or because it was cancelled."""
        if self._over.is_set():
            return
        self._over.set()
        self._training = None
        self.say("stopped" if self.canceled else "end", **place)
        ended = {"stopped_for": "cancel", "exit_code": 130} if self.canceled else {"exit_code": 0}
        self._keep(finished=time.time(), **ended)

    def broke(self) -> None:
        """Write that it ended without its last step."""
        if self._over.is_set():
            return
        self._over.set()
        self._training = None
        error = getattr(sys, "last_value", None)
        if error is not None:
            self.say("error", type=type(error).__name__, message=str(error)[:2000])
        self._keep(finished=time.time(), exit_code=1, message="The training ended before its last step.")

    def _keep(self, **facts: Any) -> None:
        self._facts |= facts
        with contextlib.suppress(OSError):
            supervisor.write_json(self.folder / supervisor.STATE, self._facts)

    def _watch(self) -> None:
        while not self._over.wait(_BEAT_SECONDS):
            with contextlib.suppress(OSError):
                (self.folder / supervisor.HEARTBEAT).touch()
            frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - Python's own
            while frame is not None and frame is not self._training:
                frame = frame.f_back
            if frame is None and self._training is not None:
                self.broke()


def _trains(frame: FrameType) -> FrameType:
    """The outermost frame of a method called `train`; else the one that called."""
    found = frame
    at: FrameType | None = frame
    while at is not None:
        if at.f_code.co_name == "train":
            found = at
        at = at.f_back
    return found


def _end_of(record: weakref.ref[Record]) -> None:
    """At the end of the process: what has not ended by then, has not ended well."""
    if (found := record()) is not None:
        found.broke()
