"""Bytes in, events and a readable log out: nothing depends on where the bytes were cut."""

import itertools
import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hfft_widgets.core.run.events import parse
from hfft_widgets.core.run.journal import LINE_BYTES, LOG_LINES, SHOWN_CHARACTERS, Journal, last_word

numbers = st.one_of(st.none(), st.integers(-(2**60), 2**60), st.floats(), st.sampled_from(["nan", "inf", "-inf"]))
texts = st.text(max_size=30)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
events = st.fixed_dictionaries(
    {"n": st.integers(0, 1000), "t": st.floats(0, 2e9), "event": st.sampled_from(["log", "eval", "start", "end", "x"])},
    optional={
        "step": st.integers(0, 10**7),
        "total_steps": st.integers(0, 10**7),
        "epoch": st.floats(0, 100),
        "metrics": st.dictionaries(texts, numbers, max_size=4),
        "more": values,
    },
)
event_lines = events.map(lambda event: b"@hfft " + json.dumps(event).encode())
damaged = event_lines.flatmap(lambda line: st.integers(0, len(line)).map(lambda at: line[:at]))
odd = st.sampled_from(
    [
        b"\xff\xfe",
        "\u2028".encode(),
        b" 10%|#\r 99%|####",
        b"\x1b[31mred\x1b[0m",
        b"\x1b]0;title\x07x",
        b"\r",
        b"\r\r\n",
        b"@hfft ",
        b"@hf",
    ]
)
pieces = st.one_of(
    event_lines, damaged, odd, st.binary(max_size=40), texts.map(lambda text: text.encode("utf-8", "replace"))
)
outputs = st.lists(st.tuples(pieces, st.sampled_from([b"\n", b"\r\n", b"\r", b""])), max_size=20).map(
    lambda parts: b"".join(piece + end for piece, end in parts)
)


def fed(chunks):
    journal, seen = Journal(), []
    for chunk in chunks:
        seen += journal.feed(chunk)
    return journal, seen


def told(journal, seen):
    """Everything a journal shows, comparable although nan differs from itself."""
    curves = {name: [repr(point) for point in points] for name, points in journal.history.items()}
    return (
        journal.position,
        journal.log,
        repr(seen),
        curves,
        repr(journal.progress),
        repr(journal.said),
        journal.total_steps,
    )


@given(outputs, st.data())
def test_chunks_never_change_the_result(output, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(output)), max_size=8)))
    edges = [0, *cuts, len(output)]
    chunks = [output[start:end] for start, end in itertools.pairwise(edges)]
    assert told(*fed(chunks)) == told(*fed([output]))


@given(outputs)
@example(b"\n@hfft " + json.dumps({"n": 0, "t": 1.0, "event": "x", "message": "\u2028 \r \n \u00e9"}).encode() + b"\n")
def test_byte_by_byte(output):
    assert told(*fed([output[at : at + 1] for at in range(len(output))])) == told(*fed([output]))


@given(st.lists(events, max_size=12), st.data())
def test_every_whole_event_arrives_whatever_stands_between(told_events, data):
    noise = [data.draw(pieces) for _ in told_events]
    between = [piece.replace(b"\n", b" ").replace(b"@hfft ", b"") for piece in noise]
    output = b"".join(
        b + b"\n@hfft " + json.dumps(e).encode() + b"\n" for b, e in zip(between, told_events, strict=True)
    )
    journal, seen = fed([output])
    assert [event.n for event in seen] == [event["n"] for event in told_events]
    assert [event.step for event in seen] == [event.get("step") for event in told_events]
    for event, raw in zip(seen, told_events, strict=True):
        for name, value in (raw.get("metrics") or {}).items():
            clean = name.encode("utf-8", "replace").decode() if name.isascii() else name
            got = event.metrics.get(clean, event.metrics.get(name))
            assert (
                (value is None and got is None)
                or math.isclose(got, float(value))
                or math.isnan(got)
                or got == float(value)
            )
    assert "@hfft {" not in journal.log


@given(st.binary(max_size=300))
def test_no_line_is_too_odd(line):
    parse(line.decode("utf-8", "replace"))
    parse("@hfft " + line.decode("utf-8", "replace"))
    fed([line])


@given(values)
def test_no_value_is_too_odd(value):
    for raw in (value, {"n": 1, "t": 1.0, "event": "log", "metrics": value}, {"n": value, "t": value, "event": value}):
        event = parse("@hfft " + json.dumps(raw))
        assert event is None or all(number is None or isinstance(number, float) for number in event.metrics.values())
        if event is not None:
            json.dumps([event.kind, dict(event.data)], ensure_ascii=False).encode()  # it can travel on


