"""Every setting of a plan in one light form, made from what is known of each."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from hfft_widgets.cards.parts import fold
from hfft_widgets.core.html import Markup, el
from hfft_widgets.core.plan.settings import SETTINGS
from hfft_widgets.core.plan.settings.setting import Setting
from hfft_widgets.widgets.form import Form

if TYPE_CHECKING:
    from hfft_widgets.core.plan.plan import TrainingPlan

_NO_MAX = {"max_steps": -1}  # a value that means "none" is shown as nothing
_EMPTY = {"max_steps": "none", "rows": "all"}  # what an empty field means; "auto" where it is not said


def known_by(plan: TrainingPlan) -> list[str]:
    """The settings that say something in this plan, in their groups."""
    return [name for name, setting in SETTINGS.items() if setting.said_by(plan.method, plan.peft)]


def shown(plan: TrainingPlan) -> dict[str, Any]:
    """The settings' values as their fields hold them."""
    return {name: as_typed(name, getattr(plan.settings, name)) for name in SETTINGS}


def read(name: str, value: Any) -> Any:
    """A field's value as the plan wants it; what is no number stays as typed, for the plan to refuse."""
    setting = SETTINGS[name]
    if setting.kind == "names":
        return tuple(word for word in str(value).replace(",", " ").split() if word)
    if setting.kind in {"switch", "choice"}:
        return value
    words = str(value).strip().replace(",", "")
    if not words:
        return _NO_MAX.get(name)
    try:
        number = float(words)
    except ValueError:
        return words
    return int(number) if number.is_integer() else number


def changed(plan: TrainingPlan, made: TrainingPlan) -> list[str]:
    """Labels of the settings that a person changed; what followed from them is not among these."""
    spoken = {name for reason in plan.reasons if reason not in made.reasons for name in reason.about}
    return [
        setting.label.lower()
        for name, setting in SETTINGS.items()
        if name in spoken and getattr(plan.settings, name) != getattr(made.settings, name)
    ]


def view(form: Form, plan: TrainingPlan) -> Markup:
    """The form, one heading per group."""
    names = sorted(known_by(plan), key=lambda name: list(_GROUPS).index(SETTINGS[name].group))
    groups = [
        el("fieldset", el("legend", title), [_field(form, name) for name in members], data_key=title)
        for title, members in groupby(names, key=lambda name: SETTINGS[name].group)
    ]
    return fold("Change settings", el("div", groups, class_="settings"))


_GROUPS = dict.fromkeys(setting.group for setting in SETTINGS.values())


def _field(form: Form, name: str) -> Markup:
    setting: Setting = SETTINGS[name]
    if setting.kind == "switch":
        return form.switch(name, setting.label, help_=setting.help)
    if setting.kind == "choice":
        return form.choice(name, setting.label, [(one, one) for one in setting.choices], help_=setting.help)
    hint = _EMPTY.get(name) or ("auto" if setting.optional or setting.kind == "names" else "")
    suggestions = setting.choices if setting.kind == "names" else None
    number = setting.kind != "names"
    return form.text(name, setting.label, help_=setting.help, hint=hint, suggestions=suggestions, number=number)


def as_typed(name: str, value: Any) -> Any:
    """A value as its field holds it."""
    if isinstance(value, bool):
        return value
    if value is None or value == _NO_MAX.get(name):
        return ""
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
