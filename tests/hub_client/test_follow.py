import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hfft_widgets.hub.jobs_api import JobsApi
from hfft_widgets.hub.outcomes import HubRefusedError
from hfft_widgets.hub.streams.events import Cursor, Replay, log_events, payloads, text_bytes
from hfft_widgets.hub.streams.follow import LogFollower, Outcome
from hfft_widgets.hub.streams.metrics import MetricsFollower
from hfft_widgets.hub.token import find_token
from tests.hub_client.schedules import RHYTHM, line, run_schedule, summary
from tests.jobs.conftest import until
from tests.standin_hub import rate_limited


@pytest.fixture
def api(hub):
    found = JobsApi(find_token())
    yield found
    found.wire.close()


def follower(api, job, cursor=None, **more):
    parts, cursors = [], []
    made = LogFollower(
        api.wire,
        "user",
        job.id,
        deliver=lambda data, at: (parts.append(data), cursors.append(at)),
        ended=lambda: api.inspect("user", job.id).final,
        cursor=cursor,
        rhythm=RHYTHM,
        **more,
    )
    return made, parts, cursors


def text(lines):
    return ("\n".join(lines) + "\n").encode()


# ---- Events -----------------------------------------------------------------------------------


def test_lines_end_at_line_feeds_alone_wherever_chunks_are_cut():
    events = [("T1", "a\u2028b"), ("T2", "c\u0085d"), ("T3", 'e"\\{'), ("T4", "\u20ac")]
    body = b"".join(
        b"data: " + json.dumps({"data": text, "timestamp": at}, ensure_ascii=False).encode() + b"\n\n"
        for at, text in events
    )
    body = b": keep-alive\n\nevent: x\n" + body + b'data: {"data": "cut'
    for size in (1, 2, 3, 7, len(body)):
        chunks = [body[at : at + size] for at in range(0, len(body), size)]
        assert [event for found in payloads(chunks) for event in log_events(found)] == events


def test_damaged_events_are_kept_as_text():
    assert log_events([b' {"data": 5, "timestamp": "T"}', b' {"data": null, "timestamp": 7}']) == [
        ("T", "5"),
        ("7", "null"),
    ]
    found = [b' {"data": 5}', b"nonsense", b' ["x"]', b' {"timestamp": "T", "data": "\\ud800"}', b" " + b"[" * 5000]
    events = log_events(found)
    assert [event[1] for event in events][:4] == ["5", "nonsense", "['x']", "\ud800"]
    assert text_bytes(events).count(b"\n") == 5


def replay(cursor, events, size=3):
    found = Replay(cursor)
    fresh = [event for at in range(0, len(events), size) for event in found.take(events[at : at + size])]
    return fresh, found.cursor


def numbered(start, stop):
    return [
        (f"2026-11-22T10:00:{index // 1000:02d}.{index % 1000:03d}Z", f"line {index}") for index in range(start, stop)
    ]


def test_a_replay_goes_on_by_index():
    log = numbered(0, 50)
    fresh, cursor = replay(Cursor(), log[:20])
    assert fresh == log[:20]
    assert replay(cursor, log[:9]) == ([], cursor)
    assert replay(cursor, log)[0] == log[20:]


def test_a_replay_without_its_beginning_goes_on_by_time():
    log = numbered(0, 60)
    _, cursor = replay(Cursor(), log[:20])
    fresh, later = replay(cursor, log[11:40])
    assert fresh == log[20:40]
    assert replay(later, log[11:60])[0] == log[40:]  # by index in the new numbering
    assert replay(later, log[45:60])[0] == log[45:]  # what the server dropped is gone, nothing else
    same = [("T", str(index)) for index in range(9)]
    _, cursor = replay(Cursor(), same[:4])
    assert replay(cursor, same[2:])[0] == same[4:]


POINTS = [
    ("T1", '@hfft {"n": 1}'),
    ("T2", "{'loss': '5.72'}"),
    ("T3", "\r 50%|#  |\r   \r{'loss': '5.5'}"),
    ("T4", "end"),
]


def test_a_point_that_is_sent_twice_is_taken_once():
    twice = [event for event in POINTS for _ in range(2)]
    for size in (1, 2, 3, 40):
        fresh, cursor = replay(Cursor(), twice, size)
        assert fresh == [*POINTS, POINTS[-1]]
        assert replay(cursor, POINTS + numbered(20, 30))[0] == numbered(20, 30)


