"""Which answer is the better one: pairs, ranks, scores, labels, steps."""

from __future__ import annotations

from tests.core.data.layouts.chats import PIXEL
from tests.core.data.layouts.layout import Layout, Row, a, assistant, b, chat, dpo, q, user


def _bad(n: int) -> list[Row]:
    return [user(q(n)), assistant(b(n))]


def _hh(n: int, answer: str) -> str:
    return f"\n\nHuman: {q(n)}\n\nAssistant: {answer}"


def _arena(n: int) -> Row:
    first = n % 2 == 0
    good, bad = chat(n), _bad(n)
    return {
        "question_id": f"q{n}",
        "model_a": "x",
        "model_b": "y",
        "winner": "model_a" if first else "model_b",
        "judge": "u",
        "conversation_a": good if first else bad,
        "conversation_b": bad if first else good,
        "turn": 1,
        "anony": True,
        "language": "English",
        "tstamp": 1.0,
    }


def _ultrafeedback(n: int) -> Row:
    return {
        "source": "evol",
        "instruction": q(n),
        "models": ["x", "y"],
        "completions": [
            {"model": "x", "response": b(n), "overall_score": 2.0, "annotations": {"helpfulness": {"Rating": "2"}}},
            {"model": "y", "response": a(n), "overall_score": 8.5, "annotations": {"helpfulness": {"Rating": "5"}}},
        ],
        "correct_answers": ["None"],
        "incorrect_answers": ["None"],
    }


def _helpsteer3(n: int) -> Row:
    return {
        "domain": "general",
        "language": "english",
        "context": [user(q(n))],
        "response1": a(n) if n % 2 else b(n),
        "response2": b(n) if n % 2 else a(n),
        "overall_preference": -2 if n % 2 else 2,
    }


def _saferlhf(n: int) -> Row:
    return {
        "prompt": q(n),
        "response_0": b(n),
        "response_1": a(n),
        "prompt_source": "x",
        "is_response_0_safe": False,
        "is_response_1_safe": True,
        "better_response_id": 1,
        "safer_response_id": 1,
    }


def _webgpt(n: int) -> Row:
    return {
        "question": {"dataset": "eli5", "id": f"{n}", "full_text": q(n)},
        "answer_0": b(n),
        "tokens_0": {"prefix": []},
        "score_0": -0.5,
        "answer_1": a(n),
        "tokens_1": {"prefix": []},
        "score_1": 0.5,
    }


def _summarize(n: int) -> Row:
    return {
        "info": {"id": f"{n}", "post": q(n), "title": "Roads", "subreddit": "roads"},
        "summaries": [{"text": b(n), "policy": "sup1", "note": None}, {"text": a(n), "policy": "ref", "note": None}],
        "choice": 1,
        "worker": "w",
        "batch": "b",
        "split": "train",
    }


