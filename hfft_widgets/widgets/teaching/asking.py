"""A question's card, and that of the end of a lesson."""

from __future__ import annotations

from hfft_widgets.cards.parts import card, copy_button
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.units import plural
from hfft_widgets.teaching import views
from hfft_widgets.teaching.progress import Answered
from hfft_widgets.teaching.questions import Feedback, Question
from hfft_widgets.teaching.source import Lesson
from hfft_widgets.widgets.form import Form, actions


def ask_card(
    form: Form, question: Question, reply: Feedback | None, hint: str, solution: str, *, judged: bool = True
) -> Markup:
    """A question with a button per answer, and under them what is said to the one that was clicked.

    Args:
        form: The panel's.
        question: What is asked.
        reply: What was said to the last answer; None: nothing was answered yet.
        hint: What to look at; "" until it is asked for.
        solution: The right answer; "" until it is asked for.
        judged: Whether it is said what is right.
    """
    given = question.answer() if reply is None else reply
    answers = [
        el(
            "li",
            el(
                "button", el("b", one.letter), " ", one.says, type="button", class_="hfft-button answer-choice",
                data_do=f"{form.prefix}answer", data_value=f"{question.name} {one.letter}",
                aria_pressed="true" if given.letter == one.letter else "false",
            ),
            data_key=f"{question.name} {one.letter}",
        )
        for one in question.answers
    ]  # fmt: skip
    help_ = (
        []
        if not judged
        else [
            None if hint else form.button("Hint", "hint", value=question.name, quiet=True),
            None if solution else form.button("Show the solution", "solution", value=question.name, quiet=True),
        ]
    )
    more = [el("p", el("b", words), said) for words, said in (("Hint: ", hint), ("Solution: ", solution)) if said]
    said = join([views.line(given.state, given.words), more, actions(*help_) if any(help_) else None])
    return card(
        question.ask, None, None, el("ul", answers, class_="answer-choices"), said, label=f"Question {question.name}"
    )


def closing_card(lesson: Lesson, progress: Answered, code: str, buttons: Markup) -> Markup:
    """What was done in a lesson, its class code, and the buttons."""
    answered = sum(one.name in progress.answers for one in lesson.questions)
    done = sum(one.name in progress.done for one in lesson.exercises)
    words = f"{answered} of {plural(len(lesson.questions), 'question')} answered, "
    words += f"{done} of {plural(len(lesson.exercises), 'exercise')} done"
    said = el("p", "Class code: ", el("code", code), " ", copy_button(code))
    why = "It holds your answers and no name. A teacher can ask for it, to see what to explain again."
    return card(f"End of: {lesson.title}", words, None, join([said, el("p", why, class_="sub")]), buttons,
                label=f"End of the lesson {lesson.title}")  # fmt: skip
