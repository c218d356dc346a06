"""What transformers and PEFT themselves say of a model: found elsewhere (`sources.probe`) and handed in as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from hfft_widgets.core.estimate.layers import Layers

# what script and estimate call the targets by default
ALL_LINEAR = "all-linear"


@dataclass(frozen=True)
class ModelProbe:
    """A model that was built without memory, and got its adapters there.

    Attributes:
        versions: Of the packages that were asked, e.g. "transformers 5.24.0, peft 0.21.2".
        architecture: The class that a training loads.
        other_kind: What it is if it does not continue texts, e.g. "an encoder"; "" for a decoder.
        parameters: Of the whole model, tied ones once.
        active_parameters: Of those, what a token passes: less where it passes only some experts.
        picture_parameters: Of those, the part that reads pictures.
        layers: Decoder layers.
        hidden_size: Width of the residual stream.
        intermediate_size: Width of the MLP that a token passes, of all its experts together.
        heads: Attention heads.
        kv_heads: Key/value heads.
        head_dim: Width of one head.
        vocabulary_size: Rows of the embedding.
        context_length: Positions the model was made for; 0: its configuration does not say.
        tied_embeddings: Whether input and output embedding are one matrix.
        gated_mlp: Whether the MLP has a gate.
        norms: Normalisation layers per decoder layer.
        qk_norm: Whether queries and keys are normalised.
        linears: Its linear layers, and their adapters.
        targets: What `LoraConfig(target_modules=...)` takes: "all-linear", a pattern, or names.
        refused: Why PEFT refuses adapters, in its words; "" if it does not.
    """

    versions: str
    architecture: str
    other_kind: str = ""
    parameters: int = 0
    active_parameters: int = 0
    picture_parameters: int = 0
    layers: int = 0
    hidden_size: int = 0
    intermediate_size: int = 0
    heads: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    vocabulary_size: int = 0
    context_length: int = 0
    tied_embeddings: bool = False
    gated_mlp: bool = True
    norms: int = 2
    qk_norm: bool = False
    linears: Layers = field(default_factory=Layers)
    targets: str | tuple[str, ...] = ALL_LINEAR
    refused: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        targets = self.targets if isinstance(self.targets, str) else list(self.targets)
        return {**asdict(self), "linears": self.linears.to_dict(), "targets": targets}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From `to_dict`.

        Raises:
            KeyError, TypeError, ValueError: It is none.
        """
        known = {one.name for one in fields(cls)}
        if unknown := set(values) - known:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        targets = values.get("targets", ALL_LINEAR)
        made = {**values, "targets": targets if isinstance(targets, str) else tuple(targets)}
        if "linears" in values:
            made["linears"] = Layers.from_dict(values["linears"])
        return cls(**made)
