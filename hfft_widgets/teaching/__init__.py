"""The course: lessons with questions, exercises that judge results, a glossary, a board for the teacher. All offline.

hfft.quiz("data-1")                     # a question, with buttons
hfft.check("data-ex1", report)          # what is still wrong with a result
hfft.glossary("loss mask")
hfft.teaching.class_code("data")        # what was answered, without a name
hfft.teaching.board(["1A2B3-C4D5E"])    # for the teacher: which belief is in the room
"""

import hfft_widgets.teaching.lessons  # noqa: F401 - first: a module that is loaded later would take the name of a function
from hfft_widgets.teaching.before_after import gain
from hfft_widgets.teaching.board import board
from hfft_widgets.teaching.capstone import hand_in
from hfft_widgets.teaching.checks import check
from hfft_widgets.teaching.codes import class_code
from hfft_widgets.teaching.concepts import concepts
from hfft_widgets.teaching.glossary import glossary
from hfft_widgets.teaching.progress import forget
from hfft_widgets.teaching.source import lesson, lessons
from hfft_widgets.teaching.tables import other_questions, quantizations

__all__ = [
    "board",
    "check",
    "class_code",
    "concepts",
    "forget",
    "gain",
    "glossary",
    "hand_in",
    "lesson",
    "lessons",
    "other_questions",
    "quantizations",
]
