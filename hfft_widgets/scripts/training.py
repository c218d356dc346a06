"""Running a TRL trainer so that it can be watched, stopped, resumed and judged."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import torch
from transformers import PrinterCallback, ProgressCallback, TrainerCallback, TrainerState
from transformers.trainer_callback import ExportableState

from hfft_widgets.scripts.events import Moving, tell, whole_lines
from hfft_widgets.scripts.machine.disk import Room, checkpoint_bytes, wait_for_room
from hfft_widgets.scripts.machine.hardware import one_process_per_gpu
from hfft_widgets.scripts.machine.precision import keep_adapters_in_float32, keep_gradients_through_4_bits
from hfft_widgets.scripts.machine.stalling import hold_stall_limit
from hfft_widgets.scripts.machine.threads import usable_threads
from hfft_widgets.scripts.masking import mask_output
from hfft_widgets.scripts.proof.early_stop import EarlyStop
from hfft_widgets.scripts.proof.measures import proof_after, proof_before
from hfft_widgets.scripts.proof.samples import Samples
from hfft_widgets.scripts.publishing import keep_on_hub, publish, shown_name, what_ran, write_card
from hfft_widgets.scripts.resuming import newest_checkpoint, planned_steps, saved_state, to_go_on, training_of
from hfft_widgets.scripts.sample_questions import answers_before, compare_answers

FINISH = 1  # among signals, of which none that is caught has this number


class Progress(TrainerCallback, ExportableState):
    """Tells each log line, evaluation and checkpoint; ends training after the step in which a stop was asked for.

    Args:
        training: What is learned, kept in each checkpoint: it can be gone on with by the same training alone.
    """

    def __init__(self, training=None):
        self.training = training

    def state(self):
        """What a checkpoint keeps."""
        return {"args": {}, "attributes": {"training": self.training}}

    def say(self, event, **values):
        """Where it is told; a callback that has another place for it changes this."""
        tell(event, **values)

    def stop_asked(self, args):
        """Whether to end after this step; processes that train together must agree."""
        asked = Stop.of_any(args, Stop.asked or self.finish_asked() * FINISH)
        if asked == FINISH:
            return FINISH
        Stop.asked = Stop.asked or asked
        return asked

    def finish_asked(self):
        """Whether somebody wants it to end here, as after its last step."""
        return Path(os.environ.get("HFFT_FINISH") or os.devnull).is_file()

    def on_train_begin(self, args, state, control, **kwargs):
        """The run is about to make its first step."""
        self.say("start", **_place(state))

    def on_log(self, args, state, control, logs=None, **kwargs):
        """The trainer computed metrics."""
        kind = "eval" if any(name.startswith("eval_") for name in logs) else "log"
        if "train_runtime" in logs:
            kind = "summary"
        metrics = {name: value for name, value in logs.items() if name != "epoch"} | _memory()
        self.say(kind, metrics=metrics, **_place(state))

    def on_save(self, args, state, control, **kwargs):
        """A checkpoint is on disk."""
        self.say("save", path=f"{args.output_dir}/checkpoint-{state.global_step}", **_place(state))

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        """Keep the checkpoint of the best evaluation so far; the trainer keeps the newest beside it."""
        name, better = ("eval_reward", 1) if "eval_reward" in metrics else ("eval_loss", -1)
        value, before = metrics.get(name), state.best_metric
        if not state.global_step or value is None or not (before is None or better * value > better * before):
            return
        state.best_metric, state.best_global_step = value, state.global_step
        control.should_save = True

    def on_prediction_step(self, args, state, control, **kwargs):
        """An evaluation may take long, and it goes on."""
        Moving.note()

    def on_step_end(self, args, state, control, **kwargs):
        """Leave after this step if a stop was asked for, with a checkpoint to go on from."""
        Moving.note()
        asked = self.stop_asked(args)
        if asked == FINISH and not control.should_training_stop:
            self.say("progress", message="Stopping early, as it was asked to", **_place(state))
            control.should_evaluate = args.eval_strategy != "no"
            control.should_training_stop = True
        elif asked:
            control.should_save = control.should_training_stop = True


def _place(state):
    return {"step": state.global_step, "total_steps": state.max_steps, "epoch": state.epoch}


def _memory():
    """The most that the card held so far."""
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

    @staticmethod
    def of_any(args, asked):
        """The signal that any process was asked to stop by: if they did not agree, some would wait for ever."""
        if args.world_size < 2:
            return asked
        flag = torch.tensor(asked, device=args.device)
        torch.distributed.all_reduce(flag, op=torch.distributed.ReduceOp.MAX)
        return int(flag)  # a signal that arrives now counts after the next step, for all of them


def train(trainer, plan, dataset, questions=(), held_out=None, stop_early=False):
    """Train from the newest checkpoint on, compare with what was before, save the model and, if asked, push it.

    Args:
        trainer: A TRL trainer.
        plan: The plan this script was made from; what is said of the run comes from the trainer all the same.
        dataset: What was given to `load_dataset`.
        questions: Held-out pairs (prompt, expected answer) to ask the model before and after.
        held_out: What `hold_out` says of the held-out rows.
        stop_early: Whether it ends where held-out rows only become worse.

    Returns:
        The exit code: 0, or 128 + the signal that asked to stop.
    """
    output_dir = Path(trainer.args.output_dir)
    training = training_of(trainer)
    tell("training", **told_of(what_ran(trainer, plan, dataset), trainer.args))
    early = [EarlyStop()] if stop_early else []
    for callback in (Progress(training), Room(), *early, Samples(trainer, questions)):
        trainer.add_callback(callback)
    for bars in (PrinterCallback, ProgressCallback):  # they would repeat what we tell
        trainer.remove_callback(bars)
    trainer.create_model_card = lambda *args, **kwargs: write_card(trainer, plan, dataset)  # whenever it pushes
    keep_adapters_in_float32(trainer.model)
    keep_gradients_through_4_bits(trainer.model)
    with trainer.args.main_process_first(local=False):
        checkpoint = newest_checkpoint(output_dir, trainer.hub_model_id)
        checkpoint = checkpoint and to_go_on(trainer, checkpoint, training, output_dir)
    before = answers_before(trainer, questions, output_dir, resumed=checkpoint is not None)
    proof = proof_before(trainer, output_dir, resumed=checkpoint is not None)
    if checkpoint and saved_state(checkpoint)["global_step"] >= planned_steps(trainer):
        trainer._load_from_checkpoint(checkpoint)  # train() would do one step too many
        trainer.state = TrainerState.load_from_json(str(Path(checkpoint, "trainer_state.json")))
    else:
        trainer.train(resume_from_checkpoint=checkpoint)
    if Stop.asked:
        keep_on_hub(trainer, newest_checkpoint(output_dir))
        tell("stopped", signal=int(Stop.asked), **_place(trainer.state))
        return 128 + Stop.asked
    tell("progress", message="Saving the model", **_place(trainer.state))
    wait_for_room(output_dir, checkpoint_bytes(trainer.model), trainer.state)
    trainer.save_model(str(output_dir), _internal_call=True)  # saves, and does not push yet
    compare_answers(trainer, questions, before)
    proof_after(trainer, proof, held_out, output_dir)
    publish(trainer, plan, dataset)
    tell("end", output_dir=str(output_dir.absolute()), hub_repo=trainer.hub_model_id, **_place(trainer.state))
    return 0


def told_of(ran, args):
    """What is said at the start of what is trained: a plan that was made before an edit knows nothing of it."""
    arguments = {name: value for name, value in args.to_dict().items() if isinstance(value, (bool, int, float, str))}
    kept = {name: value for name, value in arguments.items() if "token" not in name and "dir" not in name}
    return {
        "title": ran["title"], "model": ran["model"], "method": ran["method"], "peft": ran["peft"],
        "data": shown_name(ran["data"]["name"]), "arguments": kept,
    }  # fmt: skip


def run(main):
    """Run the recipe: signals end it gently, an error is told before it is raised."""
    whole_lines()
    mask_output()
    one_process_per_gpu()
    hold_stall_limit()
    torch.set_num_threads(usable_threads())
    for name in ("SIGTERM", "SIGINT", "SIGBREAK", "SIGALRM"):  # the last: a time limit that nobody else held
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), Stop.ask)
    tell("progress", message="Loading data and model")
    try:
        code = main()
    except Exception as error:
        tell("error", type=type(error).__name__, message=str(error)[:2000])
        raise
    sys.exit(code)
