"""The board names the beliefs in the room, the most common first, from codes alone."""

from __future__ import annotations

from hfft_widgets import teaching
from hfft_widgets.teaching.codes import class_code
from hfft_widgets.teaching.progress import Answered
from hfft_widgets.teaching.source import lesson


def code(**answers: str) -> str:
    return class_code("data", Answered({f"data-{name[1:]}": tuple(given) for name, given in answers.items()}))


def test_the_most_common_belief_stands_first():
    made = teaching.board([code(q1="bc", q5="b"), code(q1="c", q5="b"), code(q5="ad"), "no code"])
    (one,) = made.to_dict()["lessons"]
    question = lesson("data").questions[4]
    believed = {answer.letter: answer.thinks for answer in question.answers}
    assert [(b["thinks"], b["count"], b["of"]) for b in one["beliefs"][:1]] == [(believed["b"], 2, 3)]
    assert {b["question"] for b in one["beliefs"]} == {"data-1", "data-5"}
    first = one["questions"][0]
    assert (first["answered"], first["ended_right"]) == (2, 2)
    assert one["codes"] == 3
    assert len(made.unread) == 1
    assert believed["b"] in str(made)
    html = made._repr_html_()
    assert believed["b"] in html
    assert "2 of 3" in html
    assert "no class code" in html


def test_a_room_without_a_wrong_answer():
    made = teaching.board([code(q1="c")])
    assert "No wrong answer was given." in str(made)
    assert "No wrong answer was given." in made._repr_html_()


def test_lessons_stand_in_the_order_of_the_course():
    both = teaching.board([class_code("before"), code(q1="c")])
    assert [one["title"] for one in both.lessons] == [lesson("data").title, "Eight questions, before the course"]
