"""Running a TRL trainer so that it can be watched, stopped, resumed and judged."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import torch
from transformers import PrinterCallback, TrainerCallback, TrainerState

from hfft_widgets.scripts.asking import answers_before, compare_answers
from hfft_widgets.scripts.hardware import one_process_per_gpu
from hfft_widgets.scripts.publishing import keep_on_hub, publish, write_card
from hfft_widgets.scripts.resuming import is_finished, newest_checkpoint
from hfft_widgets.scripts.telling import tell


def watched(seed, *, logging_steps, eval_steps, save_steps):
    """The trainer's arguments for curves, checks on held-out rows, checkpoints and the same order every time."""
    return {
        "logging_steps": logging_steps,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,  # show a nan loss as what it is
        "eval_strategy": "steps",
        "eval_steps": eval_steps,
        "eval_on_start": True,  # where it stands before the first step
        "save_strategy": "steps",
        "save_steps": save_steps,
        "save_total_limit": 2,
        "disable_tqdm": True,
        "dataloader_pin_memory": torch.cuda.is_available(),
        "seed": seed,
        "data_seed": seed,
    }


class Progress(TrainerCallback):
    """Tells each log line, evaluation and checkpoint; ends training after the step in which a stop was asked for."""

    def on_train_begin(self, args, state, control, **kwargs):
        """The run is about to make its first step."""
        tell("start", **_place(state))

    def on_log(self, args, state, control, logs=None, **kwargs):
        """The trainer computed metrics."""
        kind = "eval" if any(name.startswith("eval_") for name in logs) else "log"
        if "train_runtime" in logs:
            kind = "summary"
        tell(
            kind, metrics={name: value for name, value in logs.items() if name != "epoch"}, **_place(state), **_memory()
        )

    def on_save(self, args, state, control, **kwargs):
        """A checkpoint is on disk."""
        tell("save", path=f"{args.output_dir}/checkpoint-{state.global_step}", **_place(state))

    def on_step_end(self, args, state, control, **kwargs):
        """Leave after this step if a stop was asked for, with a checkpoint to go on from."""
        if Stop.asked_of_any(args):
            control.should_save = control.should_training_stop = True


def _place(state):
    return {"step": state.global_step, "total_steps": state.max_steps, "epoch": state.epoch}


def _memory():
    return {"gpu_memory_bytes": torch.cuda.max_memory_reserved()} if torch.cuda.is_available() else {}


class Stop:
    """Ctrl-C, a cancelled job or a timeout: finish this step, save a checkpoint, leave."""

    asked = 0
    since = 0.0

    @classmethod
    def ask(cls, signum, frame):
        """Note the signal; a later second one, or a step that takes longer than the grace period, leaves at once."""
        if cls.asked:
            if time.monotonic() - cls.since > 1:  # one stop can arrive twice: from a process group and from its head
                os._exit(128 + signum)
            return
        cls.asked, cls.since = signum, time.monotonic()
        last_resort = threading.Timer(float(os.environ.get("HFFT_GRACE", "60")), os._exit, [142])
        last_resort.daemon = True
        last_resort.start()

    @classmethod
    def asked_of_any(cls, args):
        """Whether a stop was asked for; processes that train together must agree, or some would wait for ever."""
        asked = cls.asked
        if args.world_size > 1:
            flag = torch.tensor(asked, device=args.device)
            torch.distributed.all_reduce(flag, op=torch.distributed.ReduceOp.MAX)
            asked = int(flag)  # a signal that arrives now counts after the next step, for all of them
            cls.asked = cls.asked or asked
        return bool(asked)


def train(trainer, plan, questions=()):
    """Train from the newest checkpoint on, compare answers before and after, save the model and, if asked, push it.

    Args:
        trainer: A TRL trainer.
        plan: The plan this script was made from, for the model card.
        questions: Held-out pairs (prompt, expected answer) to ask the model before and after.

    Returns:
        The exit code: 0, or 128 + the signal that asked to stop.
    """
    output_dir = Path(trainer.args.output_dir)
    trainer.add_callback(Progress())
    trainer.remove_callback(PrinterCallback)  # its lines would repeat ours
    trainer.create_model_card = lambda *args, **kwargs: write_card(trainer, plan)  # whenever the trainer pushes
    keep_trained_in_float32(trainer.model)
    with trainer.args.main_process_first(local=False):
        checkpoint = newest_checkpoint(output_dir, trainer.hub_model_id)
    before = answers_before(trainer, questions, output_dir, resumed=checkpoint is not None)
    if checkpoint and is_finished(checkpoint, trainer.args):
        trainer._load_from_checkpoint(checkpoint)  # train() would do one step too many
        trainer.state = TrainerState.load_from_json(str(Path(checkpoint, "trainer_state.json")))
    else:
        trainer.train(resume_from_checkpoint=checkpoint)
    if Stop.asked:
        keep_on_hub(trainer, newest_checkpoint(output_dir))
        tell("stopped", signal=int(Stop.asked), **_place(trainer.state))
        return 128 + Stop.asked
    tell("progress", message="Saving the model", **_place(trainer.state))
    trainer.save_model(str(output_dir), _internal_call=True)  # saves, and does not push yet
    compare_answers(trainer, questions, before)
    publish(trainer, plan)
    tell("end", output_dir=str(output_dir.absolute()), hub_repo=trainer.hub_model_id, **_place(trainer.state))
    return 0


def keep_trained_in_float32(model):
    """Whatever learns is kept in float32: a 16-bit weight would round most of its small steps away."""
    for weight in model.parameters():
        if weight.requires_grad and weight.dtype in {torch.float16, torch.bfloat16}:
            weight.data = weight.data.float()


def run(main):
    """Run the lesson: signals end it gently, an error is told before it is raised."""
    one_process_per_gpu()
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), Stop.ask)
    tell("progress", message="Loading data and model")
    try:
        code = main()
    except Exception as error:
        tell("error", type=type(error).__name__, message=str(error)[:2000])
        raise
    sys.exit(code)
