"""Running a TRL trainer so that it can be watched, stopped, resumed and judged."""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import torch
from transformers import PrinterCallback, TrainerCallback, TrainerState
from transformers.trainer_utils import get_last_checkpoint

from hfft_widgets.scripts.telling import tell


class Precision(NamedTuple):
    """How numbers are kept: the weights' dtype, and whether the maths runs in a 16-bit format."""

    dtype: torch.dtype
    bf16: bool
    fp16: bool


def choose_precision(*, trains_all_weights):
    """Decide by the hardware found: bfloat16 from Ampere on, float16 on older cards, float32 on a CPU.

    `torch.cuda.is_bf16_supported()` would say yes on a T4, where bfloat16 is emulated and about ten times slower.
    Weights that are trained stay in float32 (autocast does the 16-bit maths); frozen ones may be 16-bit.
    """
    if not torch.cuda.is_available():
        if os.environ.get("HFFT_NEEDS_GPU"):
            raise SystemExit("This run was given a GPU, but torch cannot see one: its driver does not fit this torch.")
        return Precision(torch.float32, bf16=False, fp16=False)
    bf16 = torch.cuda.get_device_capability() >= (8, 0)
    frozen = torch.bfloat16 if bf16 else torch.float16
    return Precision(torch.float32 if trains_all_weights else frozen, bf16=bf16, fp16=not bf16)


def watched(seed, *, logging_steps, eval_steps, save_steps):
    """The trainer's arguments for curves, checks on held-out rows, checkpoints and the same order every time."""
    return {
        "logging_steps": logging_steps,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,  # show a nan loss as what it is
        "eval_strategy": "steps",
        "eval_steps": eval_steps,
        "eval_on_start": True,  # where it stands before the first step
        "save_steps": save_steps,
        "save_total_limit": 2,
        "disable_tqdm": True,
        "dataloader_pin_memory": torch.cuda.is_available(),
        "report_to": "none",
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
        if Stop.asked:
            control.should_save = control.should_training_stop = True


def _place(state):
    return {"step": state.global_step, "total_steps": state.max_steps, "epoch": state.epoch}


def _memory():
    return {"gpu_memory_bytes": torch.cuda.max_memory_reserved()} if torch.cuda.is_available() else {}


class Stop:
    """Ctrl-C, a cancelled job or a timeout: finish this step, save a checkpoint, leave."""

    asked = 0

    @classmethod
    def ask(cls, signum, frame):
        """Note the signal; the second one, or a step that takes longer than the grace period, leaves at once."""
        if cls.asked:
            os._exit(128 + signum)
        cls.asked = signum
        last_resort = threading.Timer(float(os.environ.get("HFFT_GRACE", "60")), os._exit, [142])
        last_resort.daemon = True
        last_resort.start()


def train(trainer, questions=()):
    """Train from the newest checkpoint on, save the model, compare answers before and after.

    Args:
        trainer: A TRL trainer.
        questions: Held-out pairs (prompt, expected answer) to ask the model before and after.

    Returns:
        The exit code: 0, or 128 + the signal that asked to stop.
    """
    output_dir = Path(trainer.args.output_dir)
    trainer.add_callback(Progress())
    trainer.remove_callback(PrinterCallback)  # its lines would repeat ours
    checkpoint = newest_checkpoint(output_dir)
    before = answers_before(trainer, questions, output_dir, resumed=checkpoint is not None)
    if checkpoint and is_finished(checkpoint, trainer.args):
        trainer._load_from_checkpoint(checkpoint)  # train() would do one step too many
        trainer.state = TrainerState.load_from_json(str(Path(checkpoint, "trainer_state.json")))
    else:
        trainer.train(resume_from_checkpoint=checkpoint)
    if Stop.asked:
        tell("stopped", signal=int(Stop.asked), **_place(trainer.state))
        return 128 + Stop.asked
    tell("progress", message="Saving the model", **_place(trainer.state))
    trainer.save_model(str(output_dir))
    compare_answers(trainer, questions, before)
    tell("end", output_dir=str(output_dir.absolute()), **_place(trainer.state))
    return 0


# A checkpoint's trainer_state.json is written last: a folder without one was cut short and is set aside.
def newest_checkpoint(output_dir):
    """The newest complete checkpoint below the output folder, or None."""
    newest = get_last_checkpoint(output_dir) if output_dir.is_dir() else None
    while newest and not Path(newest, "trainer_state.json").exists():
        Path(newest).rename(newest.replace("checkpoint-", "broken-"))
        newest = get_last_checkpoint(output_dir)
    return newest


def is_finished(checkpoint, args):
    """Whether the checkpoint holds the last step of this training."""
    state = json.loads(Path(checkpoint, "trainer_state.json").read_text("utf-8"))
    return state["global_step"] >= (args.max_steps if args.max_steps > 0 else state["max_steps"])


# ---- The same held-out questions before and after ----------------------------------------------


def held_out_questions(rows, count):
    """Up to `count` pairs (prompt, expected answer) from rows that are not trained on."""
    pairs = [_question(row) for row in rows.select(range(min(count, len(rows))))]
    return [pair for pair in pairs if pair is not None]


def _question(row):
    if "messages" in row:
        *prompt, last = row["messages"]
        return (prompt, last["content"]) if prompt and last["role"] == "assistant" else None
    for prompt, answer in (("prompt", "completion"), ("prompt", "chosen"), ("prompt", "answer")):
        if row.get(prompt) and row.get(answer) is not None:
            return row[prompt], _text(row[answer])
    return None


def _text(answer):
    return answer[-1]["content"] if isinstance(answer, list) else str(answer)


def answers_before(trainer, questions, output_dir, *, resumed):
    """The untrained model's answers; a resumed run reads those its first start wrote."""
    if not questions:
        return []
    kept = output_dir / "answers_before.json"
    if kept.exists():
        return json.loads(kept.read_text("utf-8"))
    if resumed:
        return []
    tell("progress", message=f"Asking the untrained model {len(questions)} held-out questions")
    answers = ask(trainer, questions)
    output_dir.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(answers), "utf-8")
    return answers


