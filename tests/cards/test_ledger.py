from __future__ import annotations

from hfft_widgets.cards import ledger
from hfft_widgets.jobs.money.ledger import Entry

HOSTILE = "<img src=x onerror=alert(1)>"


def values(*entries: Entry, day: float | None = None, agents: float = 0.0, read_only: bool = False) -> dict:
    allowed = {"day_usd": day, "agent_usd": agents, "read_only": read_only}
    found = [entry.to_dict() for entry in entries]
    return {"entries": found, "counted_usd_24_hours": sum(one["counted_usd"] for one in found), "allowed": allowed}


STARTED = Entry("1", 1e9, HOSTILE, "f" * 16, 1, "t4-small", 0.4, "limit", "started", "jobs:me/1")
ENDED = Entry("2", 1e9, "SFT", "f" * 16, 1, "t4-small", 0.4, "person", "started", "jobs:me/2", cost_usd=0.13)
REFUSED = Entry("3", 1e9, "DPO", "f" * 16, None, "a100-large", 9.0, state="refused", why=f"too dear {HOSTILE}" * 99)


def test_the_line_says_the_sum_and_the_limits():
    spent = values(STARTED, ENDED, REFUSED, day=5.0, agents=1.0)
    assert ledger.summary(spent) == (
        "Last 24 hours: $0.53 of at most $5.00 · agents alone: at most $1.00 a launch"
    )  # fmt: skip
    assert ledger.summary(values()) == "Last 24 hours: $0, no daily limit · agents alone: only what is free"
    assert ledger.summary(values(read_only=True)).endswith("nothing can be started")


def test_each_entry_says_what_became_of_it():
    started, ended, refused = ledger.rows(values(STARTED, ENDED, REFUSED))
    assert (started["icon"], started["usd"]) == ("ok", "$0.40 at most")
    assert started["words"] == "jobs:me/1 $0.40 at most (within the limit given before)"
    assert (ended["usd"], ended["words"]) == ("$0.13", "jobs:me/2 $0.13 (a person agreed)")
    assert (refused["icon"], refused["usd"]) == ("warn", "")
    assert len(refused["words"]) <= 161
    assert "refused" in ledger.line(REFUSED.to_dict())


def test_the_card_is_folded_and_what_stands_in_it_is_text():
    assert ledger.html(values()) is None
    shown = str(ledger.html(values(STARTED, REFUSED)))
    assert "<details" in shown
    assert " open" not in shown.partition("<summary")[0]
    assert "<img" not in shown
    assert len(ledger.rows(values(*[ENDED] * 30))) == 10