PREFERENCES: list[Layout] = [
    dpo("Anthropic/hh-rlhf", lambda n: {"chosen": _hh(n, a(n)), "rejected": _hh(n, b(n))}),
    dpo(
        "HuggingFaceH4/ultrafeedback_binarized",
        lambda n: {
            "prompt": q(n),
            "prompt_id": f"p{n}",
            "chosen": chat(n),
            "rejected": _bad(n),
            "messages": chat(n),
            "score_chosen": 8.0,
            "score_rejected": 4.0,
        },
    ),
    dpo(
        "trl-lib/ultrafeedback_binarized",
        lambda n: {"chosen": chat(n), "rejected": _bad(n), "score_chosen": 8.0, "score_rejected": 4.0},
    ),
    dpo("openbmb/UltraFeedback", _ultrafeedback),
    dpo(
        "argilla/ultrafeedback-binarized-preferences-cleaned",
        lambda n: {
            "source": "evol",
            "prompt": q(n),
            "chosen": chat(n),
            "chosen-rating": 5.0,
            "chosen-model": "x",
            "rejected": _bad(n),
            "rejected-rating": 3.0,
            "rejected-model": "y",
        },
    ),
    dpo("Intel/orca_dpo_pairs", lambda n: {"system": "Be brief.", "question": q(n), "chosen": a(n), "rejected": b(n)}),
    dpo(
        "argilla/distilabel-intel-orca-dpo-pairs",
        lambda n: {
            "system": "Be brief.",
            "input": q(n),
            "chosen": a(n),
            "rejected": b(n),
            "generations": [a(n), b(n)],
            "order": ["x", "y"],
            "rating": [9.0, 7.0],
            "status": "unchanged",
            "original_chosen": a(n),
            "original_rejected": b(n),
            "chosen_score": 9.0,
            "in_gsm8k_train": False,
        },
    ),
    dpo(
        "argilla/distilabel-capybara-dpo-7k-binarized",
        lambda n: {
            "source": "Dove",
            "conversation": [{"input": q(n), "output": a(n)}],
            "original_response": a(n),
            "generation_model": ["x"],
            "rating": [5, 2],
            "chosen": chat(n),
            "rejected": _bad(n),
            "rating_chosen": 5,
            "rating_rejected": 2,
            "chosen_model": "x",
        },
    ),
    dpo(
        "argilla/dpo-mix-7k",
        lambda n: {
            "dataset": "x",
            "chosen": chat(n),
            "rejected": _bad(n),
            "chosen_rating": 5.0,
            "rejected_rating": 2.0,
        },
    ),
    dpo(
        "mlabonne/orpo-dpo-mix-40k",
        lambda n: {"source": "x", "chosen": chat(n), "rejected": _bad(n), "prompt": q(n), "question": q(n)},
    ),
    dpo("unalignment/toxic-dpo-v0.2", lambda n: {"prompt": q(n), "chosen": a(n), "rejected": b(n)}),
    dpo(
        "jondurbin/truthy-dpo-v0.1",
        lambda n: {
            "id": f"t{n}",
            "source": "x",
            "system": "Be honest.",
            "prompt": q(n),
            "chosen": a(n),
            "rejected": b(n),
        },
    ),
    dpo(
        "Skywork/Skywork-Reward-Preference-80K-v0.2", lambda n: {"chosen": chat(n), "rejected": _bad(n), "source": "x"}
    ),
    dpo(
        "allenai/llama-3.1-tulu-3-8b-preference-mixture",
        lambda n: {
            "id": f"t{n}",
            "source": "x",
            "prompt": q(n),
            "chosen": chat(n),
            "rejected": _bad(n),
            "chosen_rating": 5.0,
            "rejected_rating": 1.0,
            "chosen_model": "x",
        },
    ),
    dpo("nvidia/HelpSteer3", _helpsteer3),
    Layout(
        "nvidia/HelpSteer2",
        "SFT",
        lambda n: {
            "prompt": q(n),
            "response": a(n),
            "helpfulness": 4,
            "correctness": 4,
            "coherence": 4,
            "complexity": 2,
            "verbosity": 2,
        },
    ),
    Layout(
        "nvidia/HelpSteer",
        "SFT",
        lambda n: {
            "prompt": q(n),
            "response": a(n),
            "helpfulness": 3,
            "correctness": 3,
            "coherence": 4,
            "complexity": 1,
            "verbosity": 2,
        },
    ),
    dpo(
        "berkeley-nest/Nectar",
        lambda n: {
            "prompt": f"\n\nHuman: {q(n)}\n\nAssistant: ",
            "answers": [{"answer": a(n), "model": "x", "rank": 1.0}, {"answer": b(n), "model": "y", "rank": 2.0}],
            "turns": 1,
            "num_responses": 2,
            "source": ["x"],
            "good_natured": True,
        },
    ),
    dpo("PKU-Alignment/PKU-SafeRLHF", _saferlhf),
    Layout(
        "PKU-Alignment/BeaverTails",
        "KTO",
        lambda n: {"prompt": q(n), "response": a(n), "category": {"drugs": False}, "is_safe": n % 2 == 0},
    ),
    dpo("openai/webgpt_comparisons", _webgpt),
    dpo("openai/summarize_from_feedback", _summarize),
    dpo(
        "stanfordnlp/SHP",
        lambda n: {
            "post_id": f"p{n}",
            "domain": "ask",
            "history": q(n),
            "human_ref_A": a(n) if n % 2 == 0 else b(n),
            "human_ref_B": b(n) if n % 2 == 0 else a(n),
            "labels": 1 - n % 2,
            "score_A": 9 if n % 2 == 0 else 2,
            "score_B": 2 if n % 2 == 0 else 9,
            "score_ratio": 4.5,
        },
    ),
    dpo(
        "HuggingFaceH4/stack-exchange-preferences",
        lambda n: {
            "qid": n,
            "question": q(n),
            "answers": [
                {"answer_id": 1, "author": "x", "pm_score": 0, "selected": False, "text": b(n)},
                {"answer_id": 2, "author": "y", "pm_score": 4, "selected": True, "text": a(n)},
            ],
            "date": "2020",
            "metadata": ["u"],
        },
    ),
    dpo("lmsys/chatbot_arena_conversations", _arena),
    dpo(
        "lvwerra/stack-exchange-paired",
        lambda n: {
            "qid": n,
            "question": q(n),
            "date": "2020",
            "metadata": ["u"],
            "response_j": a(n),
            "response_k": b(n),
        },
    ),
    Layout(
        "trl-lib/kto-mix-14k",
        "KTO",
        lambda n: {"prompt": [user(q(n))], "completion": [assistant(a(n))], "label": n % 2 == 0},
    ),
    Layout(
        "argilla/kto-mix-15k",
        "KTO",
        lambda n: {
            "dataset": "x",
            "prompt": [user(q(n))],
            "completion": [assistant(a(n))],
            "label": n % 2 == 0,
            "rating": 5.0,
        },
    ),
    Layout(
        "argilla/ultrafeedback-binarized-preferences-cleaned-kto",
        "KTO",
        lambda n: {"source": "x", "prompt": q(n), "completion": chat(n), "label": n % 2 == 0, "chosen-rating": 5.0},
    ),
    dpo(
        "openbmb/RLAIF-V-Dataset",
        lambda n: {
            "ds_name": "x",
            "image": PIXEL,
            "question": q(n),
            "chosen": a(n),
            "rejected": b(n),
            "origin_dataset": "y",
            "idx": f"{n}",
            "image_path": "a.png",
        },
    ),
    dpo(
        "HuggingFaceH4/rlaif-v_formatted",
        lambda n: {
            "images": [PIXEL],
            "prompt": [{"role": "user", "content": [{"type": "image", "text": None}, {"type": "text", "text": q(n)}]}],
            "chosen": [{"role": "assistant", "content": [{"type": "text", "text": a(n)}]}],
            "rejected": [{"role": "assistant", "content": [{"type": "text", "text": b(n)}]}],
        },
    ),
]