def compare_answers(trainer, questions, before):
    """Tell expected, earlier and present answers side by side, and the share that is exactly right."""
    if not questions or not before:
        return
    tell("progress", message=f"Asking the trained model {len(questions)} held-out questions", **_place(trainer.state))
    after = ask(trainer, questions)
    rows = [
        {"prompt": _text(prompt)[:2000], "expected": expected[:1000], "before": b[:1000], "after": a[:1000]}
        for (prompt, expected), b, a in zip(questions, before, after, strict=True)
    ]
    # an exact match says something about short answers only
    short = sorted(len(expected.split()) for _, expected in questions)[len(questions) // 2] <= 12
    score = {"before": exact(before, questions), "after": exact(after, questions)} if short else None
    tell("answers", count=len(rows), rows=rows[:20], score=score)


def exact(answers, questions):
    """The share of answers equal to what was expected, blanks at the ends aside."""
    right = sum(answer.strip() == expected.strip() for answer, (_, expected) in zip(answers, questions, strict=True))
    return right / len(questions)


def ask(trainer, questions, batch_size=32):
    """Greedy answers of the trainer's model, in the order of the questions."""
    model, tokenizer = trainer.model, trainer.processing_class
    texts = [render(tokenizer, prompt) for prompt, _ in questions]
    longest = max(len(tokenizer(expected).input_ids) for _, expected in questions)
    was_training, side = model.training, tokenizer.padding_side
    model.eval()
    tokenizer.padding_side = "left"  # generation goes on at the right end
    answers = []
    for start in range(0, len(texts), batch_size):
        batch = tokenizer(
            texts[start : start + batch_size], return_tensors="pt", padding=True, add_special_tokens=False
        )
        with torch.no_grad():
            out = model.generate(
                **batch.to(model.device), max_new_tokens=min(longest + 4, 128), do_sample=False, use_cache=True
            )
        answers += tokenizer.batch_decode(out[:, batch.input_ids.shape[1] :], skip_special_tokens=True)
    model.train(was_training)
    tokenizer.padding_side = side
    return answers


def render(tokenizer, prompt):
    """A prompt as the model is asked it: a conversation through the chat template, a string as it is."""
    if isinstance(prompt, str):
        return (tokenizer.bos_token or "") + prompt if getattr(tokenizer, "add_bos_token", False) else prompt
    return tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)


def run(main):
    """Run the lesson: signals end it gently, an error is told before it is raised."""
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
