"""Pictures: sets for a vision model, the same ones asked about for a text model, and rows whose pictures are broken."""

from __future__ import annotations

from typing import Any

from tests.core.data.oracle.case import Case, case
from tests.core.data.oracle.corpus.words import answer, assistant, chat, poor, question, rows, user

BAD = 2
# Reward and KTO cannot be asked with this model; what is said of them for pictures is left open.
ANY = "R/M/B/X"


def picture(n: int, mode: str = "RGB") -> Any:
    from PIL import Image

    return Image.new(mode, (32, 32), 40 * n % 255 if mode == "L" else (40 * n % 255, 90, 160))


def parts(n: int, pictures: int = 1) -> list[dict[str, Any]]:
    shown = [{"type": "image", "text": None} for _ in range(pictures)]
    return [user([*shown, {"type": "text", "text": question(n)}]), assistant([{"type": "text", "text": answer(n)}])]


def _said(n: int) -> dict[str, Any]:
    return {"images": [picture(n)], "prompt": [user(question(n))], "completion": [assistant(answer(n))]}


def _pair(n: int) -> dict[str, Any]:
    return {"images": [picture(n)], "prompt": [user(question(n))], "chosen": [assistant(answer(n))],
            "rejected": [assistant(poor(n))]}  # fmt: skip


def seen(name: str, dataset: list[dict[str, Any]], verdicts: str, bad: dict[int, str] | None = None,
         text_model: str | None = None) -> Case:  # fmt: skip
    """A vision set: SFT, DPO and GRPO with LLaVA, and what a text model makes of it."""
    sft, dpo, grpo = verdicts.split()
    pairs = "X" if dpo == "X" else "M/X"
    unseen = text_model or f"M/X {pairs} R/M/B/X M/X R/M/B/X"
    return case(name, dataset, unseen, dict.fromkeys(bad or {}, "open Reward"),
                llava=(f"{sft} {dpo} {grpo} {ANY} {ANY} {ANY}", bad or {}))  # fmt: skip


def _bad(name: str, make: Any, row: dict[str, Any], verdicts: str, effects: str = "") -> Case:
    good = rows(make)
    return seen(name, [*good[:BAD], row, *good[BAD:]], verdicts, {BAD: effects} if effects else None)


SHAPES = [
    seen("llava-instruct-mix", rows(lambda n: {"images": [picture(n)], "messages": parts(n)}), "R X M"),
    seen("pictures beside plain messages", rows(lambda n: {"images": [picture(n)], "messages": chat(n)}), "R X M"),
    seen("one picture beside plain messages", rows(lambda n: {"image": picture(n), "messages": chat(n)}), "R X M"),
    seen("two pictures", rows(lambda n: {"images": [picture(n), picture(n + 1)], "messages": parts(n, 2)}), "R X M"),
    seen("pictures, prompt and completion", rows(_said), "R X R"),
    seen("llava-instruct, raw", rows(lambda n: {"id": str(n), "image": picture(n), "conversations": [
        {"from": "human", "value": f"<image>\n{question(n)}"}, {"from": "gpt", "value": answer(n)}]}), "M X M"),
    seen("rlaif-v, formatted", rows(_pair), "M R R"),
    seen("rlaif-v", rows(lambda n: {"ds_name": "made-up", "image": picture(n), "question": question(n),
                                    "chosen": answer(n), "rejected": poor(n), "idx": n}), "M M M"),
    seen("pictures, text prompt and answers", rows(lambda n: {"image": picture(n), "prompt": question(n),
                                                              "chosen": answer(n), "rejected": poor(n)}), "M M M"),
    seen("pictures with implicit prompt", rows(lambda n: {"images": [picture(n)], "chosen": chat(n), "rejected": [
        user(question(n)), assistant(poor(n))]}), "M M M"),
    seen("clevr-cogen", rows(lambda n: {"image": picture(n), "problem": f"How many? {n}",
                                        "solution": f"<answer> {n} </answer>"}), "M X M"),
    seen("multimodal-open-r1", rows(lambda n: {"image": picture(n), "problem": question(n), "solution": answer(n),
                                               "original_answer": str(n)}), "M X M"),
    seen("picture prompts with solutions", rows(lambda n: {"image": picture(n), "prompt": [user(question(n))],
                                                           "solution": str(n)}), "M X R"),
    seen("vqa", rows(lambda n: {"image": picture(n), "question": question(n), "answer": answer(n)}), "M X M"),
    seen("captions", rows(lambda n: {"image": picture(n), "caption": answer(n)}), "M/X X M/X"),
    seen("pictures with text", rows(lambda n: {"image": picture(n), "text": answer(n)}), "M/X X M/X"),
    seen("pictures with labels", rows(lambda n: {"image": picture(n), "label": n % 2}), "X X X"),
    seen("vision sets without a picture column", rows(lambda n: {"messages": chat(n)}), "R X M", None, "R X M X X"),
    seen("picture names beside messages", rows(lambda n: {"image": f"{n}.png", "messages": chat(n)}), "M/B/X X M"),
    seen("a picture column of nulls", rows(lambda n: {"image": None, "messages": chat(n)}), "M/B X M"),
]  # fmt: skip
BROKEN = [
    _bad("no pictures in one row", lambda n: {"images": [picture(n)], "messages": chat(n)},
         {"images": [], "messages": chat(5)}, "R X M"),
    _bad("null instead of pictures", lambda n: {"images": [picture(n)], "messages": chat(n)},
         {"images": None, "messages": chat(5)}, "R/B X M", "open SFT"),
    _bad("a null picture", lambda n: {"image": picture(n), "messages": chat(n)},
         {"image": None, "messages": chat(5)}, "B X M", "crash SFT"),
    _bad("more places than pictures", lambda n: {"images": [picture(n)], "messages": parts(n)},
         {"images": [picture(5)], "messages": parts(5, 2)}, "B X M", "crash SFT"),
    _bad("fewer places than pictures", lambda n: {"images": [picture(n)], "messages": parts(n)},
         {"images": [picture(5), picture(6)], "messages": parts(5, 1)}, "B X M", "crash SFT"),
    _bad("a grey picture", lambda n: {"image": picture(n), "messages": chat(n)},
         {"image": picture(5, "L"), "messages": chat(5)}, "R X M"),
    _bad("an unknown role beside a picture", lambda n: {"image": picture(n), "messages": chat(n)},
         {"image": picture(5), "messages": [{"role": "human", "content": "Why?"}, assistant("So.")]}, "B X M",
         "crash SFT"),
    _bad("a null picture beside a prompt",
         lambda n: {"image": picture(n), "prompt": [user(question(n))], "answer": "1"},
         {"image": None, "prompt": [user("What?")], "answer": "1"}, "M X B", "crash GRPO"),
    _bad("a picture pair of the same answers", _pair, {**_pair(5), "rejected": [assistant(answer(5))]}, "M R R",
         "silent DPO; open KTO Reward"),
    _bad("a picture pair with null answers", _pair, {**_pair(5), "chosen": None}, "M B B",
         "crash DPO GRPO; open KTO Reward"),
]  # fmt: skip
CASES: list[Case] = [*SHAPES, *BROKEN]
