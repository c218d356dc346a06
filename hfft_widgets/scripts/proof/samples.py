"""A few fixed prompts, answered at each check on held-out rows: how the model changes while it trains, in words."""

from transformers import TrainerCallback

from hfft_widgets.scripts.events import tell
from hfft_widgets.scripts.sample_questions import ask

SAMPLED = 3  # an answer takes as long as some steps


class Samples(TrainerCallback):
    """Asks and tells; an answer that fails ends the asking, not the training."""

    def __init__(self, trainer, questions):
        self.trainer, self.questions = trainer, questions[:SAMPLED]

    def on_evaluate(self, args, state, control, **kwargs):
        """The trainer has just measured the held-out rows."""
        if not self.questions or not state.is_world_process_zero:
            return
        try:
            answers = ask(self.trainer, self.questions)
        except Exception:  # noqa: BLE001
            self.questions = []
            return
        tell("samples", step=state.global_step, total_steps=state.max_steps, answers=[one[:500] for one in answers],
             prompts=[str(prompt if isinstance(prompt, str) else prompt[-1].get("content"))[:500]
                      for prompt, _ in self.questions])  # fmt: skip
