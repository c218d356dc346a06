"""Who speaks: names in the data that no chat template knows, and the role a person gives each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfft_widgets.cards.report.words import safe
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.widgets.form import Form, actions, fields

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.widgets.panel import Panel

_MOST = 8  # more names than these are no roles
_CHOICES = (("choose a role", ""), ("user: asks", "user"), ("assistant: answers, is learned", "assistant"),
            ("system: instructs", "system"), ("tool: what a tool returned", "tool"))  # fmt: skip


class RolesPart:
    """A list of the four chat roles for each speaker that is not known."""

    def __init__(self, panel: Panel) -> None:
        self._values = panel.values
        self._names: tuple[str, ...] = ()
        for number in range(_MOST):
            panel.has(f"role{number}", "")

    def show(self, report: ValidationReport) -> None:
        """The speakers of this report, none of them with a role yet."""
        found = report.unknown_roles
        self._names = found if len(found) <= _MOST else ()
        for number in range(_MOST):
            self._values[f"role{number}"] = ""

    @property
    def chosen(self) -> dict[str, str]:
        """Name -> role, of those that have one."""
        given = ((name, str(self._values[f"role{number}"])) for number, name in enumerate(self._names))
        return {name: role for name, role in given if role}

    def view(self, form: Form) -> Markup | None:
        """The question, where there is one."""
        if not self._names:
            return None
        names = ", ".join(repr(str(safe(name, 40))) for name in self._names[:3])
        more = " and others" if len(self._names) > 3 else ""
        lists = [form.choice(f"role{number}", name, _CHOICES, half=True) for number, name in enumerate(self._names)]
        use = form.button("Use these roles", "roles", off=not self.chosen)
        head = el("div", el("b", "Who speaks?"), f" Chat templates do not know {names}{more}.")
        return join([head, fields(*lists), actions(use)])
