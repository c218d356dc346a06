"""What fills a card's memory, by moving three sliders; and the rank of an adapter, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from hfft_widgets.cards.parts import card, chip, heading
from hfft_widgets.cards.plan import memory_bar
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.units import bytes_text
from hfft_widgets.estimates import estimate
from hfft_widgets.widgets.form import fields
from hfft_widgets.widgets.panel import Panel

if TYPE_CHECKING:
    from hfft_widgets.core.estimate.estimate import Estimate

_PARTS = ("weights", "gradients", "optimizer", "adapters", "activations")
_SLIDERS = {
    "batch_size": ("Rows at a time", 1, 32, 8),
    "max_length": ("Tokens of a row", 64, 4096, 1024),
    "lora_r": ("Rank of LoRA (0: all weights)", 0, 256, 16),
}
_SIDE, _THIN = 96, 2


class MemoryPicture(Panel):
    """Memory of one card at the worst moment of a step. `result` is the estimate of what the sliders say.

    Args:
        model: A config.json as a mapping, a folder or a Hub id.
        flavor: The machine.
    """

    title = "Memory"
    can_stop = False

    def __init__(self, model: str | Mapping[str, Any], *, flavor: str = "t4-small") -> None:
        super().__init__()
        self.model, self.flavor = model, flavor
        for name, (_, low, high, value) in _SLIDERS.items():
            self.has(name, value, lambda _: self._changed())
            self.suggests(name, partial(self._moving, name, low, high))
        self.has("checkpointing", value=True, changed=lambda _: self._changed())
        self._changed()

    def set(self, **values: Any) -> Estimate:
        """Put the sliders somewhere: batch_size, max_length, lora_r (0: all weights), checkpointing."""
        self.values.update(values)
        return self._changed()

    def body(self) -> Markup:
        """The sliders, and the card that follows them."""
        form = self.form
        sliders = [
            form.slider(name, words, low, high, int(self.values[name]))
            for name, (words, low, high, _) in _SLIDERS.items()
        ]
        computed = form.switch("checkpointing", "Compute activations again (checkpointing)")
        return join([fields(*sliders, computed), self.report()])

    def html(self) -> Markup:
        """Nothing comes next here: no bar at the foot."""
        return self.body()

    def report(self) -> Markup:
        """The bar and the rank: also what stays in a saved notebook."""
        made = self.result
        fits = chip("ok", "Fits") if made.fits else chip("bad", "Does not fit")
        total = max(made.capacity_bytes, made.memory_bytes.high)
        bar = memory_bar(made.to_dict(), heading("Memory at the worst moment of a step"), total, _PARTS)
        said = f"about {bytes_text(made.memory_bytes.mid)}; the card has {bytes_text(made.capacity_bytes)}"
        return card(f"Memory on {self.flavor}", said, fits, bar, self._rank(), label="Memory")

    def __repr__(self) -> str:
        made = self.result
        return f"{bytes_text(made.memory_bytes.mid)} of {bytes_text(made.capacity_bytes)}: {dict(self.values)}"

    def _moving(self, name: str, low: int, high: int, typed: str) -> None:
        self.values[name] = max(low, min(high, int(float(typed))))
        self._changed()

    def _changed(self) -> Estimate:
        rank = int(self.values["lora_r"])
        made = estimate(
            self.model,
            peft="lora" if rank else "none",
            lora_r=rank or 16,
            batch_size=int(self.values["batch_size"]),
            max_length=int(self.values["max_length"]),
            checkpointing=bool(self.values["checkpointing"]),
            flavor=self.flavor,
        )
        self.result = made
        self.refresh()
        return made

    def _rank(self) -> Markup | None:
        """One matrix of the model as a square, and the two strips that LoRA trains beside it."""
        rank = int(self.values["lora_r"])
        side = self.model.get("hidden_size") if isinstance(self.model, Mapping) else None
        if not rank or not side:
            return None
        trained, whole = 2 * side * rank, side * side
        words = (
            f"One matrix of {side:,} by {side:,} numbers stays as it is. Two strips of rank {rank} are trained: "
            f"{trained:,} numbers, {100 * trained / whole:.1f} % of it."
        )
        strip = max(_THIN, min(_SIDE, _SIDE * rank / side))
        drawn = el(
            "svg",
            el("rect", x=1, y=1, width=_SIDE, height=_SIDE),
            el("rect", x=_SIDE + 24, y=1, width=round(strip, 1), height=_SIDE, class_="c0"),
            el("rect", x=_SIDE + 40 + round(strip, 1), y=1, width=_SIDE, height=round(strip, 1), class_="c0"),
            class_="word-picture", role="img", aria_label=words, view_box=f"0 0 360 {_SIDE + 2}",
        )  # fmt: skip
        return el("figure", heading("Rank"), drawn, el("figcaption", words, class_="sub", aria_hidden="true"))
