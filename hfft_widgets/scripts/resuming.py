"""Finding the checkpoint to go on from: on this disk, else on the Hub."""

import json
import shutil
from pathlib import Path

from transformers.trainer_utils import get_last_checkpoint

from hfft_widgets.scripts.telling import tell

LAST_CHECKPOINT = "last-checkpoint"  # where the trainer keeps the newest checkpoint in a Hub repository


def newest_checkpoint(output_dir, hub_repo=None):
    """The newest complete checkpoint below the output folder, else the one on the Hub, else None.

    A folder that a kill cut short is renamed, so that the trainer neither resumes from it nor counts it.
    """
    newest = get_last_checkpoint(output_dir) if output_dir.is_dir() else None
    while newest and saved_state(newest) is None:
        set_aside(Path(newest))
        newest = get_last_checkpoint(output_dir)
    return newest or (hub_checkpoint(hub_repo, output_dir) if hub_repo else None)


def set_aside(checkpoint):
    """Rename a broken checkpoint; what starts with an underscore is never pushed."""
    aside = checkpoint.with_name(f"_broken-{checkpoint.name}")
    shutil.rmtree(aside, ignore_errors=True)
    checkpoint.rename(aside)


def saved_state(checkpoint):
    """The trainer's state in a checkpoint, or None. It is written last: with it, the checkpoint is complete."""
    try:
        return json.loads(Path(checkpoint, "trainer_state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None


def is_finished(checkpoint, args):
    """Whether the checkpoint holds the last step of this training."""
    state = saved_state(checkpoint)
    return state["global_step"] >= (args.max_steps if args.max_steps > 0 else state["max_steps"])


def hub_checkpoint(repo, output_dir):
    """The checkpoint that an earlier run of this script left in its repository, downloaded, or None."""
    from huggingface_hub import list_repo_files, snapshot_download

    if not any(name.startswith(f"{LAST_CHECKPOINT}/") for name in list_repo_files(repo)):
        return None
    tell("progress", message=f"Fetching the last checkpoint from {repo}")
    folder = snapshot_download(repo, allow_patterns=f"{LAST_CHECKPOINT}/*", local_dir=output_dir / "_from_hub")
    state = saved_state(Path(folder, LAST_CHECKPOINT))
    if state is None:
        return None
    checkpoint = output_dir / f"checkpoint-{state['global_step']}"  # as if it had been made here
    Path(folder, LAST_CHECKPOINT).rename(checkpoint)
    return str(checkpoint)
