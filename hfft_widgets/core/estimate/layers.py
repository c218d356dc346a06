"""The linear layers of a model: how many of each shape, which a token passes, and which get adapters."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class LinearGroup:
    """Linear layers of one name and shape.

    Attributes:
        name: The last part of their path, e.g. "q_proj".
        inputs: Numbers they take.
        outputs: Numbers they give.
        count: How many there are; each expert's counts.
        adapters: How many adapters PEFT puts beside them with the usual targets; 0: none.
        experts: Whether a token passes only some of them.
        pictures: Whether they are of the part that reads pictures.
        packed: Whether the experts of a layer are one tensor, which PEFT wraps as a whole.
    """

    name: str
    inputs: int
    outputs: int
    count: int
    adapters: int
    experts: bool = False
    pictures: bool = False
    packed: bool = False


@dataclass(frozen=True)
class Layers:
    """All linear layers of a model.

    Attributes:
        groups: By name and shape.
        share: Of the experts, how many a token passes: 1 where there are none.
    """

    groups: tuple[LinearGroup, ...] = ()
    share: float = 1.0

    @property
    def parameters(self) -> int:
        """Weights of the part that reads text."""
        return sum(group.count * group.inputs * group.outputs for group in self._text())

    @property
    def active_parameters(self) -> float:
        """Of those, what one token is multiplied with."""
        return self.parameters - (1 - self.share) * self._expert_parameters

    @property
    def _expert_parameters(self) -> int:
        return sum(group.count * group.inputs * group.outputs for group in self._text() if group.experts)

    @property
    def merged_parameters(self) -> int:
        """Weights of packed experts with adapters: PEFT adds both up for each pass, a copy of one layer's."""
        return sum(
            group.count * group.inputs * group.outputs for group in self._text() if group.packed and group.adapters
        )

    @property
    def largest(self) -> int:
        """Weights of the largest single layer."""
        return max((group.inputs * group.outputs for group in self._text()), default=0)

    def trainable(self, r: int, targets: Iterable[str] = ()) -> int:
        """Parameters of rank-`r` adapters: r * (inputs + outputs) each (LoRA, 2021); no names: the usual ones."""
        return r * sum(group.adapters * (group.inputs + group.outputs) for group in self._adapted(targets))

    def packed(self, targets: Iterable[str] = ()) -> bool:
        """Whether packed experts get adapters: PEFT knows neither DoRA nor dropout there (lora.ParamWrapper)."""
        return any(group.packed for group in self._adapted(targets))

    def adapted_parameters(self, targets: Iterable[str] = ()) -> int:
        """Weights beside which adapters stand."""
        return sum(group.adapters * group.inputs * group.outputs for group in self._adapted(targets))

    def largest_adapted(self, targets: Iterable[str] = ()) -> int:
        """Weights of the largest single layer among them."""
        return max((group.inputs * group.outputs for group in self._adapted(targets)), default=0)

    def magnitudes(self, targets: Iterable[str] = ()) -> int:
        """Sizes that DoRA learns beside the adapters: one for each output of a layer, of each expert's too."""
        return sum(group.adapters * group.outputs for group in self._adapted(targets))

    def adapters(self, targets: Iterable[str] = ()) -> float:
        """Modules with an adapter; the packed experts of a layer are one."""
        found = self._adapted(targets)
        most = max((group.count for group in found if not group.packed), default=1)
        return sum(min(group.count, most) if group.packed else group.count for group in found)

    def adapter_inputs(self, rank: int, targets: Iterable[str] = ()) -> float:
        """Numbers that a token brings to all adapters it passes: their inputs, and their inner results."""
        return math.fsum(  # unlike `sum`, the same in every Python
            self._passed(group) * (group.inputs + rank) for group in self._adapted(targets)
        )

    def adapter_outputs(self, targets: Iterable[str] = ()) -> float:
        """Numbers that a token takes from all layers with an adapter that it passes."""
        return math.fsum(self._passed(group) * group.outputs for group in self._adapted(targets))

    def _passed(self, group: LinearGroup) -> float:
        """Its adapters that a token passes."""
        return group.adapters * (self.share if group.experts else 1)

    def _text(self) -> list[LinearGroup]:
        return [group for group in self.groups if not group.pictures]

    def _adapted(self, targets: Iterable[str]) -> list[LinearGroup]:
        names = set(targets)
        return [group for group in self._text() if group.adapters and (not names or group.name in names)]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"groups": [asdict(group) for group in self.groups], "share": self.share}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Layers:
        """From `to_dict`."""
        return cls(tuple(LinearGroup(**group) for group in values["groups"]), float(values["share"]))