def test_a_line_that_is_printed_twice_at_once_is_taken_twice():
    blank = [("T1", "a"), ("T2", ""), ("T2", ""), ("T2", ""), ("T3", "b"), ("T3", "b")]
    for size in (1, 2, 3, 40):
        assert replay(Cursor(), blank, size)[0] == blank
        for cut in range(len(blank) + 1):  # a connection that broke between them
            fresh, cursor = replay(Cursor(), blank[:cut], size)
            assert fresh == blank[:cut]
            again, cursor = replay(cursor, blank, size)
            assert fresh + again == blank
            assert replay(cursor, [*blank[1:], ("T4", "c")], size)[0] == [("T4", "c")]  # and one without its beginning


def test_lines_printed_twice_in_front_of_a_broken_connection(hub, api):
    lines = ["a", "", "", "", "b", "b"]
    job = hub.jobs.add(lines, stage="COMPLETED")
    job.log.at_once = 100
    for skip, cut in enumerate((3, 4, 5, 6)):  # after the header
        hub.fault("/logs$", skip=2 * skip, short_replay=cut)
    made, parts, _ = follower(api, job)
    assert made.run() is Outcome.COMPLETE
    assert b"".join(parts) == text(lines)


def test_a_stream_that_stays_open_after_the_end(hub, api, monkeypatch):
    monkeypatch.setattr("hfft_widgets.hub.streams.follow._SILENT_SECONDS", 0.2)
    hub.state.jobs.keep_alive_seconds = 0.05
    hub.fault("/logs$", stays_open=True, times=None)
    for lines in ([], ["a"], [line(n) for n in range(50)]):
        job = hub.jobs.add(lines)
        made, parts, _ = follower(api, job)
        thread = threading.Thread(target=made.run, daemon=True)
        thread.start()
        time.sleep(0.3)
        job.set_stage("COMPLETED")
        thread.join(20)
        assert not thread.is_alive()
        assert b"".join(parts) == (text(lines) if lines else b"")


def test_a_log_that_is_not_there_yet(hub, api):
    job = hub.jobs.add(["a"])
    hub.fault("/logs$", status=404, times=3)
    made, parts, _ = follower(api, job)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    time.sleep(0.1)
    job.set_stage("COMPLETED")
    thread.join(20)
    assert b"".join(parts) == b"a\n"


# ---- One job ----------------------------------------------------------------------------------


def test_a_finished_log_comes_whole_through_drops_and_short_replays(hub, api):
    job = hub.jobs.add([line(n) for n in range(200)], stage="COMPLETED")
    for skip, fault in enumerate(({"drop_after": 4}, {"short_replay": 4}, {"short_replay": 9}, {"status": 503})):
        hub.fault("/logs$", skip=skip, **fault)
    made, parts, _ = follower(api, job)
    assert made.run() is Outcome.COMPLETE
    assert b"".join(parts) == text([line(n) for n in range(200)])


def test_it_goes_on_in_another_process(hub, api):
    lines = [line(n) for n in range(300)]
    job = hub.jobs.add(lines)
    job.show(120)
    made, parts, cursors = follower(api, job)
    thread = threading.Thread(target=made.run)
    thread.start()
    deadline = time.monotonic() + 10
    while b"".join(parts).count(b"\n") < 120 and time.monotonic() < deadline:
        time.sleep(0.01)
    made.stop()
    thread.join(5)
    job.show(300)
    job.set_stage("COMPLETED")
    cursor = Cursor(**json.loads(json.dumps(vars(cursors[-1]))))
    again, rest, _ = follower(api, job, cursor)
    assert again.run() is Outcome.COMPLETE
    assert b"".join(parts + rest) == text(lines)


def test_the_beginning_of_the_log_is_dropped_by_the_server(hub, api):
    lines = [line(n) for n in range(300)]
    job = hub.jobs.add(lines)
    job.show(150)
    hub.fault("/logs$", stall_after=151)
    made, parts, _ = follower(api, job)
    thread = threading.Thread(target=made.run)
    thread.start()
    deadline = time.monotonic() + 10
    while b"".join(parts).count(b"\n") < 150 and time.monotonic() < deadline:
        time.sleep(0.01)
    job.log.first = 100
    job.show(300)
    job.set_stage("COMPLETED")
    thread.join(20)
    assert b"".join(parts) == text(lines)


