"""Preferences: pairs, pairs to be picked by score, ratings, labels; and columns that online methods stumble over."""

from __future__ import annotations

import json

from tests.core.data.oracle.case import Case, case
from tests.core.data.oracle.corpus.words import (
    answer,
    assistant,
    chat,
    long_chat,
    poor,
    poor_chat,
    question,
    rows,
    user,
)

ALL = ("qwen3", "qwen2_5", "gemma", "llama3")


def _rated(n: int) -> list[dict[str, object]]:
    return [
        {"model": "a", "response": answer(n), "overall_score": 8.0, "principle": "helpful"},
        {"model": "b", "response": poor(n), "overall_score": 3.0, "principle": "helpful"},
    ]


def _pair(n: int) -> dict[str, object]:
    return {"chosen": chat(n), "rejected": poor_chat(n)}


def _answers(n: int) -> dict[str, object]:
    return {"chosen": [assistant(answer(n))], "rejected": [assistant(poor(n))]}


def _texts(n: int) -> dict[str, object]:
    return {"chosen": f" {answer(n)}", "rejected": f" {poor(n)}"}


PAIRED = [
    case("preference", rows(lambda n: {"prompt": question(n), **_texts(n)}), "M R R R R"),
    case("preference, one row", [{"prompt": question(0), **_texts(0)}], "M R R R R"),
    case("preference as messages", rows(lambda n: {"prompt": [user(question(n))], **_answers(n)}), "M R R R R",
         templates=ALL),
    case("implicit prompt as messages", rows(_pair), "M R M R R", templates=ALL),
    case("ultrafeedback, implicit", rows(lambda n: {**_pair(n), "score_chosen": 8.0, "score_rejected": 2.0}),
         "M R M R R"),
    case("capybara preferences, several turns",
         rows(lambda n: {"chosen": long_chat(n), "rejected": [*long_chat(n)[:-1], assistant(poor(n))]}), "M R M R R"),
    case("hh-rlhf", rows(lambda n: {"chosen": f"\n\nHuman: {question(n)}\n\nAssistant: {answer(n)}",
                                    "rejected": f"\n\nHuman: {question(n)}\n\nAssistant: {poor(n)}"}),
         "M R M/X R R"),
    case("ultrafeedback_binarized",
         rows(lambda n: {"prompt": question(n), "prompt_id": f"{n:064x}", **_pair(n), "messages": chat(n),
                         "score_chosen": 8.0, "score_rejected": 2.0}), "M M R M M", hashed=True),
    case("orpo-dpo-mix",
         rows(lambda n: {"source": "made-up", **_pair(n), "prompt": question(n), "question": question(n)}),
         "M M R M M", hashed=True),
    case("preferences-cleaned", rows(lambda n: {"source": "made-up", "prompt": question(n), **_pair(n),
                                                "chosen-rating": 4.5, "chosen-model": "a", "rejected-rating": 2.0,
                                                "rejected-model": "b"}), "M M R M M", hashed=True),
    case("text prompt, answers alone as messages", rows(lambda n: {"prompt": question(n), **_answers(n)}),
         "M M R M M", hashed=True),
    case("prompt as messages, answers as text",
         rows(lambda n: {"prompt": [user(question(n))], **_texts(n)}), "M M R M M", hashed=True),
    case("orca_dpo_pairs", rows(lambda n: {"system": "Be kind.", "question": question(n), **_texts(n)}), "M M M M M"),
    case("distilabel-intel-orca", rows(lambda n: {"system": "", "input": question(n), **_texts(n), "rating": [9.0, 4.0],
                                                  "status": "unchanged"}), "M M M M M"),
    case("distilabel-math-preference",
         rows(lambda n: {"metadata": None, "instruction": question(n), "chosen_response": answer(n),
                         "chosen_rating": 4.0,
                         "rejected_response": poor(n), "rejected_rating": 1.0}), "M M M M M"),
    case("py-dpo", rows(lambda n: {"prompt": f"Print {n}.", "chosen": f"print({n})", "rejected": f"echo {n}", "id": n}),
         "M R R R R"),
    case("good and bad response", rows(lambda n: {"prompt": question(n), "good_response": answer(n),
                                                  "bad_response": poor(n)}), "M M R M M"),
    case("question, preferred, dispreferred", rows(lambda n: {"question": question(n), "preferred": answer(n),
                                                              "dispreferred": poor(n)}), "M M M M M"),
    case("winner and loser", rows(lambda n: {"prompt": question(n), "winner": answer(n), "loser": poor(n)}),
         "M/X M/X R M/X M/X"),
    case("chosen_response and rejected_response", rows(lambda n: {
        "prompt": question(n), "chosen_response": answer(n), "rejected_response": poor(n)}), "M M R M M"),
    case("truthy-dpo", rows(lambda n: {"id": f"{n:032x}", "source": "made-up", "system": "You are honest.",
                                       "prompt": question(n), **_texts(n)}), "M M M M M"),
    case("answers without prompt as messages", rows(lambda n: {"question": question(n), **_answers(n)}),
         "M M M M M", hashed=True),
    case("answers alone", rows(lambda n: {"chosen": answer(n), "rejected": poor(n)}), "M R X R R"),
    case("chosen only", rows(lambda n: {"prompt": question(n), "chosen": answer(n)}), "M X R X/M X"),
    case("prompt inside the answers", rows(lambda n: {"prompt": question(n), "chosen": f"{question(n)} {answer(n)}",
                                                      "rejected": f"{question(n)} {poor(n)}"}),
         "M R/M R R/M R/M", dict.fromkeys(range(4), "open DPO KTO Reward")),
    case("prompt as messages inside the answers", rows(lambda n: {"prompt": [user(question(n))], **_pair(n)}),
         "M R/M R R/M R/M", dict.fromkeys(range(4), "open DPO KTO Reward")),
    case("preference with margin", rows(lambda n: {"prompt": question(n), **_texts(n), "margin": 1.5}), "M R R R R"),
    case("preference as JSON text", rows(lambda n: {k: json.dumps(v) for k, v in _pair(n).items()}),
         "M R/M M/X R/M R/M", dict.fromkeys(range(4), "open DPO KTO Reward SFT")),
    case("prompt and answers as JSON text",
         rows(lambda n: {"prompt": question(n), **{k: json.dumps(v) for k, v in _pair(n).items()}}),
         "M R/M R R/M R/M", dict.fromkeys(range(4), "open DPO KTO Reward SFT")),
    case("capital Chosen and Rejected",
         rows(lambda n: {"Prompt": question(n), "Chosen": answer(n), "Rejected": poor(n)}),
         "M M M M M"),
    case("chosen from ShareGPT", rows(lambda n: {
        "conversations": [{"from": "human", "value": question(n)}],
        "chosen": {"from": "gpt", "value": answer(n)}, "rejected": {"from": "gpt", "value": poor(n)}}),
         "M/X M/X M/X M/X M/X"),
    case("chosen as one message", rows(lambda n: {"prompt": question(n), "chosen": assistant(answer(n)),
                                                  "rejected": assistant(poor(n))}), "M/X M/X R M/X M/X"),
    case("pre-tokenised pairs",
         rows(lambda n: {"chosen_ids": [65 + n, 66], "rejected_ids": [65 + n, 67]}), "X X X X R"),
    case("nectar", rows(lambda n: {"prompt": f"\n\nHuman: {question(n)}\n\nAssistant: ", "answers": [
        {"answer": answer(n), "model": "a", "rank": 1.0}, {"answer": poor(n), "model": "b", "rank": 2.0}]}),
         "M/X M/X R M/X M/X"),
]  # fmt: skip
PICKED = [
    case("shp", rows(lambda n: {"post_id": f"p{n}", "history": question(n), "human_ref_A": answer(n),
                                "human_ref_B": poor(n), "labels": n % 2, "score_A": 9, "score_B": 2}),
         "M/X M/X M/X M/X M/X"),
    case("webgpt_comparisons",
         rows(lambda n: {"question": {"dataset": "made-up", "id": str(n), "full_text": question(n)},
                                               "answer_0": answer(n), "answer_1": poor(n), "score_0": 0.5,
                                               "score_1": -0.5}), "M/X M/X M/X M/X M/X"),
    case("stack-exchange-paired", rows(lambda n: {"qid": n, "question": question(n), "date": "2020-01-01",
                                                  "metadata": ["a"], "response_j": answer(n), "response_k": poor(n)}),
         "M/X M/X M M/X M/X"),
    case("ultrafeedback, raw", rows(lambda n: {"source": "made-up", "instruction": question(n), "models": ["a", "b"],
                                               "completions": _rated(n), "correct_answers": ["None"]}),
         "M/X M/X M M/X M/X"),
    case("helpsteer", rows(lambda n: {"prompt": question(n), "response": answer(n), "helpfulness": n % 5,
                                      "correctness": 4, "coherence": 4}), "M X R M/X X"),
    case("helpsteer3", rows(lambda n: {"domain": "general", "context": [user(question(n))], "response1": answer(n),
                                       "response2": poor(n), "overall_preference": -2}), "M/X M/X M/X M/X M/X"),
    case("safe-rlhf", rows(lambda n: {"prompt": question(n), "response_0": answer(n), "response_1": poor(n),
                                      "is_response_0_safe": True, "is_response_1_safe": False,
                                      "better_response_id": 0}), "M/X M/X R M/X M/X"),
    case("chatbot arena", rows(lambda n: {"question_id": f"{n:032x}", "model_a": "a", "model_b": "b",
                                          "winner": "model_a", "conversation_a": chat(n),
                                          "conversation_b": poor_chat(n)}), "M/X M/X M/X M/X M/X"),
    case("arena prompts as JSON text", rows(lambda n: {"prompt": json.dumps([question(n)]), "winner_model_a": 1,
                                                       "response_a": json.dumps([answer(n)]),
                                                       "response_b": json.dumps([poor(n)])}), "M/X M/X R M/X M/X"),
    case("summarize_from_feedback", rows(lambda n: {"info": {"id": str(n), "post": question(n)}, "choice": n % 2,
                                                    "summaries": [{"text": answer(n)}, {"text": poor(n)}]}),
         "M/X M/X M/X M/X M/X"),
]  # fmt: skip
LABELLED = [
    case("kto-mix", rows(lambda n: {"prompt": [user(question(n))], "label": n % 2 == 0,
                                    "completion": [assistant(answer(n) if n % 2 == 0 else poor(n))]}), "R/M X R R X",
         templates=ALL),
    case("unpaired as text", rows(lambda n: {"prompt": question(n), "completion": answer(n), "label": n % 2 == 0}),
         "R/M X R R X"),
    case("unpaired, labels 0 and 1", rows(lambda n: {"prompt": question(n), "completion": answer(n), "label": n % 2}),
         "R/M X R R X"),
    case("unpaired, labels 0.0 and 1.0",
         rows(lambda n: {"prompt": question(n), "completion": answer(n), "label": float(n % 2)}), "R/M X R R X"),
    case("unpaired, all desirable", rows(lambda n: {"prompt": question(n), "completion": answer(n), "label": True}),
         "R/M X R X X", dict.fromkeys(range(4), "open KTO")),
    case("unpaired, ratings as labels",
         rows(lambda n: {"prompt": question(n), "completion": answer(n), "label": n % 5 + 1}), "R/M X R M/R X",
         dict.fromkeys(range(4), "open KTO")),
    case("unpaired, labels as text",
         rows(lambda n: {"prompt": question(n), "completion": answer(n), "label": ("good", "bad")[n % 2]}),
         "R/M X R M/X X"),
    case("unpaired, labels true and false as text",
         rows(lambda n: {"prompt": question(n), "completion": answer(n), "label": ("true", "false")[n % 2]}),
         "R/M X R M/X X"),
    case("unpaired, other names", rows(lambda n: {"prompt": question(n), "response": answer(n), "is_good": n % 2 == 0}),
         "M X R M X"),
    case("unpaired, thumbs", rows(lambda n: {"question": question(n), "answer": answer(n), "label": n % 2 == 0}),
         "M X M M X"),
    case("unpaired without a prompt", rows(lambda n: {"completion": answer(n), "label": n % 2 == 0}), "M/X X X X X"),
    case("rewards", rows(lambda n: {"prompt": question(n), "completion": answer(n), "reward": 0.25 * n}),
         "R X R M/X X"),
]  # fmt: skip
ONLINE = [
    case("math_shepherd", rows(lambda n: {"prompt": question(n), "completions": [answer(n), "So be it."],
                                          "labels": [True, n % 2 == 0]}), "M/X X M X/M X"),
    case("prompts column beside prompt",
         rows(lambda n: {"prompt": question(n), "prompts": [question(n)]}), "X X M X X"),
    case("completions as text", rows(lambda n: {"prompt": question(n), "completions": answer(n)}), "M/X X M X X"),
    case("trainer_state column", rows(lambda n: {"prompt": question(n), "trainer_state": n}), "X X R/M X X"),
    case("completion_ids column", rows(lambda n: {"prompt": question(n), "completion_ids": [n]}), "X X R/M X X"),
    case("self column", rows(lambda n: {"prompt": question(n), "self": n, "class": "a b"}), "X X R X X"),
    case("environment column", rows(lambda n: {"prompt": question(n), "environment": "house"}), "X X R X X"),
    case("prompts of one string in a list", rows(lambda n: {"prompt": [question(n)]}), "X X M/X X X"),
    case("prompt as one message", rows(lambda n: {"prompt": user(question(n))}), "X X M/X X X"),
    case("prompts of numbers", rows(lambda n: {"prompt": n, "answer": str(n)}), "X/M X X X X"),
    case("prompt as JSON text", rows(lambda n: {"prompt": json.dumps([user(question(n))])}), "X X R/M X X"),
]  # fmt: skip
CASES: list[Case] = [*PAIRED, *PICKED, *LABELLED, *ONLINE]
