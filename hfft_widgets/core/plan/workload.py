"""What is trained on what, and where; and an estimate's work from plain figures."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, TypeVar

from hfft_widgets.core.estimate.estimate import Estimate, estimate_work
from hfft_widgets.core.estimate.memory import VLLM_SHARE
from hfft_widgets.core.estimate.padding import RowLengths
from hfft_widgets.core.estimate.work import Work
from hfft_widgets.core.method import METHODS, Method
from hfft_widgets.core.plan.data_stats import DataStats, lies_here
from hfft_widgets.core.plan.hardware import Flavor
from hfft_widgets.core.plan.model import ModelFacts
from hfft_widgets.core.plan.settings import OPTIMIZERS, SETTING_NAMES, Settings
from hfft_widgets.core.plan.settings.adapters import counted
from hfft_widgets.core.plan.settings.setting import ADAPTERS, PEFT
from hfft_widgets.core.units import bytes_text, plural
from hfft_widgets.errors import PlanError

# answers to each held-out prompt in an evaluation; scripts/sample_questions.py: questions answered at once
EVAL_ANSWERS, _QUESTIONS_AT_ONCE = 2, 32
# the longest of all rows, against the longest of a sample
_UNSEEN_LONGEST = 1.25
# what vLLM needs of its share beside the weights: keys and values of some answers, and what it compiles
_VLLM_BESIDE = 1.5 * 2**30


@dataclass(frozen=True)
class Training:
    """What is trained on what, and where: all that its figures and its script depend on.

    Attributes:
        model: Hub id or folder of the model that learns.
        method: A name in `METHODS`.
        peft: One of `PEFT`: "none" (all weights), "lora", "qlora" (adapters beside 4-bit weights).
        flavor: Name of the hardware, "local" for this machine.
        settings: What a person may change.
        data: The data after mapping and fixes.
        facts: The model in numbers.
        machines: The hardware to choose from.
        push_to: Hub repository for the result, or None.
        pilot_run: Whether it is a pilot of another one: only its time and memory matter.

    Raises:
        PlanError: A name that is not known, or no row left to train on.
    """

    model: str
    method: str
    peft: str
    flavor: str
    settings: Settings
    data: DataStats
    facts: ModelFacts
    machines: tuple[Flavor, ...]
    push_to: str | None = None
    pilot_run: bool = False

    def __post_init__(self) -> None:
        check_choice("method", self.method, METHODS)
        check_choice("peft", self.peft, PEFT)
        self.machine(self.flavor)
        _check_repository(self.push_to)
        if self.adapts and not self.facts.lora_parameters(1):
            raise PlanError(
                f"PEFT puts no adapters into {self.facts.name}.",
                why=self.facts.lora_refused,
                remedy='Train all weights (peft="none"), or choose another model.',
            )
        targets = counted(self.facts, self.settings.lora_targets)
        if self.adapts and self.facts.layout.packed(targets):
            self._check_packed_experts()
        if self.settings.eval_rows >= self.rows:
            raise PlanError(
                f"eval_rows is {self.settings.eval_rows:,}, and {plural(self.rows, 'row')} of {self.data.name} can be "
                "used: none would be left to train on.",
                remedy=f"Hold out fewer: at most {self.rows - 1:,}.",
            )

    def _check_packed_experts(self) -> None:
        for name in ("use_dora", "lora_dropout"):
            if getattr(self.settings, name):
                raise PlanError(
                    f"{name} is {getattr(self.settings, name)!r}, and PEFT does not know it for the experts of "
                    f"{self.facts.name}.",
                    why="All experts of a layer are one tensor there, whose adapters PEFT adds to it before each pass.",
                    remedy='Leave it away, or let adapters stand beside attention alone: lora_targets=("attention",).',
                )

    @property
    def title(self) -> str:
        """The training in one line."""
        what = "Pilot of " if self.pilot_run else ""
        return f"{what}{self.method} of {self.facts.name} ({PEFT[self.peft]})"

    @property
    def adapts(self) -> bool:
        """Whether adapters learn, and the model's own weights stay as they are."""
        return self.peft in ADAPTERS

    @property
    def quantized(self) -> bool:
        """Whether the frozen weights are in 4 bits."""
        return self.peft == "qlora"

    @property
    def trainer(self) -> Method:
        """What is known of the method."""
        return METHODS[self.method]

    def machine(self, name: str) -> Flavor:
        """The hardware of this name.

        Raises:
            PlanError: There is none.
        """
        found = next((machine for machine in self.machines if machine.name == name), None)
        if found is None:
            names = ", ".join(machine.name for machine in self.machines)
            raise PlanError(f"Unknown flavor {name!r}.", remedy=f"Choose one of {names}.")
        return found

    @property
    def hardware(self) -> Flavor:
        """The chosen flavor with its figures."""
        return self.machine(self.flavor)

    @property
    def rows(self) -> int:
        """Rows that are used, held-out ones too: all of the data, or as many as a person chose."""
        return min(self.data.rows, self.settings.rows or self.data.rows)

    @property
    def effective_batch_size(self) -> int:
        """Rows, or answers where the method generates, behind one optimizer step, on all cards together."""
        return self.settings.effective_batch_size * self.hardware.devices

    @property
    def answers_per_row(self) -> int:
        """Answers that the method writes to each row; 1 where it writes none."""
        return self.settings.num_generations if self.trainer.generates else 1

    def rows_in(self, steps: int) -> int:
        """Rows that so many optimizer steps look at, each as often as they do."""
        return steps * self.effective_batch_size // (self.answers_per_row * self.examples_per_row)

    @property
    def trains_on_images(self) -> bool:
        """Whether pictures are part of the training."""
        return self.facts.vision and self.data.pictures is not None

    @property
    def weights_in_16_bits(self) -> bool:
        """Whether the weights that learn are bfloat16; GPUs without it keep them in float32."""
        return self.settings.bf16_weights and not self.adapts and (self.hardware.bf16 or not self.hardware.gpu)

    @property
    def uses_vllm(self) -> bool:
        """Whether vLLM writes the answers: where it is asked for, and can run."""
        return self.trainer.generates and self.settings.use_vllm and not self.vllm_obstacle

    @property
    def vllm_obstacle(self) -> str:
        """Why vLLM cannot write the answers there, in a few words; "": it can."""
        machine, weights = self.hardware, 2 * self.facts.parameters
        share = VLLM_SHARE * machine.memory_bytes
        if self.quantized:
            return "weights in 4 bits cannot be handed to it"
        if not machine.gpu:
            return "it needs an NVIDIA GPU"
        if not machine.bf16:
            return f"a {machine.gpu} is older than the cards its kernels are made for"
        if weights + _VLLM_BESIDE > share:
            has = f"{bytes_text(share)}, {VLLM_SHARE:.0%} of the card"
            return f"its share, {has}, does not hold {bytes_text(weights)} of weights beside the answers"
        return ""

    @property
    def splits_conversations(self) -> bool:
        """Whether the script makes prompt and last answer of each conversation."""
        columns = self.trainer.columns.intersection(self.data.columns)
        return self.settings.answers_only and "messages" in columns

    @property
    def packs(self) -> bool:
        """Whether rows share a sequence; TRL refuses to pack pictures."""
        return self.trainer.packs and self.settings.packing and not self.data.pictures

    @property
    def lies_here(self) -> bool:
        """Whether model or data are on this machine, where a job elsewhere could not reach them."""
        return self.facts.local or self.data_lies_here

    @property
    def data_lies_here(self) -> bool:
        """Whether the data are on this machine; `hfft.upload` brings them to the Hub."""
        return lies_here(self.data.reference)

    @property
    def packs_here(self) -> bool:
        """Whether the machine has the attention that keeps packed rows apart; elsewhere the script does not pack."""
        return self.packs and bool(self.hardware.gpu) and self.hardware.bf16

    @property
    def groups_rows(self) -> bool:
        """Whether rows of like length come together."""
        return self.trainer.groups and self.settings.group_by_length and not (self.packs or self.data.pictures)

    @property
    def examples_per_row(self) -> int:
        """How many the trainer makes of one row: KTO takes a pair apart, into two answers with a label each."""
        labelled = "label" in self.trainer.columns
        return 2 if labelled and "label" not in self.data.columns else 1

    @property
    def longest_first(self) -> bool:
        """Whether it begins with its longest rows, as a pilot does; packed and grouped rows do so by themselves."""
        return self.pilot_run and not (self.packs or self.groups_rows or self.data.pictures)

    @property
    def row_limit(self) -> int:
        """Tokens that a row may have: prompts are never cut where answers are generated, nor rows with pictures."""
        free = self.trainer.generates or self.data.pictures
        return self.facts.context_length if free else self.settings.max_length

    @cached_property
    def lengths(self) -> RowLengths:
        """The rows as the trainer takes them, cut to the limit or left out."""
        return self.data.row_lengths.within(self.row_limit, drops=self.trainer.drops_long_rows)

    @property
    def work(self) -> Work:
        """What is to be computed, as the estimate needs it."""
        s, generates = self.settings, self.trainer.generates
        size = max(s.batch_size, self.trainer.least_batch)
        answered = self.answers_per_row
        return Work(
            method=self.method,
            lora_r=s.lora_r if self.adapts else 0,
            targets=counted(self.facts, s.lora_targets) if self.adapts else (),
            dropout=self.adapts and s.lora_dropout > 0,
            dora=self.adapts and s.use_dora,
            quantized=self.quantized,
            double_quantized=self.quantized,
            dtype="bfloat16" if self.weights_in_16_bits else "",
            optimizer=OPTIMIZERS[s.optim],
            vllm=self.uses_vllm,
            batch_size=size,
            accumulation=s.accumulation,
            epochs=s.num_train_epochs,
            checkpointing=s.activation_checkpointing,
            completion_tokens=s.max_completion_length if generates else 0,
            generations=answered,
            iterations=s.num_iterations if generates else 1,
            max_steps=s.max_steps,
            unmasked=size * (2 if self.trainer.paired else 1) == 1 or len(self.lengths.counts) == 1,
            tokens_error=self.lengths.error(size),
            pushed=bool(self.push_to),
            pilot=self.pilot_run,
            **self._rows_of_work(size, answered),
            **self._checks_of_work(size),
        )

    def _rows_of_work(self, size: int, answered: int) -> dict[str, Any]:
        """How many rows there are, and how many tokens each takes in its batch."""
        lengths, s = self.lengths, self.settings
        rows = max(1, round(self.rows * lengths.rows / self.data.row_lengths.rows) - s.eval_rows)
        rows *= self.examples_per_row
        if self.packs_here:
            together = lengths.packed(s.max_length)
            return {
                "rows": max(1, round(rows / together)),
                "tokens_per_row": min(lengths.mean * together, s.max_length),
                "max_length": s.max_length,
                "attended_tokens": lengths.attended,
            }
        if self.groups_rows:
            tokens = lengths.grouped(size, s.accumulation, rows)
        elif answered > 1:  # all answers of a step are padded together, those to one prompt beside each other
            tokens = lengths.padded(max(1, size * s.accumulation // answered), rows)
        else:
            tokens = lengths.padded(size, rows)
        longest = max(lengths.longest * (1 if lengths.exact else _UNSEEN_LONGEST), self.data.longest_tokens)
        return {"rows": rows, "tokens_per_row": tokens, "max_length": min(math.ceil(longest), self.row_limit)}

    def _checks_of_work(self, size: int) -> dict[str, Any]:
        """Evaluations, and the questions before and after."""
        s, answers = self.settings, EVAL_ANSWERS if self.trainer.generates else 1
        batch = eval_batch(self.trainer, size)
        tokens = self.lengths.mean if self.packs_here else self.lengths.padded(max(1, batch // answers), s.eval_rows)
        together = self.lengths.packed(s.max_length) if self.packs_here else 1
        rows = s.eval_rows * answers * self.examples_per_row
        asked = s.questions if self.trainer.answers and not self.trains_on_images else 0
        return {
            "check_every": s.eval_steps,
            "check_rows": math.ceil(rows / together),
            "check_batch": batch,
            "check_tokens": rows * (2 if self.trainer.paired else 1) * tokens,
            "questions": -(-asked // _QUESTIONS_AT_ONCE),
        }

    @cached_property
    def estimate(self) -> Estimate:
        """Memory, time and price on the chosen flavor."""
        return estimate_work(self.facts, self.work, self.hardware)

    def with_values(self, **values: Any) -> Self:
        """The same with these values of its own or of its settings, and everything else as it is."""
        settings = {name: value for name, value in values.items() if name in SETTING_NAMES}
        own = {name: value for name, value in values.items() if name not in SETTING_NAMES}
        if settings:
            own["settings"] = dataclasses.replace(self.settings, **settings)
        return dataclasses.replace(self, **own)


Trained = TypeVar("Trained", bound=Training)


def eval_batch(method: Method, batch: int) -> int:
    """Rows of an evaluation's batch: as in training; where answers are generated, a multiple of those per prompt."""
    return -(-batch // EVAL_ANSWERS) * EVAL_ANSWERS if method.generates else batch


def check_choice(name: str, value: object, allowed: Collection[str]) -> None:
    """Refuse what is none of the values allowed.

    Raises:
        PlanError: It is none of them; the remedy says which there are, and which was probably meant.
    """
    if not isinstance(value, str) or value not in allowed:
        meant = next((one for one in allowed if one.lower() == str(value).lower()), None)
        guess = f"Did you mean {meant!r}? " if meant else ""
        raise PlanError(f"Unknown {name} {value!r}.", remedy=f"{guess}Choose one of {', '.join(allowed)}.")


# what the Hub allows: an owner and a name of letters, digits, and - _ . between them
_REPOSITORY = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,94}[\w])?/[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?", re.ASCII)


def _check_repository(name: object) -> None:
    if name is None:
        return
    if not isinstance(name, str) or not _REPOSITORY.fullmatch(name) or "--" in name or ".." in name:
        raise PlanError(
            f"push_to is {name!r}.",
            why="A repository on the Hub is an owner and a name of letters, digits, '-', '_' and '.'.",
            remedy='Give both, e.g. push_to="your-name/a-new-name".',
        )
