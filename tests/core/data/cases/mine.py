"""More inputs of the kinds in `index.jsonl`: other names, depths and forms, and layouts of well-known public datasets.

A line gives the rows (a function of their number), the statuses of SFT, DPO, GRPO, KTO and Reward (RLOO as GRPO; "."
where it is not asked) and what must be seen of the first row.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.core.data.cases.scoring import Known

_STATUS = {"R": "READY", "M": "NEEDS MAPPING", "B": "BLOCKED BY ROWS", "X": "INCOMPATIBLE"}
_METHODS = ("sft", "dpo", "grpo", "kto", "reward")
Row = dict[str, Any]

Q = ("Which moon is largest?", "How deep is the lake?", "Who drew this map?", "Why do leaves fall?",
     "What melts first?", "When does the ferry go?")  # fmt: skip
A = ("Ganymede is the largest.", "It is forty metres deep.", "A monk drew it.", "They lose their water.",
     "Gallium melts in a hand.", "It goes at noon.")  # fmt: skip
BAD = ("Perhaps Pluto is.", "Nobody can say.", "It drew itself, I think.", "Leaves never fall.", "Granite melts first.",
       "Ferries do not go.")  # fmt: skip


def case(
    name: str, row: Callable[[int], Row], statuses: str, *seen: tuple[Any, ...], say: tuple[str, ...] = ()
) -> Known:
    expected, also = {}, {}
    for method, letters in zip(_METHODS, statuses.split(), strict=True):
        if letters != ".":
            first, *others = (_STATUS[letter] for letter in letters.split("/"))
            for each in (method, "rloo") if method == "grpo" else (method,):
                expected[each], also[each] = first, others
    checks = tuple(
        {"method": method, "row": number, "part": part, "has": list(has), "hasnt": list(hasnt)}
        for method, number, part, has, hasnt in seen
    )
    return Known(name, [row(n) for n in range(6)], expected, also, (), checks, say)


def user(text: Any) -> Row:
    return {"role": "user", "content": text}


def assistant(text: Any, **more: Any) -> Row:
    return {"role": "assistant", "content": text, **more}


def chat(n: int) -> list[Row]:
    return [user(Q[n]), assistant(A[n])]


SFT = ("SFT", 0, "", (Q[0], A[0]), ())
BETTER = ("DPO", 0, "chosen", (A[0],), (BAD[0],)), ("DPO", 0, "rejected", (BAD[0],), (A[0],))
GRPO = ("GRPO", 0, "", (Q[0],), (A[0],))

MINE: list[Known] = [
    # which is better
    case(
        "rank of records",
        lambda n: {"prompt": Q[n], "answers": [{"answer": BAD[n], "rank": 2}, {"answer": A[n], "rank": 1}]},
        "M/X M R M M",
        *BETTER,
    ),
    case(
        "rank of records with turns",
        lambda n: {
            "context": [user(Q[n])],
            "completions": [
                {"rank": 0, "completion": [assistant(A[n])]},
                {"rank": 1, "completion": [assistant(BAD[n])]},
            ],
        },
        ". M . . M",
        *BETTER,
    ),
    case(
        "ranks in columns",
        lambda n: {"question": Q[n], "response_a": BAD[n], "response_b": A[n], "rank_a": 2, "rank_b": 1},
        ". M . . M",
        *BETTER,
    ),
    case(
        "toxicity asks",
        lambda n: {
            "prompt": Q[n],
            "response_a": A[n],
            "response_b": BAD[n],
            "toxicity_score_a": 0.1,
            "toxicity_score_b": 0.9,
        },
        ". M . . M",
        say=("highest", "lowest"),
    ),
    case(
        "digits of names",
        lambda n: {"prompt": Q[n], "response_0": (A, BAD)[n % 2][n], "response_1": (BAD, A)[n % 2][n], "label": n % 2},
        ". M . . M",
        *BETTER,
        ("DPO", 1, "chosen", (A[1],), (BAD[1],)),
    ),
    case(
        "winner with ties",
        lambda n: {
            "question": Q[n],
            "answer_a": A[n],
            "answer_b": BAD[n],
            "winner": ("model_a", "tie", "model_a", "tie (bothbad)", "model_a", "model_a")[n],
        },
        ". M . . M",
        *BETTER,
        ("SFT", 0, "", (Q[0], A[0]), (BAD[0],)),
        say=("tie", "ties"),
    ),
    case(
        "signed preference",
        lambda n: {
            "context": [user(Q[n])],
            "response1": A[n],
            "response2": BAD[n],
            "overall_preference": (-2, 3, 0, -1, 1, -3)[n],
        },
        ". M . . M",
        *BETTER,
        ("DPO", 1, "chosen", (BAD[1],), (A[1],)),
    ),
    case(
        "stack exchange",
        lambda n: {
            "question": Q[n],
            "answers": [
                {"text": BAD[n], "pm_score": 0, "selected": False},
                {"text": A[n], "pm_score": 5, "selected": True},
            ],
        },
        ". M . . M",
        *BETTER,
    ),
    case(
        "candidates and rewards",
        lambda n: {"instruction": Q[n], "candidates": [A[n], BAD[n]], "rewards": [0.9, 0.2]},
        ". M . . M",
        *BETTER,
    ),
    case(
        "ultrafeedback completions",
        lambda n: {
            "instruction": Q[n],
            "completions": [
                {"response": BAD[n], "overall_score": 2.0, "model": "x"},
                {"response": A[n], "overall_score": 8.0, "model": "y"},
            ],
        },
        ". M . . M",
        *BETTER,
    ),
    case(
        "contradicting scores",
        lambda n: {
            "prompt": Q[n],
            "chosen": A[n],
            "rejected": BAD[n],
            "chosen_score": 9 - 8 * (n == 2),
            "rejected_score": 4,
        },
        ". R . . R",
        say=("contradict",),
    ),
    case(
        "not chosen answer",
        lambda n: {"question": Q[n], "chosen_answer": A[n], "not_chosen_answer": BAD[n]},
        ". M . . M",
        *BETTER,
    ),
    case("win and lose", lambda n: {"prompt": Q[n], "win": A[n], "lose": BAD[n]}, ". M R . M", *BETTER),
    # what never reaches the model
    case(
        "system beside pairs",
        lambda n: {"system_prompt": "Talk like a pilot", "prompt": Q[n], "chosen": A[n], "rejected": BAD[n]},
        ". M M . M",
        ("DPO", 0, "", ("Talk like a pilot", Q[0]), ()),
        ("GRPO", 0, "", ("Talk like a pilot", Q[0]), ()),
    ),
    case(
        "system beside ShareGPT",
        lambda n: {
            "system": "Talk like a pilot",
            "conversations": [{"from": "human", "value": Q[n]}, {"from": "gpt", "value": A[n]}],
        },
        "M X M X X",
        ("SFT", 0, "", ("Talk like a pilot", Q[0], A[0]), ()),
    ),
    case(
        "system beside prompt and completion",
        lambda n: {"system": "Talk like a pilot", "prompt": Q[n], "completion": A[n]},
        "M X M X X",
        ("SFT", 0, "", ("Talk like a pilot", Q[0], A[0]), ()),
    ),
    case(
        "parts",
        lambda n: {"messages": [user([{"type": "text", "text": Q[n]}]), assistant([{"type": "text", "text": A[n]}])]},
        "M X M X X",
        SFT,
    ),
    case(
        "responses parts",
        lambda n: {
            "messages": [
                user([{"type": "input_text", "text": Q[n]}]),
                assistant([{"type": "output_text", "text": A[n]}]),
            ]
        },
        "M X M X X",
        SFT,
    ),
    case(
        "Gemini",
        lambda n: {
            "contents": [{"role": "user", "parts": [{"text": Q[n]}]}, {"role": "model", "parts": [{"text": A[n]}]}]
        },
        "M X . X X",
        SFT,
    ),
    case(
        "developer",
        lambda n: {"messages": [{"role": "developer", "content": "Talk like a pilot"}, *chat(n)]},
        "R/M X M X X",
    ),
    case(
        "weights",
        lambda n: {"messages": [user(Q[n]), assistant(BAD[n], weight=0), user("Again?"), assistant(A[n], weight=1)]},
        "R X . X X",
        say=("'weight'",),
    ),
    case(
        "reasoning key",
        lambda n: {"messages": [user(Q[n]), assistant(A[n], reasoning="I counted them twice")]},
        "R X . X X",
        ("SFT", 0, "", ("I counted them twice", A[0]), ()),
    ),
    case("a label beside text", lambda n: {"text": A[n], "sentiment": n % 2}, "R X . X .", say=("'sentiment'",)),
    case("every answer the same label", lambda n: {"prompt": Q[n], "completion": A[n], "label": True}, "R X R X X"),
    # where the words lie
    case(
        "squad",
        lambda n: {
            "id": str(n),
            "context": f"Text: {A[n]}",
            "question": Q[n],
            "answers": {"text": [A[n], "x"], "answer_start": [6, 6]},
        },
        "M X M X X",
        ("SFT", 0, "", ("Text:", Q[0], A[0]), ()),
        ("SFT", 0, "completion", (A[0],), ()),
    ),
    case("opus", lambda n: {"translation": {"en": Q[n], "fr": A[n]}}, "M X . X X", SFT),
    case("data", lambda n: {"data": {"prompt": Q[n], "response": A[n]}}, "M X M X X", SFT),
    case(
        "record in a record",
        lambda n: {"sample": {"input": {"question": Q[n]}, "output": {"answer": A[n]}}},
        "M X M X X",
        SFT,
    ),
    case("turns one level down", lambda n: {"conversation": {"turns": chat(n), "id": n}}, "M X M X X", SFT, GRPO),
    case(
        "record of lists",
        lambda n: {"chat": {"role": ["user", "assistant"], "content": [Q[n], A[n]]}},
        "M X M X X",
        SFT,
    ),
    case("Python text", lambda n: {"conversation": repr(chat(n))}, "M X M X X", SFT, GRPO),
    case("numpy text", lambda n: {"messages": "[" + "\n ".join(map(repr, chat(n))) + "]"}, "M X M X X", SFT),
    case(
        "turns as JSON in a record", lambda n: {"sample": json.dumps({"id": n, "messages": chat(n)})}, "M X M X X", SFT
    ),
    case(
        "hh-rlhf",
        lambda n: {
            "chosen": f"\n\nHuman: {Q[n]}\n\nAssistant: {A[n]}",
            "rejected": f"\n\nHuman: {Q[n]}\n\nAssistant: {BAD[n]}",
        },
        "M R/M M R/M R/M",
        SFT,
        GRPO,
        ("SFT", 0, "", (), ("Human:",)),
    ),
    case("Vicuna", lambda n: {"text": f"A talk. USER: {Q[n]} ASSISTANT: {A[n]}</s>"}, "R/M X M/X X X"),
    case("Alpaca text", lambda n: {"prompt": f"### Instruction:\n{Q[n]}\n\n### Response:\n{A[n]}"}, "M X . X X", SFT),
    case(
        "glaive",
        lambda n: {
            "system": "SYSTEM: You have functions",
            "chat": f"USER: {Q[n]}\n\n\nASSISTANT: {A[n]} <|endoftext|>",
        },
        "M X M X X",
        ("SFT", 0, "", ("You have functions", Q[0], A[0]), ("USER:", "endoftext")),
    ),
    case(
        "numbers as answers",
        lambda n: {"question": f"What is {n} and {n}?", "answer": 2 * n},
        "M X M X X",
        ("SFT", 1, "", ("What is 1 and 1", "2"), ()),
    ),
    case(
        "yes and no",
        lambda n: {"question": Q[n], "passage": f"So. {A[n]}", "answer": n % 2 == 0},
        "M X M X X",
        ("SFT", 0, "completion", ("yes",), ()),
    ),
    case(
        "mmlu",
        lambda n: {"question": Q[n], "choices": [BAD[n], A[n], "None", "All"], "answer": 1},
        "M X M X X",
        SFT,
        ("SFT", 0, "", (BAD[0],), ()),
    ),
    case(
        "arc",
        lambda n: {
            "id": n,
            "question": Q[n],
            "choices": {"text": [A[n], BAD[n]], "label": ["A", "B"]},
            "answerKey": "A",
        },
        "M X M X X",
        SFT,
    ),
    case(
        "columns for turns",
        lambda n: {"human_1": Q[n], "gpt_1": A[n], "human_2": "And?", "gpt_2": "No more"},
        "M X . X X",
        ("SFT", 0, "", (Q[0], A[0], "No more"), ()),
    ),
    case("texts by turns", lambda n: {"dialogue": [Q[n], A[n], "And?", "No more."]}, "M X M X X", SFT),
    case("lists of one text", lambda n: {"question": [Q[n]], "answers": [A[n]]}, "M X . X X", SFT),
    case("bytes", lambda n: {"question": Q[n].encode(), "answer": A[n].encode()}, "M X M X X", SFT),
    case(
        "history",
        lambda n: {"query": Q[n], "response": A[n], "history": [["Hello?", "Good day."]]},
        "M X . X X",
        ("SFT", 0, "", ("Good day.", Q[0], A[0]), ()),
    ),
    case("Finnish names", lambda n: {"kysymys": Q[n], "vastaus": A[n]}, "M X . X X", SFT, say=("guess",)),
    case("Chinese names", lambda n: {"问题": Q[n], "回答": A[n]}, "M X . X X", SFT),
    case(
        "agent and customer",
        lambda n: {"conversation": [{"role": "customer", "content": Q[n]}, {"role": "agent", "content": A[n]}]},
        "M X M X X",
        SFT,
        GRPO,
    ),
    case(
        "speaker and text",
        lambda n: {"dialog": [{"speaker": "human", "text": Q[n]}, {"speaker": "bot", "text": A[n]}]},
        "M X M X X",
        SFT,
    ),
    case(
        "single answers",
        lambda n: {"prompt": [user(Q[n])], "chosen": assistant(A[n]), "rejected": assistant(BAD[n])},
        ". M R . M",
        *BETTER,
    ),
    case(
        "several rejected",
        lambda n: {"prompt": Q[n], "chosen": [A[n]], "rejected": [BAD[n], "No."]},
        ". M R . M",
        *BETTER,
    ),
    case(
        "prompt, generation and messages",
        lambda n: {"prompt": Q[n], "generation": A[n], "messages": chat(n)},
        "M X R X X",
        SFT,
    ),
    case(
        "cnn",
        lambda n: {"article": f"Long. {A[n]} More.", "highlights": BAD[n], "id": str(n)},
        "M X . X X",
        ("SFT", 0, "", ("Long.", BAD[0]), ()),
    ),
    case(
        "tools as texts",
        lambda n: {"messages": chat(n), "tools": [json.dumps({"type": "function", "function": {"name": "look_up"}})]},
        "M/X X . X X",
        ("SFT", 0, "", ("look_up", A[0]), ()),
    ),
    case(
        "thumbs in words",
        lambda n: {"prompt": Q[n], "completion": A[n], "label": ("good", "bad")[n % 2]},
        "R X R M X",
        ("KTO", 0, "", (A[0],), ("<|im_start|>",)),
    ),
    # found in a second look: other names, languages, marks, ids, parts
    case("Korean with a source", lambda n: {"질문": Q[n], "답변": A[n], "출처": "from page three"}, "M X . X X", SFT),
    case("French", lambda n: {"consigne": Q[n], "réponse": A[n], "note": "from page three"}, "M X . X X", SFT),
    case("camel", lambda n: {"userPrompt": Q[n], "modelResponse": A[n], "modelName": "a large one"}, "M X . X X", SFT),
    case(
        "parts without a type",
        lambda n: {
            "system": [{"text": "Be brief."}],
            "messages": [user([{"text": Q[n]}]), assistant([{"text": A[n]}])],
        },
        "M X . X X",
        ("SFT", 0, "", ("Be brief.", Q[0], A[0]), ()),
    ),
    case(
        "a system instruction beside contents",
        lambda n: {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [{"role": "user", "parts": [{"text": Q[n]}]}, {"role": "model", "parts": [{"text": A[n]}]}],
        },
        "M X . X X",
        SFT,
        say=("systemInstruction",),
    ),
    case(
        "sender and message",
        lambda n: {"thread": [{"sender": "user", "message": Q[n]}, {"sender": "assistant", "message": A[n]}]},
        "M X . X X",
        SFT,
    ),
    case(
        "marked as the best",
        lambda n: {"prompt": Q[n], "responses": [{"text": BAD[n], "best": False}, {"text": A[n], "best": True}]},
        ". M . M M",
        *BETTER,
    ),
    case(
        "the best by its id",
        lambda n: {
            "question": Q[n],
            "answers": [{"id": "x", "text": BAD[n]}, {"id": "y", "text": A[n]}],
            "accepted_answer_id": "y",
        },
        ". M . M M",
        *BETTER,
    ),
    case(
        "the best by its number",
        lambda n: {"prompt": Q[n], "candidates": [BAD[n], A[n], "Maybe so."], "best_index": 1},
        ". M . M M",
        ("DPO", 0, "chosen", (A[0],), (BAD[0],)),
        ("DPO", 0, "rejected", (), (A[0],)),
    ),
    case(
        "greater and smaller",
        lambda n: {
            "prompt": Q[n],
            "response_a": BAD[n] if n % 2 else A[n],
            "response_b": A[n] if n % 2 else BAD[n],
            "preference": "B>A" if n % 2 else "[[A>>B]]",
        },
        ". M . M M",
        *BETTER,
    ),
    case(
        "the second always wins",
        lambda n: {"question": Q[n], "answer_one": BAD[n], "answer_two": A[n], "winner": "two"},
        ". M . M M",
        *BETTER,
    ),
    case(
        "thumbs as signs",
        lambda n: {"prompt": Q[n], "completion": A[n], "feedback": "👎" if n % 2 else "👍"},
        ". X . M X",
        ("KTO", 0, "", (A[0],), ()),
    ),
    case(
        "good and bad in Spanish",
        lambda n: {"pregunta": Q[n], "respuesta": A[n], "label": "malo" if n % 2 else "bueno"},
        ". X . M X",
        ("KTO", 0, "", (A[0],), ()),
    ),
]
