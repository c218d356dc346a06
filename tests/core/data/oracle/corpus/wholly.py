"""Datasets that are broken or poor in every row, and rare columns that the trainers read by name."""

from __future__ import annotations

from tests.core.data.oracle.case import Case, case
from tests.core.data.oracle.corpus.words import answer, assistant, chat, lengthy, poor, question, rows, user

EVERY = range(4)


def _all(effects: str) -> dict[int, str]:
    return dict.fromkeys(EVERY, effects)


CASES: list[Case] = [
    case("every prompt far too long", rows(lambda n: {"prompt": lengthy(n), "completion": answer(n)}),
         "B/X X R X X", _all("open SFT GRPO")),
    case("every pair far too long", rows(lambda n: {"prompt": lengthy(n), "chosen": answer(n), "rejected": poor(n)}),
         "M B/X R B/X B/X", _all("open DPO KTO Reward GRPO")),
    case("every answer empty", rows(lambda n: {"messages": [user(question(n)), assistant("")]}), "X X M X X",
         _all("open SFT")),
    case("every chosen is rejected",
         rows(lambda n: {"prompt": question(n), "chosen": answer(n), "rejected": answer(n)}),
         "M X R X X", _all("open DPO KTO Reward")),
    case("every text is null", rows(lambda n: {"text": None, "id": n}), "B/X X X X X", _all("open SFT")),
    case("token ids as text", rows(lambda n: {"input_ids": f"65 {66 + n}"}), "B/X X X X X", _all("open SFT")),
    case("token ids of null", [*rows(lambda n: {"input_ids": [65 + n, 66]}), {"input_ids": None}], "B X X X X",
         {4: "crash SFT"}),
    case("no token ids in a row", [*rows(lambda n: {"input_ids": [65 + n, 66]}), {"input_ids": []}], "R X X X X",
         {4: "dropped SFT"}),
    case("pairs beside a label", rows(lambda n: {"prompt": question(n), "chosen": answer(n), "rejected": poor(n),
                                                 "label": n % 2}), "M R R R/M R"),
    case("template arguments of null", rows(lambda n: {"messages": chat(n), "chat_template_kwargs": None}),
         "B/M X M X X", _all("open SFT GRPO")),
]  # fmt: skip
