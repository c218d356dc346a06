"""The training's own held-out questions, asked of the file: the only check that sees a wrong base of the same shape."""

from hfft_widgets.scripts.gguf.subprocess_steps import StepFailedError, say

BEGINNING = 8  # words: rounding alone makes long answers part ways later on, another model parts at once
# The share of answers that may begin otherwise. 16 bits change nothing but ties between two tokens; fewer bits change
# answers of which the model was not sure. Another base answers hardly any question with the same words.
MOST_OTHER = {"F16": 0.15, "LoRA": 0.15, "BF16": 0.15, "Q8_0": 0.15, "Q6_K": 0.2, "Q5_K_M": 0.25, "Q5_K_S": 0.25}
MOST_OTHER_SMALL = {"Q4": 0.4, "IQ4": 0.4, "Q3": 0.6, "IQ3": 0.6}  # Q2_K may change them all
BROKEN = 10  # one answer of so many may be empty or endless where the trained model's is not
TIE = 0.5  # nats: a token so much less likely than the likeliest, six to ten, may as well have been said
ENDED = 0.8  # of the longest answer: a shorter one of the trained model came to its own end
RIGHT_LOST = 0.01  # how unlikely a loss of right answers may be if it were chance


def compare_answers(copy, questions, longest, quantization):
    """Ask the file, and judge what it says: see `ask_all` and `judge`."""
    answers = ask_all(copy, questions, longest)
    return judge(questions, answers, quantization, ties(copy, questions, answers))


def ask_all(copy, questions, longest):
    """The file's greedy answers, as long as the trained model's could be; None for one without an end.

    An answer has none if it takes more than the trained model's, by the room that was left there.

    Args:
        copy: The loaded file.
        questions: Rows of the training's `answers` event, with the rendered text in `asked`.
        longest: Tokens of the longest answer.
    """
    answers = []
    for number, row in enumerate(questions):
        say(share=0.6 + 0.4 * number / len(questions), message=f"Held-out question {number + 1} of {len(questions)}")
        answer, stopped = copy.answer(row["asked"], longest)
        ended = len(copy.ids(row["after"])) < ENDED * longest
        answers.append(answer if stopped or not ended else None)
    return answers


def ties(copy, questions, answers):
    """Numbers of those answers that begin with other words only because the trained model's are nearly as likely.

    What a short training leaves open is a toss-up, which any rounding turns. In another model the trained one's words
    are not among the likely ones.
    """
    pairs = enumerate(zip(questions, answers, strict=True))
    return {
        number for number, (row, answer) in pairs
        if answer and not begins_alike(answer, row["after"]) and nearly_says(copy, row["asked"], row["after"])
    }  # fmt: skip


def nearly_says(copy, asked, answer):
    """Whether no token of an answer's beginning is clearly less likely in the file than another would be."""
    ids = copy.ids(asked, as_server=True)
    whole = copy.ids(asked + " ".join(answer.split(" ")[:BEGINNING]), as_server=True)
    start = next((at for at, pair in enumerate(zip(ids, whole, strict=False)) if pair[0] != pair[1]), len(ids))
    fits = start < len(whole) < copy.model.n_ctx_train
    return fits and all(lost <= TIE for lost in copy.losses(whole, start))


def judge(questions, answers, quantization, tied=()):
    """How the file's answers compare with the trained model's; refuses too many others, empty or endless ones.

    Args:
        questions: Rows of the training's `answers` event.
        answers: The file's; None for one without an end.
        quantization: Its type, which says how many may be others.
        tied: Numbers of those that count as alike, whatever their words: see `ties`.

    Returns:
        count, same (word for word), alike (the same beginning, or a tie), telling (with a word on either side: only
        these prove something), right and trained_right (equal to what was expected), and the answers themselves.
    """
    trained = [row["after"] for row in questions]
    endless = sum(answer is None for answer in answers)
    answers = ["" if answer is None else answer for answer in answers]
    silent = sum(bool(b.strip()) and not a.strip() for a, b in zip(answers, trained, strict=True)) - endless
    expected = [row["expected"] for row in questions]
    pairs = enumerate(zip(answers, trained, strict=True))
    alike = sum(number in tied or begins_alike(*pair) for number, pair in pairs)
    right, was_right = equal(answers, expected), equal(trained, expected)
    telling = sum(bool(a.strip() or b.strip()) for a, b in zip(answers, trained, strict=True))
    found = {
        "count": len(questions), "alike": alike, "right": sum(right), "trained_right": sum(was_right),
        "same": sum(equal(answers, trained)), "telling": telling, "answers": answers,
    }  # fmt: skip
    if silent + endless > len(questions) // BROKEN:
        raise other_answers(found, f"{silent} are empty and {endless} do not come to an end", quantization)
    others, most = len(questions) - alike, allowed(quantization, telling)
    if others > most:
        raise other_answers(found, f"{others} of {telling} begin with other words (allowed: {most})", quantization)
    lost = sum(was and not now for was, now in zip(was_right, right, strict=True))
    gained = sum(now and not was for was, now in zip(was_right, right, strict=True))
    if chance(lost, gained) < RIGHT_LOST:
        raise other_answers(found, f"{lost} right answers are lost and {gained} gained", quantization)
    return found


def other_answers(found, what, quantization):
    """The error for a file that does not answer as the trained model did."""
    small = quantization not in {"F16", "BF16", "Q8_0"}
    return StepFailedError(
        f"The {quantization} file does not answer as the trained model did: of its answers to the training's held-out "
        f"questions, {what}. Right: trained {found['trained_right']} of {found['count']}, file {found['right']}.",
        kind="VerificationError",
        remedy="Choose a quantization with more bits, such as Q8_0."
        if small
        else "Check that the base is the very model that was trained: one of the same shape merges without an error.",
    )


def allowed(quantization, count):
    """How many of so many answers with words may be others: one at least, for two tokens can be equally likely.

    Nearly the same weights must agree on one answer even so: what models without a word in common say proves nothing.
    """
    family = quantization.partition("_")[0]
    share = MOST_OTHER.get(quantization, MOST_OTHER_SMALL.get(family, 1.0))
    most = max(1, int(share * count))
    return most if share > MOST_OTHER["F16"] else min(most, max(count - 1, 0))


def begins_alike(one, other):
    """Whether two answers are the same, or begin with the same words where they are long."""
    ours, theirs = one.split(), other.split()
    return ours == theirs or (len(theirs) > BEGINNING and ours[:BEGINNING] == theirs[:BEGINNING])


def equal(some, others):
    """Which texts are the same as those beside them, blanks at the ends aside."""
    return [one.strip() == other.strip() for one, other in zip(some, others, strict=True)]


def chance(lost, gained):
    """How likely so many or more losses among all changes are if each could as well have been a gain (sign test)."""
    from math import comb

    changes = lost + gained
    return sum(comb(changes, k) for k in range(lost, changes + 1)) / 2**changes
