"""What a sentence asks for: a check, a plan, an export, or nothing.

A verb counts only where it is an order or a wish of its own: at the beginning of a clause, in the base form, and with
nothing before it that takes it back. What is doubted, negated, put off, reported or asked about is not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from hfft_widgets.sentence.draft import GAP, SIGNS, Draft
from hfft_widgets.sentence.orders import (
    ASIDE,
    CONTRAST,
    DATA,
    DEPENDS,
    EXPORT,
    GGUF,
    LATER,
    METHODS,
    NAME,
    NEGATED,
    ORDERS,
    PLAN,
    TAKEN_BACK,
    TRAINING,
    TRAINS,
    VALIDATE,
)
from hfft_widgets.sentence.words import any_of, pattern, whole

_SENTENCES = re.compile(r"[!?;\n]+|\.(?=\s|$|\W)")
_CLAUSES = pattern(r",|:(?=\s)|\(|\)|\b(?:but|and|or|then|so)\b|[\u2013\u2014]| - ")

# before a verb: whoever asks, politeness, and what it is done with; after an article it would be a noun ("the train")
_LEADING = any_of(
    r"please / pls / plz / kindly / now / also / first(?: of all)? / firstly / second(?:ly)? / next / finally /"
    r" afterwards /"
    r" later on / just / only / simply / then / and / or / so / to / i / we / want / would / like / love / need /"
    r" wish / hope /"
    r" plan(?=\s+to\b) / trying / try / going / am / i'm / we're / i'd / we'd / i'll / we'll / will / you / me /"
    r" us / let's / lets /"
    r" let / help / go / ahead / should / must / have / has / hey / hi / hello / ok / okay / yes / yeah / well /"
    r" instead / rather /"
    r" but / directly / quickly / again / (?:my|the|your) (?:goal|idea|plan|aim|task) is / it's time / time /"
    r" be able / use /"
    r" using / take / with / on / for / from / of / rows"
)
_LEAD = pattern(rf"(?:{_LEADING}(?!['\w-])|\b(?:{METHODS})\b|{NAME}|[\s{GAP}:*#'\"-]|\d+[.)]\s)[\s'\"]*")
_NEGATION = pattern(rf"(?:{NEGATED.pattern}|\b(?:ever|any|anything|anyone|nobody)\b)\s*")
# "use the ... skill to"
_TOOL = pattern(
    r"(?:the|an?|your|my)\s+(?:(?!not\b|never\b|no\b)[\w-]+\s+){0,6}?(?:skill|tool|trainer|plugin|server|widget|agent)s?\s+to\s+"
)
_LABELS = any_of(
    "task / todo / to do / request / goal / wish / job / next step / question / data ?sets? / data / model / method /"
    " config(?:uration)? / split / budget / base / where / following / do this"
)
_OWN_WORDS = pattern(rf"(?:{_LEAD.pattern}|(?:my |the |a )?{_LABELS}\s*)*")

_GREETING = r"(?:(?:so|and|ok|okay|hey|hi|hello|but|well|then|also|please)\b[\s,]*)*"
_QUESTION = pattern(
    _GREETING
    + any_of(
        "why / what / what's / whats / when / where / who / whose / how / which / is / are / was / were / am /"
        " did / does /"
        " do (?:i|you|we|they|my|the|these|those|it) / has / had / should / shall / must (?:i|we) / can / could /"
        " may i / will /"
        " would / any / have (?:i|you|we|they)"
    )
    + r"\b"
)
_POLITE = pattern(
    _GREETING + r"(?:can|could|would|will) you\b(?!\s+mind)(?:\s+(?:please|kindly|maybe|perhaps|quickly))*"
)
_HOW_MUCH = whole(
    "how (?:much|long|expensive|many (?:hours|minutes|dollars)) / is there an? (?:price|estimate) /"
    " what(?:'s| is| are|s| would be)? the (?:price|costs?|time|estimate|memory) /"
    " what (?:does|would|will|do)\\b.*\\b(?:cost|take)"
)
_PAST = whole("did / was / were / has / had / have been / so far / already / left / remaining")
_FITS = whole(
    "works? / fits? / suits? / suitable / ready / usable / used? / good / okay / ok / fine(?!-) / valid / trainable /"
    " enough / right /"
    " compatible / clean / correct / broken / trained? on / (?:fine[ -]?)?tuned? on / train / fine-?tune /"
    " problems? / issues? /"
    " wrong / errors? / hurt"
)
_WHICH = pattern(
    r"\b(?:which|what)(?:'s| is| are)?\s+(?:\w+\s+)?"
    r"(?:methods?|trainers?|rows?|problems?|issues?|wrong|errors?|can i (?:train|do) with|columns?)\b"
)
_ASKS = pattern(r"\W*(?:can|could|does|do|is|are|will|would|has|have|any)\b")
_OF_A_RUN = pattern(
    r"\b(?:my|the|our|this|that)\s+(?:last |current |latest )?"
    r"(?:run|job|training|model|gguf|gpu|export|machine|laptop|loss)\b"
)

# a note without a verb consists of nothing else
_NOTED = "a / an / the / of / for / with / in / to / and / from / my / our / please / pls / thanks / model"
_ALSO_NOTED = " / full / new / on / using / via / at / or / by / thx / data / dataset / rows / run / then"
_NOTE = pattern(rf"(?:{TRAINING}|{any_of(_NOTED + _ALSO_NOTED)}|w/|{NAME}|[\s,.:+&{GAP}-])*")
_GGUF_NOTE = pattern(rf"(?:{GGUF}|{any_of(_NOTED + ' / as / file / export / conversion')}|{NAME}|[\s,.:+&{GAP}-])*")
_AFTERWARDS = pattern(rf"\s*(?:push|upload|publish|save|send|put|store)\b[\w\s]*{NAME}?\s*$")


@dataclass(frozen=True)
class _Part:
    """A stretch of a sentence: its text, where it begins, and the marks around it."""

    text: str
    start: int
    mark: str = ""
    end_mark: str = ""


@dataclass
class Found:
    """What is asked for: step -> where its verb stands; and the clauses that say what shall not be."""

    asked: dict[str, tuple[int, int]] = field(default_factory=dict)
    negated: list[tuple[int, int]] = field(default_factory=list)

    def add(self, step: str, start: int, end: int) -> None:
        """The first place counts."""
        self.asked.setdefault(step, (start, end))

    def take_back(self, *steps: str) -> None:
        """Forget them; a check costs nothing and stays."""
        for step in steps:
            if step != VALIDATE:
                self.asked.pop(step, None)


def read_asked(draft: Draft) -> Found:
    """The steps that are asked for, in the order of the work."""
    found = Found()
    for sentence in _parts(draft.text, 0, _SENTENCES):
        _read_sentence(sentence, found)
    for taken in TAKEN_BACK.finditer(draft.text):
        found.take_back(*(step for step, (start, _) in found.asked.items() if start < taken.start()))
    found.asked = {step: found.asked[step] for step in (VALIDATE, PLAN, EXPORT) if step in found.asked}
    return found


def _parts(text: str, offset: int, marks: re.Pattern[str]) -> Iterator[_Part]:
    at, before = 0, ""
    for mark in marks.finditer(text):
        yield _Part(text[at : mark.start()], offset + at, before, mark[0])
        at, before = mark.end(), mark[0]
    yield _Part(text[at:], offset + at, before)


def _read_sentence(sentence: _Part, found: Found) -> None:
    lead = len(sentence.text) - len(sentence.text.lstrip())
    if polite := _POLITE.match(sentence.text, lead):
        sentence = _Part(sentence.text[polite.end() :], sentence.start + polite.end())
    elif _QUESTION.match(sentence.text.strip(f" {GAP}")):
        return _read_question(sentence, found)
    before = set(found.asked)
    held = False
    for clause in _parts(sentence.text, sentence.start, _CLAUSES):
        held = _read_clause(clause, held, found)
        if clause.end_mark == ":" and not _OWN_WORDS.fullmatch(clause.text):
            break  # what stands behind "ignore this:" is no order
    if set(found.asked) == before:
        _read_note(sentence, found)
    later, depends = LATER.search(sentence.text), DEPENDS.search(sentence.text)
    hangs_from = sentence.start + (depends.start() if depends else len(sentence.text))
    new = {step: start for step, (start, _) in found.asked.items() if step not in before}
    found.take_back(
        *(step for step, start in new.items() if later or start < hangs_from < sentence.start + len(sentence.text))
    )
    return None


def _read_clause(clause: _Part, held: bool, found: Found) -> bool:
    """Whether what follows is still negated."""
    verb = _verb(clause)
    start = verb[1] - clause.start if verb else len(clause.text)
    before = clause.text[:start]
    contrast = [mark.start() for mark in CONTRAST.finditer(before)]
    negated = NEGATED.search(before)
    held = held and not contrast and clause.mark.lower() != "but"
    held = held or (negated is not None and not any(at > negated.start() for at in contrast))
    if held and (negated or NEGATED.search(clause.text) or not verb or verb[0] != VALIDATE):
        found.negated.append((clause.start, clause.start + len(clause.text)))
    if verb and not (held and (negated or verb[0] != VALIDATE)):
        found.add(*verb)
    return held


def _verb(clause: _Part) -> tuple[str, int, int] | None:
    """The first order of a clause: its step, and where it stands; negations before it are judged by the caller."""
    text, at = clause.text, 0
    while True:
        for order in ORDERS:
            if verb := order.stands(text, at):
                aside = ASIDE.search(text[:at])
                return None if aside else (order.step, clause.start + verb.start(), clause.start + verb.end())
        lead = _LEAD.match(text, at) or _NEGATION.match(text, at) or _TOOL.match(text, at)
        if lead is None:
            return None
        at = lead.end()


def _read_question(sentence: _Part, found: Found) -> None:
    """Of questions those about cost, and about whether data can be used, are answered by a plan and by a check."""
    text, end = sentence.text, sentence.start + len(sentence.text)
    if how := _HOW_MUCH.search(text):
        if TRAINS.search(text) and not _PAST.search(text):
            found.add(PLAN, sentence.start + how.start(), sentence.start + how.end())
        return
    if _OF_A_RUN.search(text) or _PAST.match(text.lstrip()):
        return
    about = _WHICH.search(text) or (_ASKS.match(text) and _FITS.search(text))
    if about and DATA.search(text) and re.search(rf"{NAME}|\bdata", text, re.IGNORECASE):
        found.add(VALIDATE, end, end)


def _read_note(sentence: _Part, found: Found) -> None:
    """Without a verb, like a note: "qwen3 0.6b sft on my-org/faq please"; no word of it may be left over."""
    parts = [part for part in _parts(sentence.text, 0, _CLAUSES) if not _AFTERWARDS.match(part.text)]
    note, named = "".join(part.mark + part.text for part in parts), rf"[{SIGNS}]"
    if re.search(rf"\b{TRAINING}\b", note, re.IGNORECASE) and re.search(named, note) and _NOTE.fullmatch(note):
        found.add(PLAN, sentence.start, sentence.start)
    elif re.search(GGUF, note, re.IGNORECASE) and re.search(rf"{named}|\bmodel\b", note) and _GGUF_NOTE.fullmatch(note):
        found.add(EXPORT, sentence.start, sentence.start)
