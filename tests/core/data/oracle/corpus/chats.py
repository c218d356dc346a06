"""Conversations: chat sets as the trainers want them, ShareGPT's many forms, chats beside other columns."""

from __future__ import annotations

import json

from tests.core.data.oracle.case import Case, case
from tests.core.data.oracle.corpus.words import (
    answer,
    assistant,
    chat,
    long_chat,
    question,
    rows,
    spoken,
    story,
    system,
    user,
)

ALL = ("qwen3", "qwen2_5", "gemma", "llama3")


def _tree(n: int) -> dict[str, object]:
    role = ("prompter", "assistant")[n % 2]
    return {"message_id": f"m{n}", "parent_id": None, "text": question(n), "role": role, "lang": "en", "rank": None}


CASES: list[Case] = [
    case("messages", rows(lambda n: {"messages": chat(n)}), "R X M X X", templates=ALL),
    case("messages, several turns", rows(lambda n: {"messages": long_chat(n)}), "R X M X X", templates=ALL),
    case("messages, one row", [{"messages": chat(0)}], "R X M X X"),
    case(
        "messages with system turns",
        rows(lambda n: {"messages": [system(), *chat(n)]}),
        "R X M X X",
        templates=("qwen3", "qwen2_5", "llama3"),
        gemma=("B/M X M X X", dict.fromkeys(range(4), "open SFT GRPO")),
    ),
    case(
        "smoltalk",
        rows(lambda n: {"messages": long_chat(n), "source": "made-up"}),
        "R X M X X",
    ),
    case(
        "tulu mixture",
        rows(lambda n: {"id": f"t{n}", "messages": chat(n), "source": "made-up"}),
        "R X M X X",
    ),
    case(
        "ultrachat_200k",
        rows(lambda n: {"prompt": question(n), "prompt_id": f"{n:064x}", "messages": long_chat(n)}),
        "M X R X X",
        hashed=True,
    ),
    case(
        "no_robots",
        rows(
            lambda n: {
                "prompt": question(n),
                "prompt_id": f"{n:064x}",
                "messages": [system(), *chat(n)],
                "category": "Open QA",
            }
        ),
        "M X R X X",
        hashed=True,
    ),
    case(
        "codeforces-cots",
        rows(
            lambda n: {
                "id": f"{n}/A",
                "prompt": question(n),
                "generation": f"<think>\nLet me see.\n</think>\n{answer(n)}",
                "finish_reason": "stop",
                "messages": [user(question(n)), assistant(f"<think>\nLet me see.\n</think>\n{answer(n)}")],
            }
        ),
        "M X R X X",
        hashed=True,
    ),
    case("sharegpt", rows(lambda n: {"id": f"s{n}", "conversations": spoken(n)}), "M X M X X", templates=ALL),
    case(
        "openhermes",
        rows(
            lambda n: {
                "custom_instruction": None,
                "topic": None,
                "source": "made-up",
                "idx": n,
                "conversations": spoken(n),
                "system_prompt": None,
            }
        ),
        "M X M X X",
    ),
    case(
        "slimorca",
        rows(
            lambda n: {
                "conversations": [
                    {"from": "system", "value": "Think first.", "weight": None},
                    {"from": "human", "value": question(n), "weight": 0.0},
                    {"from": "gpt", "value": answer(n), "weight": 1.0},
                ]
            }
        ),
        "M X M X X",
        templates=ALL,
    ),
    case(
        "vicuna",
        rows(lambda n: {"id": f"v{n}_0", "conversations": [*spoken(n), *spoken(n + 1)]}),
        "M X M X X",
    ),
    case(
        "magpie",
        rows(
            lambda n: {
                "uuid": f"u{n}",
                "model": "a/model",
                "instruction": question(n),
                "response": answer(n),
                "conversations": spoken(n),
                "difficulty": "easy",
            }
        ),
        "M X M X X",
    ),
    case(
        "sharegpt with user and assistant",
        rows(lambda n: {"conversations": spoken(n, "user", "assistant")}),
        "R X M X X",
        templates=ALL,
    ),
    case("sharegpt in messages", rows(lambda n: {"messages": spoken(n)}), "M X M X X"),
    case(
        "sharegpt in messages, user and assistant",
        rows(lambda n: {"messages": spoken(n, "user", "assistant")}),
        "M X M X X",
    ),
    case("sharegpt in conversation", rows(lambda n: {"conversation": spoken(n)}), "M X M X X"),
    case("role and content in conversations", rows(lambda n: {"conversations": chat(n)}), "M X M X X"),
    case(
        "wildchat",
        rows(
            lambda n: {
                "conversation_hash": f"{n:032x}",
                "model": "a-model",
                "conversation": [m | {"language": "English", "toxic": False} for m in long_chat(n)],
                "turn": 2,
            }
        ),
        "M X M X X",
    ),
    case("dialog of strings", rows(lambda n: {"dialog": [question(n), answer(n)]}), "M/X X M/X X X"),
    case(
        "lima",
        rows(lambda n: {"conversations": [question(n), answer(n)], "source": "made-up"}),
        "M/X X M/X X X",
    ),
    case(
        "ultrachat, raw",
        rows(lambda n: {"id": str(n), "data": [question(n), answer(n), question(n + 1), answer(n + 1)]}),
        "M/X X M/X X X",
    ),
    case(
        "capybara",
        rows(lambda n: {"source": "made-up", "conversation": [{"input": question(n), "output": answer(n)}]}),
        "M/X X M/X X X",
    ),
    case("oasst1", rows(_tree), "R X X X X"),
    case(
        "guanaco",
        rows(lambda n: {"text": f"### Human: {question(n)}### Assistant: {answer(n)}"}),
        "R X M/X X X",
    ),
    case("messages as JSON text", rows(lambda n: {"messages": json.dumps(chat(n))}), "M X M X X"),
    case(
        "conversations as JSON text",
        rows(lambda n: {"conversations": json.dumps(spoken(n))}),
        "M/X X M/X X X",
    ),
    case(
        "messages beside text",
        rows(lambda n: {"messages": chat(n), "text": story(n)}),
        "R X M X X",
    ),
    case(
        "messages beside instruction and output",
        rows(lambda n: {"instruction": question(n), "output": answer(n), "messages": chat(n)}),
        "R X M X X",
    ),
    case(
        "openr1-math",
        rows(
            lambda n: {
                "problem": question(n),
                "solution": answer(n),
                "answer": str(n),
                "generations": [answer(n), answer(n + 1)],
                "correctness_count": 2,
                "messages": chat(n),
            }
        ),
        "R X M X X",
    ),
    case(
        "numinamath-cot",
        rows(lambda n: {"source": "made-up", "problem": question(n), "solution": answer(n), "messages": chat(n)}),
        "R X M X X",
    ),
    case(
        "messages of capital roles",
        rows(lambda n: {"messages": [user(question(n)) | {"role": "User"}, {"role": "Assistant", "content": "Yes."}]}),
        "M X M X X",
    ),
    case(
        "messages of human and bot",
        rows(lambda n: {"messages": [{"role": "human", "content": question(n)}, {"role": "bot", "content": "Yes."}]}),
        "M X M X X",
        templates=ALL,
    ),
    case(
        "messages with model as role",
        rows(lambda n: {"messages": [user(question(n)), {"role": "model", "content": answer(n)}]}),
        "M X M X X",
    ),
    case(
        "messages with author and text",
        rows(
            lambda n: {
                "messages": [{"author": "user", "text": question(n)}, {"author": "assistant", "text": answer(n)}]
            }
        ),
        "M/X X M/X X X",
    ),
    case(
        "messages of one message each",
        rows(lambda n: {"messages": chat(n)[0]}),
        "M/X X M/X X X",
    ),
    case(
        "messages with thinking",
        rows(lambda n: {"messages": [user(question(n)), assistant(f"<think>\nHm.\n</think>\n\n{answer(n)}")]}),
        "R X M X X",
    ),
    case(
        "messages with reasoning content",
        rows(
            lambda n: {"messages": [user(question(n)), assistant(answer(n)) | {"reasoning_content": "Let me think."}]}
        ),
        "R X M X X",
    ),
    case(
        "messages with template arguments",
        rows(lambda n: {"messages": chat(n), "chat_template_kwargs": {"enable_thinking": False}}),
        "R X M X X",
    ),
    case(
        "messages under another name",
        rows(lambda n: {"chat": chat(n), "id": n}),
        "M X M X X",
    ),
    case(
        "messages beside a label",
        rows(lambda n: {"messages": chat(n), "label": bool(n % 2)}),
        "R X M M/X X",
    ),
    case(
        "system column beside ShareGPT",
        rows(lambda n: {"system": "Be brief.", "conversations": spoken(n, "user", "assistant")}),
        "R/M X M X X",
    ),
    case(
        "messages with an empty prompt column",
        rows(lambda n: {"prompt": None, "messages": chat(n)}),
        "M X M X X",
        hashed=True,
    ),
    case(
        "prompt as messages beside messages",
        rows(lambda n: {"prompt": [user(question(n))], "messages": chat(n)}),
        "M X R X X",
    ),
]
