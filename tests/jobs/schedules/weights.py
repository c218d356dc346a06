"""One schedule with a real training: interrupted at random, resumed, its weights held against an undisturbed one."""

from __future__ import annotations

import random
import signal
from pathlib import Path

from hfft_widgets.core.run.events import Event
from tests.scripts.running import Script, plan_on, rows_for, run, start

SETTINGS = {"max_steps": 12, "save_steps": 2, "eval_steps": 12, "learning_rate": 5e-5, "batch_size": 4, "questions": 0}
KINDS = (("SFT", "lora"), ("SFT", "none"), ("DPO", "lora"), ("KTO", "none"))


def weights_schedule(seed: int, model: Path, folder: Path) -> bool:
    """Whether the model that was interrupted once to three times is bit by bit the one that never was.

    Args:
        seed: Decides method, moments and signals.
        model: A tiny model's folder.
        folder: Where both train; the undisturbed one is made once for each kind.
    """
    chance = random.Random(seed)
    method, peft = KINDS[seed % len(KINDS)]
    whole, broken = folder / f"{method}-{peft}", folder / f"seed-{seed}"
    script = plan_on(rows_for(method), folder / f"data-{method}", model, method, peft, **SETTINGS).script
    if not whole.exists():
        assert run(script, whole).code == 0
    for _ in range(chance.randint(1, 3)):
        _interrupt(start(script, broken), chance)
    ended = run(script, broken)
    assert ended.code == 0, ended.log
    name = "adapter_model.safetensors" if peft == "lora" else "model.safetensors"
    return (whole / "out" / name).read_bytes() == (broken / "out" / name).read_bytes()


def _interrupt(script: Script, chance: random.Random) -> None:
    """After some of the steps that it makes now; or at its end, where it makes fewer."""
    after, number = chance.randint(1, 6), chance.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT))

    def reached(event: Event) -> bool:
        return event.kind == "end" or sum(one.kind == "log" for one in script.events) >= after

    script.wait_for(reached, timeout=900)
    if script.code is None:
        script.send(number)
    script.wait(900)
