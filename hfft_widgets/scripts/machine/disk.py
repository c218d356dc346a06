"""Room on the disk before something large is written: a training pauses, says so, and goes on when there is room."""

import shutil
import time
from pathlib import Path

from transformers import TrainerCallback

from hfft_widgets.scripts.events import tell

ROOM_SECONDS = 3600  # then it is tried in any case, and the error says what the disk said
ROOM_LOOK_SECONDS = 5.0
SLACK_BYTES = 2**24


class Room(TrainerCallback):
    """Waits before a checkpoint that the disk has no room for; what was computed is not lost meanwhile."""

    def on_step_end(self, args, state, control, model=None, optimizer=None, **kwargs):
        """The step that may end in a checkpoint."""
        if control.should_save and state.is_world_process_zero:
            wait_for_room(args.output_dir, checkpoint_bytes(model, optimizer), state)

    def on_evaluate(self, args, state, control, model=None, optimizer=None, **kwargs):
        """An evaluation that may be the best one, which is kept."""
        self.on_step_end(args, state, control, model=model, optimizer=optimizer)


def checkpoint_bytes(model, optimizer=None):
    """About what a checkpoint takes: what is saved of the model, and what the optimizer holds, two numbers a weight."""
    trained = sum(weight.numel() * weight.element_size() for weight in model.parameters() if weight.requires_grad)
    saved = trained if hasattr(model, "peft_config") else model_bytes(model)
    return saved + (2 * trained if optimizer is not None else 0) + SLACK_BYTES


def model_bytes(model):
    """What its weights take."""
    return sum(weight.numel() * weight.element_size() for weight in model.parameters())


def wait_for_room(folder, needed, state=None):
    """Wait until a disk has so many bytes free, and say so; gives up after an hour."""
    place = {"step": state.global_step, "total_steps": state.max_steps} if state else {}
    deadline, said = time.monotonic() + ROOM_SECONDS, False
    while (free := free_bytes(folder)) is not None and free < needed and time.monotonic() < deadline:
        if not said:
            short = f"{needed / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are free"
            tell(
                "progress",
                message=f"The disk is full, the training pauses: {short}. It goes on when there is room.",
                **place,
            )
            said = True
        time.sleep(ROOM_LOOK_SECONDS)
    if said:
        tell("progress", message="There is room on the disk again" if free is None or free >= needed else "", **place)


def free_bytes(folder):
    """What is free on the disk of a folder, or of the nearest one above it that exists; None: nobody can say."""
    path = Path(folder).absolute()
    try:
        return shutil.disk_usage(next(one for one in (path, *path.parents) if one.is_dir())).free
    except OSError:
        return None
