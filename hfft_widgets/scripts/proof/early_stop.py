"""Stopping where held-out rows have become worse check after check: what comes after would be learned by heart."""

from transformers import TrainerCallback

from hfft_widgets.scripts.events import tell

WORSE = 1.02  # times the best loss so far: less is noise
PATIENCE = 2  # checks in a row


class EarlyStop(TrainerCallback):
    """Ends a training after two checks in a row that are clearly worse than the best; its checkpoint is kept."""

    def __init__(self):
        self.best, self.worse = None, 0

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        """The trainer has just measured the held-out rows."""
        loss = (metrics or {}).get("eval_loss")
        if loss is None or not state.global_step:
            return
        self.best = loss if self.best is None else min(self.best, loss)
        self.worse = self.worse + 1 if loss > WORSE * self.best else 0
        if self.worse >= PATIENCE:
            control.should_training_stop = True
            words = f"Stopping early: held-out rows became worse twice in a row ({loss:.3g}, best {self.best:.3g})"
            tell("progress", message=words, step=state.global_step, total_steps=state.max_steps)
