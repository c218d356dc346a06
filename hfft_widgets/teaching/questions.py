"""A question with three or four answers, of which each wrong one is somebody's belief."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hfft_widgets.core.html import Markup
from hfft_widgets.errors import LessonError
from hfft_widgets.teaching import views

State = Literal["not answered", "wrong", "right", "noted"]


@dataclass(frozen=True)
class AnswerChoice:
    """One answer that can be chosen.

    Attributes:
        letter: "a" to "d".
        says: The answer.
        thinks: What somebody who chooses it believes; "" for the right one.
        look: What to look at, to see that it is not so; "" for the right one.
    """

    letter: str
    says: str
    thinks: str = ""
    look: str = ""


@dataclass(frozen=True)
class Feedback:
    """What is said to an answer.

    Attributes:
        question: The question's name.
        state: "not answered", "wrong", "right", or "noted" where nothing is judged.
        words: What is so, or what the answer takes for granted and where to look.
        letter: The answer; "" if none.
    """

    question: str
    state: State
    words: str
    letter: str = ""

    def __bool__(self) -> bool:
        return self.state == "right"

    def __str__(self) -> str:
        return f"{views.STATES[self.state]}. {self.words}"

    def _repr_html_(self) -> str:
        return str(views.page(views.line(self.state, self.words)))


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        name: E.g. "data-1".
        ask: What is asked.
        answers: Three or four, in order.
        right: The letter of the right one.
        because: Why it is right.
        hint: What to look at, without the answer.
        concepts: Which of the eleven concepts it asks about.
    """

    name: str
    ask: str
    answers: tuple[AnswerChoice, ...]
    right: str
    because: str
    hint: str
    concepts: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, name: str, values: Mapping[str, Any]) -> Question:
        """A question from its values in a lesson's text.

        Raises:
            LessonError: It has not three or four answers, no right one among them, or a wrong one without its belief.
        """
        answers = tuple(AnswerChoice(letter, **one) for letter, one in sorted(values["answers"].items()))
        letters = "".join(one.letter for one in answers)
        if letters not in {"abc", "abcd"} or values["right"] not in letters:
            raise LessonError(f"Question {name!r} needs answers a to c or d, and which is right.")
        bare = [one.letter for one in answers if one.letter != values["right"] and not (one.thinks and one.look)]
        if bare:
            raise LessonError(f"In question {name!r} the answers {', '.join(bare)} do not say `thinks` and `look`.")
        rest = {key: values[key] for key in ("ask", "right", "because", "hint")}
        return cls(name, answers=answers, concepts=tuple(values.get("concepts", ())), **rest)

    def answer(self, letter: str = "") -> Feedback:
        """What is said to that answer; "": nothing was answered yet.

        Raises:
            LessonError: There is no such answer.
        """
        chosen = letter.strip().lower()
        if not chosen:
            return Feedback(self.name, "not answered", "Choose the answer that you believe, then look.")
        if chosen == self.right:
            return Feedback(self.name, "right", self.because, chosen)
        one = self._one(chosen)
        return Feedback(self.name, "wrong", f"This answer says: {one.thinks} Look: {one.look}", chosen)

    def solution(self) -> str:
        """The right answer and why: for who asks for it."""
        return f"{self.right}: {self._one(self.right).says} {self.because}"

    def _one(self, letter: str) -> AnswerChoice:
        found = {one.letter: one for one in self.answers}
        if letter not in found:
            raise LessonError(f"Question {self.name} has no answer {letter!r}.", remedy=f"Answer {', '.join(found)}.")
        return found[letter]

    def __str__(self) -> str:
        lines = [f"{one.letter}  {one.says}" for one in self.answers]
        return "\n".join([self.ask, *lines, f'Answer with hfft.quiz("{self.name}").answer("a"), "b" ...'])

    def to_html(self) -> Markup:
        """The question, without a word about which answer is right."""
        return views.asked(self.ask, [(one.letter, one.says) for one in self.answers])
