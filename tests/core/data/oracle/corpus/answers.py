"""Questions with answers: prompt-completion, instruction sets, maths, tools, summaries, text and what is none of it."""

from __future__ import annotations

import json

from tests.core.data.oracle.case import Case, case
from tests.core.data.oracle.corpus.words import answer, assistant, chat, question, rows, story, system, user

ALL = ("qwen3", "qwen2_5", "gemma", "llama3")
_TOOL = {
    "type": "function",
    "function": {
        "name": "tide_table",
        "description": "High and low water of a day.",
        "parameters": {"type": "object", "properties": {"day": {"type": "integer"}}, "required": ["day"]},
    },
}


def _call(n: int, arguments: object) -> dict[str, object]:
    return {"type": "function", "function": {"name": "tide_table", "arguments": arguments}}


def _tool_chat(n: int, arguments: object) -> list[dict[str, object]]:
    return [
        user(f"When is high water on day {n}?"),
        {"role": "assistant", "content": "", "tool_calls": [_call(n, arguments)]},
        {"role": "tool", "name": "tide_table", "content": '{"high": "10:00"}'},
        assistant("At ten in the morning."),
    ]


PROMPTED = [
    case("prompt and completion", rows(lambda n: {"prompt": question(n), "completion": " " + answer(n)}), "R X R X X"),
    case(
        "prompt and completion as messages",
        rows(lambda n: {"prompt": [user(question(n))], "completion": [assistant(answer(n))]}),
        "R X R X X",
        templates=ALL,
    ),
    case("prompt and completion, one row", [{"prompt": question(0), "completion": answer(0)}], "R X R X X"),
    case("tldr", rows(lambda n: {"prompt": f"POST: {story(n)}\n\nTL;DR:", "completion": f" {answer(n)}"}), "R X R X X"),
    case("prompt and response", rows(lambda n: {"prompt": question(n), "response": answer(n)}), "M X R X X"),
    case("instruction and response", rows(lambda n: {"instruction": question(n), "response": answer(n)}), "M X M X X"),
    case("text prompt, completion as messages",
         rows(lambda n: {"prompt": question(n), "completion": [assistant(answer(n))]}), "M X R X X", hashed=True),
    case("prompt as messages, text completion",
         rows(lambda n: {"prompt": [user(question(n))], "completion": answer(n)}), "M X R X X", hashed=True),
    case("prompt, completion and text",
         rows(lambda n: {"prompt": question(n), "completion": f" {answer(n)}", "text": story(n)}), "R/M X R X X"),
    case("capital column names", rows(lambda n: {"Prompt": question(n), "Completion": answer(n)}), "M X M X X"),
    case("input and target", rows(lambda n: {"inputs": question(n), "targets": answer(n)}), "M X M X X"),
    case("input and output", rows(lambda n: {"input": question(n), "output": answer(n)}), "M X M X X"),
    case("query and response", rows(lambda n: {"query": question(n), "response": answer(n), "type": "made-up"}),
         "M X M X X"),
    case("instruction only", rows(lambda n: {"instruction": question(n)}), "X X M X X"),
    case("prompt only", rows(lambda n: {"prompt": question(n)}), "X X R X X"),
    case("prompt only as messages", rows(lambda n: {"prompt": [user(question(n))]}), "X X R X X", templates=ALL),
    case("prompt only, one row", [{"prompt": question(0)}], "X X R X X"),
    case("prompts with roles", rows(lambda n: {"act": f"Gardener {n}", "prompt": question(n)}), "X X R X X"),
]  # fmt: skip
INSTRUCTED = [
    case("alpaca",
         rows(lambda n: {"instruction": "Answer the question.", "input": question(n), "output": answer(n),
                         "text": f"### Instruction:\nAnswer.\n### Input:\n{question(n)}\n### Response:\n{answer(n)}"}),
         "R/M X M X X"),
    case("alpaca-cleaned", rows(lambda n: {"output": answer(n), "input": "" if n % 2 else "In one sentence.",
                                           "instruction": question(n)}), "M X M X X"),
    case("dolly", rows(lambda n: {"instruction": question(n), "context": story(n) if n % 2 else "",
                                  "response": answer(n), "category": "closed_qa"}), "M X M X X"),
    case("openorca", rows(lambda n: {"id": f"o{n}", "system_prompt": "Be kind.", "question": question(n),
                                     "response": answer(n)}), "M X M X X"),
    case("gsm8k", rows(lambda n: {"question": f"Ann has {n} pears and buys 2. How many?",
                                  "answer": f"{n}+2=<<{n}+2={n + 2}>>{n + 2}\n#### {n + 2}"}), "M X M X X"),
    case("math", rows(lambda n: {"problem": f"Find $x$ if $x-{n}=1$.", "level": "Level 1", "type": "Algebra",
                                 "solution": f"$x=\\boxed{{{n + 1}}}$."}), "M X M X X"),
    case("math-500", rows(lambda n: {"problem": f"Find $x$ if $x-{n}=1$.", "solution": f"So $x={n + 1}$.",
                                     "answer": str(n + 1), "subject": "Algebra", "level": 1, "unique_id": f"a/{n}"}),
         "M X M X X"),
    case("deepmath prompts with solutions",
         rows(lambda n: {"prompt": [user(f"What is {n}+1?")], "solution": str(n + 1)}), "M X R X X"),
    case("prompt and answer", rows(lambda n: {"prompt": f"What is {n}+1?", "answer": str(n + 1)}), "M X R X X"),
    case("dapo", rows(lambda n: {"data_source": "made-up", "prompt": [user(f"What is {n}+1?")], "ability": "MATH",
                                 "reward_model": {"ground_truth": str(n + 1), "style": "rule"},
                                 "extra_info": {"index": n}}), "M/X X R X X"),
    case("bigmath", rows(lambda n: {"problem": f"What is {n}+1?", "answer": str(n + 1), "llama8b_solve_rate": 0.5}),
         "M X M X X"),
    case("countdown", rows(lambda n: {"target": 20 + n, "nums": [n, 3, 7, 2]}), "X X M/X X X"),
    case("codealpaca", rows(lambda n: {"prompt": f"Print {n} in Python.", "completion": f"print({n})"}), "R X R X X"),
    case("mbpp", rows(lambda n: {"task_id": n, "text": f"Write a function that returns {n}.",
                                 "code": f"def f(): return {n}", "test_list": [f"assert f() == {n}"]}),
         "R/M X M/X X X"),
    case("apps", rows(lambda n: {"problem_id": n, "question": f"Print {n}.", "solutions": json.dumps([f"print({n})"]),
                                 "input_output": "{}"}), "M/X X M X X"),
    case("squad", rows(lambda n: {"id": str(n), "title": "Days", "context": story(n), "question": question(n),
                                  "answers": {"text": [answer(n)], "answer_start": [3]}}), "M/X X M X X"),
    case("samsum", rows(lambda n: {"id": str(n), "dialogue": f"Ann: {question(n)}\nBob: {answer(n)}",
                                   "summary": "Bob explains."}), "M X M X X"),
    case("xsum", rows(lambda n: {"document": story(n), "summary": answer(n), "id": str(n)}), "M X M X X"),
    case("cnn", rows(lambda n: {"article": story(n), "highlights": answer(n), "id": str(n)}), "M/X X M/X X X"),
    case("opus", rows(lambda n: {"translation": {"en": f"Day {n}.", "fr": f"Jour {n}."}}), "M/X X M/X X X"),
    case("translation columns", rows(lambda n: {"english": f"Day {n}.", "french": f"Jour {n}."}), "M/X X M/X X X"),
    case("multiple choice", rows(lambda n: {"question": question(n), "choices": [answer(n), "No.", "Yes."],
                                            "answer": n % 3, "subject": "days"}), "M/X X M X X"),
    case("arc", rows(lambda n: {"id": str(n), "question": question(n), "answerKey": "A",
                                "choices": {"text": [answer(n), "No."], "label": ["A", "B"]}}), "M/X X M X X"),
    case("s1k", rows(lambda n: {"question": question(n), "solution": answer(n), "thinking_trajectories": ["Hm."],
                                "attempt": answer(n)}), "M X M X X"),
    case("code and docstring", rows(lambda n: {"func_code_string": f"def f(): return {n}",
                                               "func_documentation_string": f"Gives {n}."}), "M/X X M/X X X"),
]  # fmt: skip
TOOLED = [
    case("tools as lists", rows(lambda n: {"messages": _tool_chat(n, {"day": n}), "tools": [_TOOL]}), "R X M X X",
         templates=("qwen3", "qwen2_5"), gemma=("B/M X M X X", dict.fromkeys(range(4), "open SFT GRPO"))),
    case("tools as JSON text", rows(lambda n: {"messages": _tool_chat(n, {"day": n}), "tools": json.dumps([_TOOL])}),
         "R X M X X"),
    case("tool arguments as JSON text",
         rows(lambda n: {"messages": _tool_chat(n, json.dumps({"day": n})), "tools": [_TOOL]}), "R X M X X"),
    case("no tools in the tools column", rows(lambda n: {"messages": chat(n), "tools": None}), "R X M X X"),
    case("xlam", rows(lambda n: {"id": n, "query": f"High water of day {n}?", "tools": json.dumps([_TOOL["function"]]),
                                 "answers": json.dumps([{"name": "tide_table", "arguments": {"day": n}}])}),
         "M/X X M X X"),
    case("toolace", rows(lambda n: {"system": "You may call [tide_table].", "conversations": [
        {"from": "user", "value": f"High water of day {n}?"},
        {"from": "assistant", "value": f"[tide_table(day={n})]"}]}), "R/M X M X X"),
    case("glaive", rows(lambda n: {"system": "SYSTEM: You may call functions.",
                                   "chat": f"USER: {question(n)}\n\nASSISTANT: {answer(n)} <|endoftext|>"}),
         "M/X X M/X X X"),
    case("hermes function calling", rows(lambda n: {"id": f"h{n}", "tools": json.dumps([_TOOL]), "conversations": [
        {"from": "system", "value": "You may call functions."}, {"from": "human", "value": question(n)},
        {"from": "gpt", "value": answer(n)}]}), "M X M X X"),
    case("tools beside prompt and completion",
         rows(lambda n: {"prompt": [user(question(n))], "completion": [assistant(answer(n))], "tools": [_TOOL]}),
         "R X R X X"),
]  # fmt: skip
TEXTS = [
    case("wikitext", rows(lambda n: {"text": story(n)}), "R X M/X X X"),
    case("text, one row", [{"text": story(0)}], "R X M/X X X"),
    case("fineweb", rows(lambda n: {"text": story(n), "id": f"<{n}>", "url": f"https://example.org/{n}",
                                    "language": "en", "token_count": 20}), "R X M/X X X"),
    case("cosmopedia", rows(lambda n: {"prompt": f"Write about day {n}.", "text": story(n), "seed_data": "web",
                                       "format": "blogpost"}), "M X R X X"),
    case("the-stack", rows(lambda n: {"hexsha": f"{n:040x}", "ext": "py", "content": f"print({n})", "size": 9}),
         "M X X X X"),
    case("code column", rows(lambda n: {"code": f"print({n})", "language": "Python"}), "M/X X M/X X X"),
    case("imdb", rows(lambda n: {"text": story(n), "label": n % 2}), "R X M/X M/X X"),
    case("classification", rows(lambda n: {"sentence": story(n), "label": n % 2, "idx": n}), "M/X X M/X M/X X"),
    case("mnli", rows(lambda n: {"premise": story(n), "hypothesis": answer(n), "label": n % 3}), "M/X X M/X M/X X"),
    case("tokens and tags", rows(lambda n: {"tokens": story(n).split(), "ner_tags": [0] * len(story(n).split())}),
         "X X X X X"),
    case("pre-tokenised", rows(lambda n: {"input_ids": [65 + n, 66, 67], "attention_mask": [1, 1, 1]}), "R X X X X"),
    case("pre-tokenised with labels", rows(lambda n: {"input_ids": [65 + n, 66, 67], "labels": [-100, 66, 67]}),
         "R X X X X"),
    case("pre-tokenised with completion mask",
         rows(lambda n: {"input_ids": [65 + n, 66, 67], "completion_mask": [0, 1, 1]}), "R X X X X"),
    case("numbers", rows(lambda n: {"a": n, "b": n / 2, "c": bool(n % 2)}), "X X X X X"),
    case("names and links", rows(lambda n: {"id": n, "url": f"https://example.org/{n}", "sha": f"{n:040x}"}),
         "X X X X X"),
    case("embeddings", rows(lambda n: {"id": n, "embedding": [0.1 * n, 0.2, 0.3]}), "X X X X X"),
    case("nested text", rows(lambda n: {"data": {"text": story(n)}}), "M/X X X X X"),
    case("text in a list", rows(lambda n: {"text": [story(n), story(n + 1)]}), "M/X X X X X"),
    case("text of numbers", rows(lambda n: {"text": n}), "X X X X X"),
    case("sources with system", rows(lambda n: {"text": f"<|im_start|>user\n{question(n)}<|im_end|>"}),
         "R X M/X X X", dict.fromkeys(range(4), "open SFT")),
    case("system and messages apart",
         rows(lambda n: {"system": system()["content"], "messages": chat(n)}), "R/M X M X X"),
]  # fmt: skip
CASES: list[Case] = [*PROMPTED, *INSTRUCTED, *TOOLED, *TEXTS]
