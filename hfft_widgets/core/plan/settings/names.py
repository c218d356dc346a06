"""The names that people know from TRL, transformers and PEFT: each is taken for the setting it means, or answered."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from hfft_widgets.core.plan.settings import SETTINGS
from hfft_widgets.errors import PlanError

# what means the same with the same values, beside the names that `SETTINGS` holds
_SAME = {
    "gradient_checkpointing": "activation_checkpointing",
    "r": "lora_r",
    "target_modules": "lora_targets",
    "hub_model_id": "push_to",
    "train_batch_size": "batch_size",
}
# names of today's config classes whose values mean something else here: what to say instead
_OTHERWISE = {
    "chat_template_kwargs": 'Give thinking=True or False, for {"enable_thinking": ...}',
    "train_sampling_strategy": 'Give group_by_length=True, for "group_by_length"',
    "bf16": "Leave it away: the script computes in bfloat16 where the card has it, and in float16 where not",
    "fp16": "Leave it away: the script computes in float16 where the card has no bfloat16",
    "dtype": "Give bf16_weights=True, for weights that learn in bfloat16; frozen ones are in 16 bits anyway",
    "torch_dtype": "Give bf16_weights=True, for weights that learn in bfloat16; frozen ones are in 16 bits anyway",
    "load_in_4bit": 'Give peft="qlora"',
    "quantization_config": 'Give peft="qlora"',
    "peft_config": 'Give peft="lora", with lora_r, lora_alpha, lora_targets',
    "use_peft": 'Give peft="lora"',
    "output_dir": "Leave it away: each run has a folder of its own, or HFFT_OUTPUT_DIR",
    "push_to_hub": 'Give push_to="owner/name"',
    "report_to": 'Give trackio=True, for "trackio"',
    "reward_funcs": "Give rewards=[...], or functions of your own in the script (plan.with_script)",
    "eval_strategy": "Give eval_steps",
    "save_strategy": "Give save_steps",
    "max_prompt_length": "Leave it away: prompts are never cut",
    "loss_type": "Change the script itself (plan.with_script)",
}
# what people write for them
_CALLED = {
    "lr": "learning_rate", "epochs": "num_train_epochs", "num_epochs": "num_train_epochs", "steps": "max_steps",
    "max_seq_length": "max_length", "max_seq_len": "max_length", "warmup_ratio": "warmup",
    "scheduler": "lr_scheduler_type", "optimizer": "optim", "rank": "lora_r", "alpha": "lora_alpha",
    "dropout": "lora_dropout", "rslora": "use_rslora", "dora": "use_dora", "vllm": "use_vllm", "kl": "beta",
    "kl_coef": "beta", "lora_rank": "lora_r", "target_layers": "lora_targets", "batch": "batch_size",
}  # fmt: skip
_EVERY_LAYER = ("target_modules", "all-linear")
TRL = {one.trl: name for name, one in SETTINGS.items() if one.trl and one.trl not in _OTHERWISE} | _SAME
"""Names of TRL, transformers and PEFT -> ours."""


def understood(given: Mapping[str, Any], own: Collection[str] = ()) -> dict[str, Any]:
    """The values under our names.

    >>> understood({"per_device_train_batch_size": 4, "beta": 0.1})
    {'batch_size': 4, 'beta': 0.1}

    Args:
        given: Values by our names or TRL's.
        own: Names beside those of the settings that can be given.

    Raises:
        PlanError: A name that means nothing here, with what was probably meant, or one value given twice.
    """
    ours = {name: name if name in SETTINGS or name in own else TRL.get(name, "") for name in given}
    unknown = sorted(name for name, meant in ours.items() if meant not in SETTINGS and meant not in own)
    if unknown:
        known = sorted({*own, *SETTINGS})
        said = filter(None, (_meant(name, known, one=len(unknown) == 1) for name in unknown))
        guesses = "".join(f"{words} " for words in said)
        raise PlanError(
            f"Unknown setting {', '.join(unknown)}.",
            remedy=f"{guesses}Settings: {', '.join(known)}; TRL's own names for them are understood too.",
        )
    twice = next((name for name in ours.values() if list(ours.values()).count(name) > 1), None)
    if twice:
        raise PlanError(f"{twice} is given twice: TRL's name for it stands beside it.", remedy="Give it once.")
    return {ours[name]: () if (name, value) == _EVERY_LAYER else value for name, value in given.items()}


def _meant(name: str, known: Collection[str], *, one: bool) -> str:
    if name in _OTHERWISE:
        return f"{_OTHERWISE[name]}."
    usual = _CALLED.get(name.lower())
    near = [usual] if usual else difflib.get_close_matches(name, [*known, *TRL], 1, 0.6)
    what = "" if one else f", for {name}"
    return f"Did you mean {TRL.get(near[0], near[0])}{what}?" if near else ""
