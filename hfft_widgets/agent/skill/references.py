"""The skill's reference pages, made from what the code knows: methods, rewards, hardware. A test says they are current.

python -m hfft_widgets.agent.skill.references writes them anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hfft_widgets.core.export.quantizations import QUANTIZATIONS, USUAL
from hfft_widgets.core.method import GOALS, METHODS, Method
from hfft_widgets.core.plan.choose_hardware import ALWAYS_ADAPTERS
from hfft_widgets.core.plan.defaults import usual_rate
from hfft_widgets.core.plan.hardware import (
    CPU_FLAVORS,
    FLAVORS,
    PRICES_DATE,
    PRICES_SOURCE,
    SIZE_CLASSES,
    Flavor,
    recommended_name,
)
from hfft_widgets.core.plan.settings import REWARDS, SETTINGS, Settings
from hfft_widgets.core.units import bytes_text, usd_text

FOLDER = Path(__file__).parent / "skills" / "hfft-fine-tune" / "references"
_USUAL_SIZE = 10**9  # parameters: of a model people use, not of a toy


def pages() -> dict[str, str]:
    """File name -> Markdown of each page."""
    return {"training_methods.md": training_methods(), "hardware_guide.md": hardware_guide()}


def write(folder: Path = FOLDER) -> None:
    """Write the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, "utf-8")


# ---- methods -------------------------------------------------------------------------------------


def training_methods() -> str:
    """What each method teaches, the columns it reads, its usual settings, and what "learned" means."""
    goals = [(f"`{goal}`", ", ".join(names)) for goal, names in GOALS.items()]
    rewards = [
        (f"`{name}`", reward.words, reward.column or "none", f"{reward.weight:g}") for name, reward in REWARDS.items()
    ]
    return _page(
        "# Training methods",
        "Made from the package's own table of methods; the facts are those of the TRL that its scripts pin.",
        "## By goal",
        _table(("goal", "methods, the usual one first"), goals),
        *(part for method in METHODS.values() for part in _method(method)),
        "## Rewards",
        "Of methods whose model writes the answers that it learns from. Without a column to judge answers by, a plan "
        "is refused, unless rewards are chosen.",
        _table(("reward", "what it rewards", "column it needs", "weight"), rewards),
        "## Settings",
        "Every one can be given to a plan by its name; what is not given, the plan fits to model, data and machine.",
        _table(("setting", "default", "what it does"), _settings()),
    )


def _method(method: Method) -> Iterable[str]:
    all_weights, adapters = (f"{usual_rate(method.name, peft, _USUAL_SIZE):g}" for peft in ("none", "lora"))
    known = [
        ("goal", method.goal or "none: it is chosen by name"),
        ("it", method.optimizes),
        ("columns", "; or ".join(" + ".join(f"`{name}`" for name in layout) for layout in method.layouts)),
        ("learning rate", f"{all_weights} for all weights, {adapters} for adapters"),
        ("epochs", f"{method.usual_epochs:g}"),
        ("beta", "none" if method.beta is None else f"{method.beta:g}"),
        ("long rows", _long_rows(method)),
        ("pictures", "yes" if method.reads_pictures else "no"),
        ("holds a second model", "yes, where all weights are trained" if method.holds_reference else "no"),
        ("curves to watch", ", ".join(f"`{name}`" for name in method.curves)),
        ("it has learned if", f"{method.learned}, on rows that it did not train on"),
    ]
    yield f"## {method.name}: teach a model {method.teaches[0]}"
    yield method.teaches[1]
    yield _table(("", ""), known)


def _long_rows(method: Method) -> str:
    if method.drops_long_rows:
        return "left out beyond `max_length`"
    return "cut at `max_length`" if method.cuts_rows else "never cut"


def _settings() -> Iterable[tuple[str, ...]]:
    defaults = Settings()
    for name, setting in SETTINGS.items():
        of = "" if len(setting.methods) == len(METHODS) else f" ({', '.join(setting.methods)})"
        value = getattr(defaults, name)
        yield f"`{name}`", _default(value), f"{setting.help}{of}"


def _default(value: object) -> str:
    if value in (None, ()):
        return "by rule"
    return f"{value:g}" if isinstance(value, float) else str(value)


# ---- hardware ------------------------------------------------------------------------------------


def hardware_guide() -> str:
    """Hardware by size of model, all flavors with their prices, quantizations."""
    return _page(
        "# Hardware",
        f"Prices of {PRICES_DATE} ({PRICES_SOURCE}); a plan uses the prices of today where the Hub can be asked, and "
        "says which it used. No price comes from anywhere else.",
        "## By size of the model",
        "A plan tries these first, and what comes next where the memory model says that they are too small.",
        _table(("parameters", "usual flavors", "what is trained"), _sizes()),
        f"From {ALWAYS_ADAPTERS / 1e9:g} billion parameters on adapters (LoRA) are trained; below, all weights where "
        f"they fit, else adapters. Models of {_refused_from() / 1e9:g} billion parameters and more are refused with "
        "what they would take; a person can allow them.",
        "## When memory is too small",
        "In this order, so that the task changes least: fewer rows at once at the same effective batch, fewer answers "
        "per prompt, adapters, a card with more memory. Rows are not cut shorter for it.",
        "## Flavors with a GPU",
        _table(("flavor", "cards", "memory of one", "price per hour", "bfloat16"), map(_gpu, FLAVORS)),
        "## Flavors without one, for exports",
        _table(("flavor", "memory", "price per hour"), map(_cpu, CPU_FLAVORS)),
        "## Quantizations of the exported file",
        f"The usual one is {USUAL}.",
        _table(("name", "good for"), ((f"`{one.name}`", one.good_for) for one in QUANTIZATIONS.values())),
    )


def _refused_from() -> float:
    return SIZE_CLASSES[-2].below


def _sizes() -> Iterable[tuple[str, ...]]:
    lower = 0.0
    for size in SIZE_CLASSES:
        trained = "adapters" if lower >= ALWAYS_ADAPTERS else "all weights, or adapters"
        refused = ", after a person's yes" if lower >= _refused_from() else ""
        assert recommended_name(int(lower) + 1) == size.flavors[0]
        yield size.name, ", ".join(f"`{name}`" for name in size.flavors), trained + refused
        lower = size.below


def _gpu(flavor: Flavor) -> tuple[str, ...]:
    price, memory = usd_text(flavor.usd_per_hour), f"{flavor.memory_bytes / 2**30:.1f} GiB"
    return f"`{flavor.name}`", flavor.where, memory, price, "yes" if flavor.bf16 else "no"


def _cpu(flavor: Flavor) -> tuple[str, ...]:
    return f"`{flavor.name}`", bytes_text(flavor.memory_bytes), usd_text(flavor.usd_per_hour)


# ---- Markdown ------------------------------------------------------------------------------------


def _page(*parts: str) -> str:
    return "\n\n".join(parts) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


if __name__ == "__main__":
    write()