def test_the_tail_comes_at_once_and_tells_when_all_is_there(hub, api):
    job = hub.jobs.add(line, count=20_000)
    made, parts, _ = follower(api, job)
    tail = made.tail()
    assert [entry.query for entry in hub.journal if entry.path.endswith("/logs")] == ["tail=1000"]
    assert tail.text == text([line(n) for n in range(19_000, 20_000)])
    assert not made.caught_up
    thread = threading.Thread(target=made.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not made.caught_up and time.monotonic() < deadline:
        time.sleep(0.01)
    while b"".join(parts).count(b"\n") < 20_000 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert b"".join(parts).count(b"\n") == 20_000
    made.stop()
    thread.join(5)


@pytest.mark.parametrize("where", ["silent stream", "no answer yet", "between tries"])
def test_stopping_takes_no_time(hub, api, where):
    job = hub.jobs.add(["a"])
    if where == "no answer yet":
        hub.fault("/logs$", delay=30, times=None)
    if where == "between tries":
        hub.fault("/logs$", times=None, **rate_limited(60))
    made, _, _ = follower(api, job)
    made._rhythm = type(RHYTHM)(read_seconds=30)
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(made.run()))
    thread.start()
    until(lambda: any(entry.path.endswith("/logs") for entry in hub.journal))
    time.sleep(0.1)
    made.stop()
    thread.join(15)  # what it waits for takes 30 s and more; how long a stop takes, the schedules measure
    assert outcome == [Outcome.STOPPED]


def test_the_hub_is_asked_to_wait_no_less_than_it_says(hub, api):
    job = hub.jobs.add(["a"], stage="COMPLETED")
    hub.fault("/logs$", **rate_limited(1))
    made, parts, _ = follower(api, job)
    began = time.monotonic()
    assert made.run() is Outcome.COMPLETE
    assert time.monotonic() - began >= 1
    assert b"".join(parts) == b"a\n"


def test_a_log_that_may_not_be_read(hub, api):
    job = hub.jobs.add(["a"])
    hub.fault("/logs$", status=403, times=None)
    made, _, _ = follower(api, job)
    with pytest.raises(HubRefusedError):
        made.run()


def test_a_log_that_never_comes_is_given_up_after_the_end_of_the_job(hub, api):
    job = hub.jobs.add(["a", "b"], stage="COMPLETED")
    hub.fault("/logs$", short_replay=2, times=None)
    hub.fault("/logs$", status=500, skip=3, times=None)
    made, parts, _ = follower(api, job)
    assert made.run() is Outcome.INCOMPLETE
    assert b"".join(parts) == b"a\n"


def test_use_is_told_while_the_job_runs(hub, api):
    hub.jobs.metrics_seconds = 0.05
    job = hub.jobs.add([], flavor="t4-small")
    got = []
    made = MetricsFollower(api.wire, "user", job.id, deliver=got.append, ended=lambda: False)
    thread = threading.Thread(target=made.run)
    thread.start()
    deadline = time.monotonic() + 10
    while len(got) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    made.stop()
    thread.join(1)
    assert not thread.is_alive()
    assert got[0].gpus[0].memory_total_bytes > 0


# ---- Any fault --------------------------------------------------------------------------------


def judged(hub, seed, longest):
    """A schedule's result; a slow stop counts if it is slow again: a busy machine is, now and then."""
    result = run_schedule(hub, seed, longest=longest)
    if result.stop_seconds is not None and result.stop_seconds >= 1:
        result = run_schedule(hub, seed, longest=longest)
    return result


def run_all(hub, seeds, longest):
    began = time.monotonic()
    results = []
    with ThreadPoolExecutor(4) as pool:
        for at in range(0, len(seeds), 20):
            results += pool.map(lambda seed: judged(hub, seed, longest), seeds[at : at + 20])
            hub.clear_faults()
            hub.journal.clear()
    print("\n" + summary(results, time.monotonic() - began))
    bad = [
        result
        for result in results
        if result.lost or result.repeated or result.points_lost or result.points_repeated or result.hung
        or (result.stop_seconds or 0) >= 1
        or (result.stop_seconds is None and result.outcome != "COMPLETE")
    ]  # fmt: skip
    assert bad == []


def test_forty_schedules_of_faults(hub):
    run_all(hub, range(40), 10_000)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_thousand_schedules_of_faults(hub):
    run_all(hub, range(1000, 2000), 100_000)