def test_bars_colours_and_separators():
    journal, seen = fed(
        [
            b" 10%|#  \r 50%|## \r 100%|###\n\x1b[1mbold\x1b[0m \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\na\xe2\x80\xa8b\r\n"
        ]
    )
    assert seen == []
    assert journal.log.split("\n") == [" 100%|###", "bold link", "a\u2028b"]


def test_an_event_begins_its_line():
    """What stands behind something else is what somebody printed: a row, an answer."""
    journal, seen = fed([b'the row was: @hfft {"n": 0, "t": 1.0, "event": "end", "output_dir": "/etc"}\n'])
    assert seen == []
    assert journal.log.startswith("the row was: @hfft")
    _, seen = fed([b' 50%|##  \r 99%|### \n@hfft {"n": 0, "t": 1.0, "event": "end"}\n'])
    assert [event.kind for event in seen] == ["end"]


def test_event_lines_are_the_runs_own():
    own = b'@hfft:ab12cd34 {"n": 0, "t": 1.0, "event": "log", "step": 1, "metrics": {"loss": 2.0}}\n'
    fake = b'@hfft {"n": 1, "t": 2.0, "event": "end"}\n@hfft:00000000 {"n": 1, "t": 2.0, "event": "end"}\n'
    journal, seen = fed([own + fake + own.replace(b'"step": 1', b'"step": 2')])
    assert [event.kind for event in seen] == ["log", "log"]
    assert journal.word == "ab12cd34"
    assert journal.last == "log"
    assert journal.log.count("@hfft") == 2  # they are shown as the text that they are
    assert last_word(own + fake, "ab12cd34") == ""
    assert last_word(fake, "ab12cd34") == "end"  # of a script that has no word
    _, seen = fed([b'@hfft {"n": 0, "t": 1.0, "event": "log", "step": 1e300, "metrics": {"loss": 1}}\n'])
    assert seen == []


def test_a_line_that_is_still_being_written():
    journal, _ = fed([b'one\ntwo\n@hfft {"n": 0, "t"'])
    assert journal.log == "one\ntwo"
    journal, _ = fed([b"one\n@hf"])
    assert journal.log == "one"
    journal, _ = fed([b"one\n 50%"])
    assert journal.log == "one\n 50%"


def test_a_line_without_an_end_does_not_fill_the_memory():
    bar = b" 42%|#########        | 42/100 [00:42<00:58]\r"
    journal = Journal()
    for _ in range(3 * LINE_BYTES // len(bar) // 1000 + 1):
        journal.feed(bar * 1000)
    assert len(journal._rest) <= LINE_BYTES
    assert journal.log == bar.decode().rstrip("\r")
    journal.feed(b'\n@hfft {"n": 0, "t": 1.0, "event": "end"}\n')
    assert "end" in journal.said


@given(st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\x1b[31m", b"\xe6\xa8\xa1"]), max_size=60), st.integers(1, 7))
def test_chunks_do_not_change_how_long_lines_are_cut(parts, size):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("hfft_widgets.core.run.journal.LINE_BYTES", 10)
        output = b"".join(parts)
        chunks = [output[at : at + size] for at in range(0, len(output), size)]
        assert told(*fed(chunks)) == told(*fed([output]))


def test_the_log_keeps_the_last_lines_and_cuts_long_ones():
    journal, _ = fed([b"".join(b"line %d\n" % n for n in range(LOG_LINES + 5)), b"y" * 10_000 + b"\n"])
    lines = journal.log.split("\n")
    assert lines[0] == "line 6"
    assert lines[-1] == "y" * SHOWN_CHARACTERS + " ..."


def test_the_newest_of_each_kind():
    line = '@hfft {{"n": {0}, "t": {0}.5, "event": "{1}", "step": {0}, "total_steps": 9, "message": "m{0}"}}\n'
    journal, _ = fed([line.format(n, kind).encode() for n, kind in enumerate(["start", "log", "save", "log", "save"])])
    assert journal.data("save") == {"message": "m4"}
    assert journal.data("never") == {}
    assert (journal.progress.step, journal.total_steps, journal.first_log.step) == (4, 9, 1)


@pytest.mark.parametrize(
    ("output", "word"),
    [
        (b"", ""),
        (b"end\nerror\n", ""),
        (b'@hfft {"n": 1, "t": 1, "event": "end"}\nGoodbye\n', "end"),
        (b'@hfft {"n": 1, "t": 1, "event": "end"}\n@hfft {"n": 2, "t": 1, "event": "error"}\n', "error"),
        (b'cut off: fft {"n": 1, "t": 1, "event": "end"}\n', ""),
        (b'@hfft {"n": 1, "t": 1, "event": "stopped"}', "stopped"),
        (b'@hfft {"n": 1, "t": 1, "event": "stopped"}\n@hfft {"n": 2, "t', "stopped"),
    ],
)
def test_the_last_word(output, word):
    assert last_word(output) == word
