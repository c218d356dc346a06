"""Questions with answers: instructions, mathematics, code, summaries, translations."""

from __future__ import annotations

from typing import Any

from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
from hfft_widgets.core.data.mapping.transforms import Transform
from tests.core.data.layouts.layout import Layout, Row, a, b, q, sft

C = "The river has seven bridges, and each bears a number."


def _squad(n: int) -> Row:
    return {
        "id": f"57{n}",
        "title": "Bridges",
        "context": f"{C} {n}",
        "question": q(n),
        "answers": {"text": [a(n), a(n)], "answer_start": [4, 9]},
    }


def _math(n: int) -> str:
    return f"First we count. So the answer is $\\boxed{{{n}}}$."


def _typed(report: Any, method: str) -> Any:
    """A prompt that a person types."""
    made = Transform.filling("Using {nums}, make {target}.")
    return report.with_mapping(method, ColumnMapping({"prompt": made}))


ANSWERS: list[Layout] = [
    sft(
        "tatsu-lab/alpaca",
        lambda n: {
            "instruction": q(n),
            "input": "" if n else C,
            "output": a(n),
            "text": f"Below is an instruction.\n\n### Instruction:\n{q(n)}\n\n### Response:\n{a(n)}",
        },
    ),
    sft("yahma/alpaca-cleaned", lambda n: {"output": a(n), "input": C if n % 2 else "", "instruction": q(n)}),
    sft(
        "databricks/databricks-dolly-15k",
        lambda n: {"instruction": q(n), "context": "" if n % 2 else C, "response": a(n), "category": "open_qa"},
    ),
    sft("sahil2801/CodeAlpaca-20k", lambda n: {"instruction": q(n), "input": "", "output": a(n)}),
    sft("ise-uiuc/Magicoder-Evol-Instruct-110K", lambda n: {"instruction": q(n), "response": a(n)}),
    sft(
        "WizardLMTeam/WizardLM_evol_instruct_V2_196k",
        lambda n: {"idx": f"i{n}", "conversations": [{"from": "human", "value": q(n)}, {"from": "gpt", "value": a(n)}]},
    ),
    sft(
        "iamtarun/python_code_instructions_18k_alpaca",
        lambda n: {
            "instruction": q(n),
            "input": "",
            "output": a(n),
            "prompt": f"Below is a task.\n### Instruction:\n{q(n)}\n### Output:\n{a(n)}",
        },
    ),
    sft(
        "b-mc2/sql-create-context",
        lambda n: {"answer": a(n), "question": q(n), "context": f"CREATE TABLE t{n} (x INTEGER)"},
        read=q(0),
    ),
    sft(
        "garage-bAInd/Open-Platypus",
        lambda n: {"input": "", "output": a(n), "instruction": q(n), "data_source": "airoboros"},
    ),
    sft(
        "meta-math/MetaMathQA",
        lambda n: {"type": "MATH_AnsAug", "query": q(n), "original_question": f"How far is {n}?", "response": a(n)},
    ),
    sft("openai/gsm8k", lambda n: {"question": q(n), "answer": f"{a(n)}\n#### {n}"}),
    Layout(
        "openai/gsm8k (online)",
        "GRPO",
        lambda n: {"question": q(n), "answer": f"{a(n)}\n#### {n}"},
        learned="",
        never=a(0),
    ),
    sft(
        "EleutherAI/hendrycks_math",
        lambda n: {"problem": q(n), "level": "Level 3", "type": "Algebra", "solution": _math(n)},
        learned=_math(0),
    ),
    sft(
        "AI-MO/NuminaMath-CoT",
        lambda n: {
            "source": "olympiads",
            "problem": q(n),
            "solution": a(n),
            "messages": [{"content": q(n), "role": "user"}, {"content": a(n), "role": "assistant"}],
        },
    ),
    Layout(
        "open-r1/OpenR1-Math-220k",
        "SFT",
        lambda n: {
            "problem": q(n),
            "solution": "It is so.",
            "answer": str(n),
            "problem_type": "Algebra",
            "question_type": "math-word-problem",
            "source": "olympiads",
            "uuid": f"u{n}",
            "is_reasoning_complete": [True, True],
            "generations": [a(n), b(n)],
            "correctness_math_verify": [True, False],
            "finish_reasons": None,
            "correctness_count": 1,
            "messages": [{"content": q(n), "role": "user"}, {"content": a(n), "role": "assistant"}],
        },
    ),
    sft(
        "open-r1/codeforces-cots",
        lambda n: {
            "id": f"{n}/A",
            "title": "A town",
            "description": q(n),
            "time_limit": 2.0,
            "prompt": f"Solve this: {q(n)}",
            "generation": a(n),
            "finish_reason": "stop",
            "messages": [{"role": "user", "content": f"Solve this: {q(n)}"}, {"role": "assistant", "content": a(n)}],
        },
    ),
    Layout(
        "BytedTsinghua-SIA/DAPO-Math-17k",
        "GRPO",
        lambda n: {
            "data_source": "math_dapo",
            "prompt": [{"content": q(n), "role": "user"}],
            "ability": "MATH",
            "reward_model": {"ground_truth": str(n), "style": "rule"},
            "extra_info": {"index": f"i{n}"},
        },
        learned="",
        never="",
    ),
    Layout(
        "Jiayi-Pan/Countdown-Tasks-3to4",
        "GRPO",
        lambda n: {"target": 40 + n, "nums": [3, 4, 30 + n]},
        learned="",
        read="40",
        never="",
        calls=(_typed,),
    ),
    sft("EdinburghNLP/xsum", lambda n: {"document": q(n), "summary": a(n), "id": f"{n}"}),
    sft("abisee/cnn_dailymail", lambda n: {"article": q(n), "highlights": a(n), "id": f"x{n}"}),
    sft("knkarthick/samsum", lambda n: {"id": f"{n}", "dialogue": f"Amanda: {q(n)}\nJerry: Sure!", "summary": a(n)}),
    sft("Helsinki-NLP/opus_books", lambda n: {"id": f"{n}", "translation": {"en": q(n), "fr": a(n)}}),
    sft("BelleGroup/train_1M_CN", lambda n: {"instruction": q(n), "input": "", "output": a(n)}),
    sft("YeungNLP/firefly-train-1.1M", lambda n: {"kind": "NLI", "input": q(n), "target": a(n)}),
    sft(
        "CohereLabs/aya_dataset",
        lambda n: {
            "inputs": q(n),
            "targets": a(n),
            "language": "English",
            "language_code": "eng",
            "annotation_type": "original-annotations",
            "user_id": f"u{n}",
        },
    ),
    sft("Muennighoff/flan", lambda n: {"inputs": q(n), "targets": a(n), "task": "cot_gsm8k"}),
    sft("bigscience/P3", lambda n: {"inputs_pretokenized": q(n), "targets_pretokenized": a(n)}),
    sft("rajpurkar/squad", _squad),
    sft(
        "openbookqa",
        lambda n: {
            "id": f"{n}",
            "question_stem": q(n),
            "choices": {"text": [b(n), a(n)], "label": ["A", "B"]},
            "answerKey": "B",
        },
    ),
    sft(
        "cais/mmlu",
        lambda n: {"question": q(n), "subject": "roads", "choices": [b(n), a(n), "No.", "Yes."], "answer": 1},
        never="Yes.",
    ),
    sft(
        "allenai/ai2_arc",
        lambda n: {
            "id": f"M{n}",
            "question": q(n),
            "choices": {"text": [b(n), a(n)], "label": ["A", "B"]},
            "answerKey": "B",
        },
    ),
    sft(
        "HuggingFaceTB/cosmopedia",
        lambda n: {
            "prompt": q(n),
            "text_token_length": 300,
            "text": a(n),
            "seed_data": "web",
            "format": "blog",
            "audience": "general",
        },
    ),
    sft("wikitext", lambda n: {"text": f"{q(n)} {a(n)}"}, learned=a(0), read=""),
    sft("roneneldan/TinyStories", lambda n: {"text": f"{q(n)} {a(n)}"}, read=""),
    sft(
        "nvidia/OpenMathInstruct-2",
        lambda n: {
            "problem": q(n),
            "generated_solution": a(n),
            "expected_answer": str(n),
            "problem_source": "augmented_math",
        },
    ),
    sft(
        "nvidia/OpenCodeReasoning",
        lambda n: {
            "id": f"i{n}",
            "input": q(n),
            "output": a(n),
            "source": "atcoder",
            "license": "mit",
            "dataset": "taco",
            "split": "test",
            "difficulty": "HARD",
            "solution": "x = 1",
        },
    ),
    sft(
        "facebook/natural_reasoning",
        lambda n: {
            "question": q(n),
            "reference_answer": "It is so.",
            "responses": [{"response_model": "Llama", "response": a(n)}],
        },
    ),
    sft(
        "bigcode/self-oss-instruct-sc2-exec-filter-50k",
        lambda n: {
            "fingerprint": None,
            "sha1": f"s{n}",
            "seed": "def f():",
            "response": a(n),
            "concepts": "[roads]",
            "prompt": f"<s>{q(n)}",
            "instruction": q(n),
            "id": n,
        },
    ),
    sft(
        "m-a-p/CodeFeedback-Filtered-Instruction",
        lambda n: {"query": q(n), "answer": a(n), "resource": "evol", "lang": "python"},
    ),
    sft(
        "lavita/ChatDoctor-HealthCareMagic-100k",
        lambda n: {"instruction": "If you are a doctor, please answer.", "input": q(n), "output": a(n)},
    ),
]
