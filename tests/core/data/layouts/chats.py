"""Conversations: turns of every spelling, tools, marked dialogues, pictures."""

from __future__ import annotations

import json

from PIL import Image

from tests.core.data.layouts.layout import Layout, Row, a, b, chat, gathered, human, q, sft

TOOL = {
    "name": "find_road",
    "description": "Finds a road.",
    "parameters": {"town": {"type": "int", "description": "t"}},
}
CALL = {"name": "find_road", "arguments": {"town": 7}}
PIXEL = Image.new("RGB", (32, 32))


def _oasst(n: int) -> Row:
    """One message a row; two rows a conversation."""
    first = n % 2 == 0
    return {
        "message_id": f"m{n}",
        "parent_id": None if first else f"m{n - 1}",
        "text": q(n // 2) if first else a(n // 2),
        "role": "prompter" if first else "assistant",
        "lang": "en",
        "rank": None if first else 0.0,
        "message_tree_id": f"m{n - n % 2}",
    }


CHATS: list[Layout] = [
    sft("HuggingFaceH4/ultrachat_200k", lambda n: {"prompt": q(n), "prompt_id": f"p{n}", "messages": chat(n)}),
    sft(
        "HuggingFaceH4/no_robots",
        lambda n: {"prompt": q(n), "prompt_id": f"p{n}", "messages": chat(n), "category": "QA"},
    ),
    sft("stingning/ultrachat", lambda n: {"id": f"{n}", "data": [q(n), a(n)]}),
    sft("OpenAssistant/oasst1", _oasst, calls=(gathered("message_tree_id"),)),
    sft(
        "OpenAssistant/oasst_top1_2023-08-25",
        lambda n: {"text": f"<|im_start|>user\n{q(n)}<|im_end|>\n<|im_start|>assistant\n{a(n)}<|im_end|>\n"},
    ),
    sft("timdettmers/openassistant-guanaco", lambda n: {"text": f"### Human: {q(n)}### Assistant: {a(n)}"}),
    sft(
        "teknium/OpenHermes-2.5",
        lambda n: {"source": "x", "category": None, "system_prompt": None, "id": None, "conversations": human(n)},
    ),
    sft("RyokoAI/ShareGPT52K", lambda n: {"id": f"s{n}", "conversations": human(n)}),
    sft("LDJnr/Capybara", lambda n: {"source": "Dove", "conversation": [{"input": q(n), "output": a(n)}]}),
    sft("trl-lib/Capybara", lambda n: {"source": "Dove", "messages": chat(n), "num_turns": 2}),
    sft(
        "Open-Orca/SlimOrca",
        lambda n: {
            "conversations": [
                {"from": "system", "value": "Be brief.", "weight": None},
                {"from": "human", "value": q(n), "weight": 0.0},
                {"from": "gpt", "value": a(n), "weight": 1.0},
            ]
        },
    ),
    sft(
        "Open-Orca/OpenOrca",
        lambda n: {"id": f"n{n}", "system_prompt": "Be brief.", "question": q(n), "response": a(n)},
    ),
    sft("allenai/tulu-3-sft-mixture", lambda n: {"id": f"t{n}", "messages": chat(n), "source": "ai2"}),
    sft(
        "Magpie-Align/Magpie-Pro-300K-Filtered",
        lambda n: {
            "uuid": f"u{n}",
            "model": "Llama",
            "gen_input_configs": {"t": 1.0},
            "instruction": q(n),
            "response": a(n),
            "conversations": human(n),
            "task_category": "QA",
            "difficulty": "easy",
        },
    ),
    sft("GAIR/lima", lambda n: {"conversations": [q(n), a(n)], "source": "stackexchange"}),
    sft("HuggingFaceTB/smoltalk", lambda n: {"messages": chat(n), "source": "smol-magpie-ultra"}),
    sft(
        "HuggingFaceTB/smoltalk2",
        lambda n: {
            "messages": chat(n),
            "chat_template_kwargs": {"enable_thinking": False, "custom_instructions": ""},
            "source": "x",
        },
    ),
    sft(
        "HuggingFaceH4/Multilingual-Thinking",
        lambda n: {
            "reasoning_language": "French",
            "developer": "Be brief.",
            "user": q(n),
            "analysis": "Let me see.",
            "final": a(n),
            "messages": [
                {"role": "system", "content": "reasoning language: French", "thinking": None},
                {"role": "user", "content": q(n), "thinking": None},
                {"role": "assistant", "content": a(n), "thinking": "Let me see."},
            ],
        },
    ),
    sft(
        "lmsys/lmsys-chat-1m",
        lambda n: {
            "conversation_id": f"c{n}",
            "model": "vicuna",
            "conversation": chat(n),
            "turn": 1,
            "language": "English",
            "openai_moderation": [{"flagged": False}],
            "redacted": False,
        },
    ),
    sft(
        "allenai/WildChat-1M",
        lambda n: {
            "conversation_hash": f"h{n}",
            "model": "gpt-4",
            "turn": 1,
            "language": "English",
            "toxic": False,
            "redacted": False,
            "conversation": [
                {"content": q(n), "role": "user", "language": "English", "toxic": False, "turn_identifier": n},
                {"content": a(n), "role": "assistant", "language": "English", "toxic": False, "turn_identifier": n},
            ],
        },
    ),
    sft(
        "Salesforce/xlam-function-calling-60k",
        lambda n: {"id": n, "query": q(n), "answers": json.dumps([CALL]), "tools": json.dumps([TOOL])},
        learned="find_road",
    ),
    sft(
        "glaiveai/glaive-function-calling-v2",
        lambda n: {
            "system": f"SYSTEM: You are an assistant with access to the following functions. -\n{json.dumps(TOOL)}",
            "chat": f"USER: {q(n)}\n\n\nASSISTANT: {a(n)} <|endoftext|>\n\n\n",
        },
    ),
    sft(
        "NousResearch/hermes-function-calling-v1",
        lambda n: {
            "id": f"h{n}",
            "conversations": [
                {"from": "system", "value": "You call functions."},
                {"from": "human", "value": q(n)},
                {"from": "gpt", "value": f"<tool_call>\n{json.dumps(CALL)}\n</tool_call>"},
            ],
            "tools": json.dumps([TOOL]),
            "category": "Tools",
        },
        learned="find_road",
    ),
    sft(
        "Team-ACE/ToolACE",
        lambda n: {
            "system": "You call functions.",
            "conversations": [{"from": "user", "value": q(n)}, {"from": "assistant", "value": a(n)}],
        },
    ),
    sft(
        "bavard/personachat_truecased",
        lambda n: {
            "personality": ["I like roads."],
            "candidates": [b(n), a(n)],
            "history": [q(n)],
            "conv_id": n,
            "utterance_idx": 0,
        },
        calls=(lambda r, m: r.with_mapping(m, r.by_example(m, 0, prompt=q(0), completion=a(0))),),
    ),
    sft(
        "liuhaotian/LLaVA-Instruct-150K",
        lambda n: {
            "id": f"{n}",
            "image": PIXEL,
            "conversations": [{"from": "human", "value": f"<image>\n{q(n)}"}, {"from": "gpt", "value": a(n)}],
        },
    ),
    sft(
        "HuggingFaceH4/llava-instruct-mix-vsft",
        lambda n: {
            "images": [PIXEL],
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": q(n), "index": None},
                        {"type": "image", "text": None, "index": 0},
                    ],
                },
                {"role": "assistant", "content": [{"type": "text", "text": a(n), "index": None}]},
            ],
        },
    ),
]
