"""Results of exercises, judged: the object that came out, not the code that made it.

A lesson's judges stand in the module of its name, e.g. those of "data-ex1" in `checks.data`, in its table CHECKS:
exercise -> a function that takes the result and returns what is still wrong, in sentences; an empty list is right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from hfft_widgets.errors import LessonError
from hfft_widgets.teaching import views
from hfft_widgets.teaching.progress import keep, kept
from hfft_widgets.teaching.questions import State
from hfft_widgets.teaching.source import Exercise, lesson

Judge = Callable[[Any], list[str]]

OWN = "-own"
"""What stands behind an exercise's name where the learner's own data are judged."""


@dataclass(frozen=True)
class CheckResult:
    """What a check says of a result.

    Attributes:
        exercise: What was to be done.
        state: "not answered" (there is no result yet), "wrong" or "right".
        problems: What is still wrong, each in a sentence.
    """

    exercise: Exercise
    state: State
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the result is right."""
        return self.state == "right"

    def __bool__(self) -> bool:
        return self.passed

    def hint(self) -> str:
        """What to look at, without the answer."""
        return self.exercise.hint

    def solution(self) -> str:
        """A cell that does it: for who asks for it."""
        return self.exercise.solution

    @property
    def words(self) -> str:
        """What to do next."""
        if self.passed:
            return "The result is what was asked for."
        ask = f'hfft.check("{self.exercise.name}")'
        todo = "Give the result: see the exercise above. " if self.state == "not answered" else ""
        return f"{todo}A hint: {ask}.hint(). The solution, if you want it: print({ask}.solution())"

    def __str__(self) -> str:
        listed = [f"  - {one}" for one in self.problems]
        return "\n".join([f"{views.STATES[self.state]}. {self.words}", *listed])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        title = f"Exercise {self.exercise.name}"
        return str(views.page(views.outcome(title, self.state, self.words, self.problems)))


def check(name: str, result: Any = None) -> CheckResult:
    """Judge the result of an exercise.

    Args:
        name: The exercise, e.g. "data-ex1"; "data-ex1-own" judges the same with your own data.
        result: What came out: a report, a plan, a run, a folder, or the panel that holds it. None: nothing yet.

    Returns:
        What is still wrong, and where to look; it is true where the result is right.

    Raises:
        LessonError: There is no such exercise.
    """
    exercise, judge = _found(name)
    value = _held(result)
    if value is None:
        return CheckResult(exercise, "not answered")
    problems = judge(value)
    if not problems:
        keep(kept().with_done(exercise.name))
    return CheckResult(exercise, "wrong" if problems else "right", tuple(problems))


def judges(lesson_name: str) -> Mapping[str, Judge]:
    """The judges of one lesson; none where it has no module."""
    try:
        table: Mapping[str, Judge] = import_module(f"{__name__}.{lesson_name}").CHECKS
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{lesson_name}":
            raise
        return {}
    return table


def kind_problem(result: Any, kind: type, made_by: str) -> list[str]:
    """What is wrong where a result is no such thing at all; [] where it is one.

    Args:
        result: What was given.
        kind: What is needed.
        made_by: The call that makes one.
    """
    if isinstance(result, kind):
        return []
    return [f"This is a {type(result).__name__}. Give a {kind.__name__}: {made_by} makes one."]


def _found(name: str) -> tuple[Exercise, Judge]:
    plain = name.removesuffix(OWN)
    one = lesson(plain)
    table = judges(one.name)
    found = {exercise.name: exercise for exercise in one.exercises}
    if plain not in found or name not in table:
        raise LessonError(f"There is no exercise {name!r}.", remedy=f"Choose one of: {', '.join(sorted(table))}.")
    return found[plain], table[name]


def _held(result: Any) -> Any:
    """A panel's output is what is judged, not the panel."""
    is_panel = hasattr(result, "result") and hasattr(result, "busy")
    return result.result if is_panel else result
