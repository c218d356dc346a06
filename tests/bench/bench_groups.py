"""CPU seconds of validating the same number of chats that look alike in few ways or in thousands.

    python -m tests.bench.bench_groups [OTHER CHECKOUT] [--small]

Rows are looked at in groups. A way to look is a sequence of turns: who speaks, and what stands in the text (a quoted
marker, thinking, nothing). As many ways as groups would make the time grow with the oddity of a dataset.
"""

from __future__ import annotations

import json
import random
import sys
import time

CHATS = 20_000
WAYS = (5, 50, 500, 5000)
TEXTS = ("It is {}, as you can count.", "In F# one writes xs <| f {}.", "<think>{}?</think>So it is.",
         "A lone </think> {} stands here.", "A list: [1, 2, {}].", "  ")  # fmt: skip


def main() -> None:
    from tests.bench import turns

    words = turns.asked(__doc__)
    chats, rounds = (500, 1) if words.small else (CHATS, 3)
    found = turns.least(__file__, ["child", chats], words.checkouts, rounds)
    print(f"{chats:,} chats\n{turns.table(found)}")
    for name, figures in found.items():
        few, *_, many = figures.values()
        print(f"{name}: the most ways cost {many / few:.1f} times the fewest")


def chats(count: int, ways: int) -> list[dict[str, list[dict[str, str]]]]:
    """So many rows that look alike in so many ways at most."""
    chance = random.Random(0)
    looks = [[chance.randrange(len(TEXTS)) for _ in range(2 * chance.randint(1, 5))] for _ in range(ways)]
    return [{"messages": _turns(n, looks[n % ways])} for n in range(count)]


def _turns(number: int, look: list[int]) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[at % 2], "content": TEXTS[kind].format(number)} for at, kind in enumerate(look)]


def child(count: int) -> None:
    import hfft_widgets as hfft

    hfft.validate(chats(10, 1))  # what has to be imported is not counted
    found = {}
    for ways in WAYS:
        rows = chats(count, ways)
        before = time.process_time()
        hfft.validate(rows)
        found[f"{ways:,} ways"] = time.process_time() - before
    print(json.dumps(found))


if __name__ == "__main__":
    child(int(sys.argv[2])) if sys.argv[1:2] == ["child"] else main()
