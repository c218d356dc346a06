"""Questions with buttons, and the end of a lesson."""

from __future__ import annotations

from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.teaching import class_code
from hfft_widgets.teaching import lesson as lesson_of
from hfft_widgets.teaching.before_after import WHEN, questions_of
from hfft_widgets.teaching.progress import follow, keep, kept
from hfft_widgets.teaching.questions import Feedback, Question
from hfft_widgets.teaching.source import Lesson
from hfft_widgets.widgets.form import actions
from hfft_widgets.widgets.panel import Panel, report_errors
from hfft_widgets.widgets.teaching.asking import ask_card, closing_card
from hfft_widgets.widgets.teaching.kernel import end_kernel

_FREED = (
    "The memory is free. JupyterLab may say that the kernel has died, and starts an empty one: that is what you asked "
    "for. Close this notebook. To come back, run it from the start."
)


class QuizPanel(Panel):
    """Questions to be answered by a click, or by `answer`. `result` is the last reply.

    Args:
        questions: One question, or several.
        judged: Whether it is said at once what is right. The questions before the course are not judged.
    """

    title = "Question"
    can_stop = False

    def __init__(self, questions: tuple[Question, ...], *, judged: bool = True) -> None:
        super().__init__()
        self.questions = {one.name: one for one in questions}
        self.judged = judged
        self._replies: dict[str, Feedback] = {}
        self._hints: set[str] = set()
        self._solved: set[str] = set()
        self.can("answer", self._clicked)
        self.can("hint", self._show_hint)
        self.can("solution", self._show_solution)

    @report_errors
    def answer(self, letter: str, question: str = "") -> Feedback:
        """Answer by its letter; where there are several questions, that of the given name.

        Raises:
            LessonError: There is no such answer.
        """
        one = self._question(question)
        reply = one.answer(letter)
        if reply.letter:
            keep(kept().with_answer(one.name, reply.letter))
        if not self.judged and reply.letter:
            reply = Feedback(one.name, "noted", "After the course you will see what is right.", reply.letter)
        self._replies[one.name] = self.result = reply
        return reply

    def hint(self, question: str = "") -> str:
        """What to look at, without the answer."""
        return self._question(question).hint

    def solution(self, question: str = "") -> str:
        """The right answer and why: for who asks for it."""
        return self._question(question).solution()

    def body(self) -> Markup:
        """The questions, one under the other."""
        return join(self._card(one) for one in self.questions.values())

    def html(self) -> Markup:
        """A question has no bar at its foot: what is said to an answer stands under it."""
        return self.body()

    def report(self) -> Markup:
        """What stays in a saved notebook: what was asked, and nothing of what was answered."""
        return join(one.to_html() for one in self.questions.values())

    def __repr__(self) -> str:
        return "\n\n".join(str(one) for one in self.questions.values())

    def _card(self, one: Question) -> Markup:
        hinted, solved = one.name in self._hints, one.name in self._solved
        more = (one.hint if hinted else "", one.solution() if solved else "")
        return ask_card(self.form, one, self._replies.get(one.name), *more, judged=self.judged)

    def _question(self, name: str) -> Question:
        return self.questions[name] if name else next(iter(self.questions.values()))

    def _clicked(self, value: str) -> None:
        question, _, letter = value.rpartition(" ")
        self.answer(letter, question)

    def _show_hint(self, name: str) -> None:
        self._hints.add(name)

    def _show_solution(self, name: str) -> None:
        self._solved.add(name)


class LessonEnd(Panel):
    """The end of a lesson: what was done, the class code, and a button that frees the memory of its notebook.

    Args:
        lesson: The lesson.
    """

    title = "Done"
    can_stop = False

    def __init__(self, lesson: Lesson) -> None:
        super().__init__()
        self.lesson = lesson
        self.ended = False
        self.can("free", self.free, always=True)
        follow(self)

    @property
    def code(self) -> str:
        """The class code as it is now."""
        return class_code(self.lesson.name)

    def free(self) -> None:
        """End this notebook's kernel, so that the memory is free for the next lesson."""
        self.ended = True
        self.refresh()
        end_kernel()

    def body(self) -> Markup:
        """What was done, the code, the button."""
        return closing_card(self.lesson, kept(), self.code, self._buttons())

    def html(self) -> Markup:
        """Nothing comes next here: no bar at the foot."""
        return self.body()

    def report(self) -> Markup:
        """What stays in a saved notebook: that the lesson has an end."""
        return el("p", f"End of the lesson {self.lesson.title}")

    def __repr__(self) -> str:
        return f"Class code of {self.lesson.title}: {self.code}"

    def _buttons(self) -> Markup:
        if self.ended:
            return el("p", _FREED)
        return actions(self.form.button("Free this notebook's memory", "free", primary=True))


def quiz(name: str) -> QuizPanel:
    """A question of a lesson, with buttons; without widgets: `quiz("data-1").answer("b")`.

    Args:
        name: A question, e.g. "data-1"; a lesson, for all its questions; "before" or "after", for the eight questions
            around the course.

    Raises:
        LessonError: There is no such question; the message names those that are there.
    """
    if name in WHEN:
        return QuizPanel(questions_of(name), judged=name == "after")
    return QuizPanel(lesson_of(name).asked(name))


def lesson_end(name: str) -> LessonEnd:
    """The end of a lesson: the class code, and a button that frees its memory.

    Args:
        name: The lesson, e.g. "data".

    Raises:
        LessonError: There is no such lesson.
    """
    return LessonEnd(lesson_of(name))
