"""What a report proposes is what a script trains on: mapped columns, fixed rows, the very texts, no row more."""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.data.mapping.column_mapping import MAPPING_ERRORS
from hfft_widgets.core.data.report import ValidationReport
from hfft_widgets.core.data.rows import numbered, prepared
from hfft_widgets.core.method import METHODS
from hfft_widgets.core.plan.plan import TrainingPlan
from tests.scripts import tiny_llava
from tests.scripts.prepared_cases import CASES, GOOD, Case, answer, user
from tests.scripts.running import SHORT, keeping_rows, run
from tests.scripts.test_resuming import TWELVE, continues_exactly

FAST = {"a good and a bad answer", "broken conversations", "instruction, input and output"}
ONE_EPOCH = {**SHORT, "max_steps": -1, "num_train_epochs": 1, "batch_size": 4, "accumulation": 1, "questions": 1}


@pytest.fixture
def model(sample_folders, tmp_path, case) -> Path:
    """The sample model, with the case's chat template if it has one of its own."""
    if not case.template:
        return hfft.samples.model()
    folder = shutil.copytree(hfft.samples.model(), tmp_path / "model")
    file = folder / "tokenizer_config.json"
    settings = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**settings, "chat_template": case.template}), "utf-8")
    return folder


def validated(case: Case, folder: Path, model: Path) -> ValidationReport:
    """The report on the case's rows as a file, with the mapping and the fixes that it offers itself."""
    file = folder / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, case.rows)), "utf-8")
    report = hfft.validate(str(file), model=model)
    verdict = report.verdicts[case.method]
    assert (verdict.status == "NEEDS MAPPING") is case.mapped
    if case.mapped:
        report = report.with_mapping(case.method, verdict.mapping)
    offered = [found.fix for found in report.findings if found.fix and case.method in found.effects]
    fixes = [fix for fix in offered if fix.rule != "as_turns"]  # texts of these cases stay texts
    assert {fix.rule for fix in fixes} == case.rules
    report = report.with_fixes(*fixes)
    assert report.verdicts[case.method].status == "READY"
    return report


def named(cases) -> list[Any]:
    return [pytest.param(case, id=f"{case.method} {case.name}") for case in cases]


def test_every_method_has_mapped_and_fixed_rows_and_learns_with_adapters_and_without():
    for method in METHODS:
        own = [case for case in CASES if case.method == method]
        assert {case.peft for case in own} == {"lora", "none"}
        assert any(case.mapped for case in own)
        assert any(case.rules for case in own)


@pytest.mark.parametrize("case", named(CASES))
def test_the_report_offers_what_gives_the_rows_that_were_meant(case, model, tmp_path):
    rows = validated(case, tmp_path, model).rows_for(case.method)
    assert rows[0] == case.first
    assert rows[GOOD:] == [meant for _, meant in case.kept]
    assert len(rows) == case.left


@pytest.mark.parametrize("case", named(CASES))
def test_the_lines_in_the_script_do_what_the_report_says(case, model, tmp_path):
    from datasets import load_dataset

    report = validated(case, tmp_path, model)
    scope = {"dataset": load_dataset(**report.reference)}
    exec(report.code(case.method), scope)
    assert list(scope["dataset"]) == report.rows_for(case.method)


@pytest.mark.parametrize("case", named(case for case in CASES if case.mapped))
def test_the_lines_of_a_mapping_do_to_odd_rows_what_it_does_or_fail_where_it_fails(case, model, tmp_path):
    from datasets import Dataset

    mapping = validated(case, tmp_path, model).mappings[case.method]
    rows = Dataset.from_list([*case.rows, *odd_cells(case)])
    code = mapping.code(rows.column_names)
    taken, meant = [], []
    for number, row in enumerate(rows):
        try:
            meant += mapping.apply([row])  # none of a row without a better answer
            taken.append(number)
        except MAPPING_ERRORS as error:
            with pytest.raises(type(error)):
                exec(code, {"dataset": rows.select([number])})
    scope = {"dataset": rows.select(taken)}
    exec(code, scope)
    assert len(taken) > GOOD
    assert list(scope["dataset"]) == meant


def odd_cells(case: Case) -> list[dict[str, Any]]:
    """The first row with each cell missing, empty, blank or half; and a row of nothing."""
    row = case.good(0)
    odd: list[dict[str, Any]] = [dict.fromkeys(row)]
    for name, cell in row.items():
        cells: list[Any] = [None]
        if isinstance(cell, str):
            cells += ["", " ", "null", "{", "\u2028'\"\\"]
        if isinstance(cell, list):
            cells += [[], cell[:1], [*cell, None], [dict.fromkeys(cell[0])] if isinstance(cell[0], dict) else cell]
        odd += [{**row, name: other} for other in cells]
    return odd


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case, id=f"{case.method} {case.name}", marks=pytest.mark.ci if case.name in FAST else pytest.mark.full
        )
        for case in CASES
    ],
)
def test_a_script_trains_on_the_rows_of_the_report_and_on_no_others(case, model, tmp_path):
    from transformers import AutoTokenizer

    report = validated(case, tmp_path, model)
    plan = hfft.plan_training(model, report, method=case.method, peft=case.peft, flavor="local", **ONE_EPOCH)
    assert plan.data.rows == case.left
    ended = run(keeping_rows(plan.script), tmp_path)
    assert ended.code == 0, ended.log
    assert ended.rows("dataset") == learned_rows(plan, report.rows_for(case.method))
    learned, held_out = ended.rows("train"), ended.rows("eval")
    assert len(held_out) == 4 * case.trained
    assert len(learned) == (case.left - 4) * case.trained
    tokenizer = AutoTokenizer.from_pretrained(model)
    assert texts(case.method, [*learned, *held_out], tokenizer) == meant(plan, report, tokenizer)
    steps = math.ceil(len(learned) / (2 if case.method in ONLINE else 4))  # there a step holds two answers to each
    assert list(ended.losses) == list(range(1, steps + 1))
    assert any(norm > 0 for _, norm in ended.losses.values())
    saved = "adapter_model.safetensors" if case.peft == "lora" else "model.safetensors"
    assert (tmp_path / "out" / saved).exists()


ONLINE = {"GRPO", "RLOO"}


def texts(method: str, rows: list[dict[str, Any]], tokenizer: Any) -> Counter[Any]:
    """What the model reads of each prepared row, and for SFT what of it is learned; for GRPO and RLOO the row."""

    def said(*ids: int) -> str:
        return tokenizer.decode(list(ids)).removeprefix(tokenizer.bos_token)

    def read(row: dict[str, Any]) -> Any:
        if method in ONLINE:
            return json.dumps(row, sort_keys=True)
        if method == "SFT":
            return said(*row["input_ids"]), said(*(token for token in row["labels"] if token != -100))
        if method == "Reward":
            return said(*row["chosen_ids"]), said(*row["rejected_ids"])
        if method == "KTO":
            return said(*row["prompt_ids"], *row["completion_ids"]), bool(row["label"])
        return tuple(said(*row["prompt_ids"], *row[name]) for name in ("chosen_ids", "rejected_ids"))

    return Counter(map(read, rows))


def meant(plan: TrainingPlan, report: ValidationReport, tokenizer: Any) -> Counter[Any]:
    """The same, as the report says it."""
    method = plan.method
    if method in ONLINE:
        return Counter(json.dumps(row, sort_keys=True) for row in report.rows_for(method))
    found: Counter[Any] = Counter()
    ready = prepared(numbered(report.rows), method, report.verdicts[method].mapping, report.fixes)
    for number, row in ready:
        passages = report.reading(method, number).passages
        whole = [plain(passage.text, tokenizer) for passage in passages]
        if method == "SFT":
            found[whole[0], plain(passages[0].learned, tokenizer)] += 1
        elif method == "KTO":
            found.update(zip(whole, [row["label"]] if "label" in row else [True, False], strict=True))
        else:
            found[tuple(whole)] += 1
    return found


def plain(text: str, tokenizer: Any) -> str:
    """A text as tokens can say it, without the mark of its beginning."""
    return tokenizer.decode(tokenizer(text, add_special_tokens=False).input_ids).removeprefix(tokenizer.bos_token)


def learned_rows(plan: TrainingPlan, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows as the script hands them on: where answers are not marked, the last one is taken apart."""
    if not plan.settings.answers_only:
        return rows
    return [{"prompt": row["messages"][:-1], "completion": row["messages"][-1:]} for row in rows]


# ---- pictures --------------------------------------------------------------------------------------

COLOURS = ("red", "green", "blue", "white", "black", "grey")


def shown(n: int) -> Any:
    """A picture that no other row has."""
    from PIL import Image

    return Image.new("RGB", (40 + n, 30), COLOURS[n % 6])


def seen(n: int) -> dict[str, Any]:
    return {"img": shown(n), "question": f"Which colour is number {n}?", "answer": COLOURS[n % 6]}


def told(n: int) -> dict[str, Any]:
    said = (("human", f"<image>\nWhich colour is number {n}?"), ("gpt", COLOURS[n % 6]))
    return {"image": shown(n), "conversations": [{"from": who, "value": text} for who, text in said]}


def compared(n: int) -> dict[str, Any]:
    answers = {"good_answer": COLOURS[n % 6], "bad_answer": "none of them"}
    return {"pictures": [shown(n)], "question": f"Which colour is number {n}?", **answers}


ASKED = user("Which colour is number 0?")


@pytest.mark.full
@pytest.mark.parametrize(
    ("method", "peft", "good", "odd", "rule", "first"),
    [
        ("SFT", "lora", seen, {**seen(30), "img": None}, "leave_out", {"prompt": ASKED, "completion": answer("red")}),
        ("SFT", "none", told, {**told(30), "conversations": None}, "is_conversation",
         {"messages": ASKED + answer("red")}),
        ("DPO", "none", compared, {**compared(30), "bad_answer": "red"}, "answers_differ",
         {"prompt": ASKED, "chosen": answer("red"), "rejected": answer("none of them")}),
        ("DPO", "lora", compared, {**compared(30), "pictures": [{"path": None, "bytes": b"none"}]}, "leave_out",
         {"prompt": ASKED, "chosen": answer("red"), "rejected": answer("none of them")}),
    ],
)  # fmt: skip
def test_pictures_of_other_names_are_seen_and_broken_ones_are_not(
    sample_folders, tmp_path, method, peft, good, odd, rule, first
):
    from datasets import Dataset

    model = tiny_llava.make(tmp_path / "llava", hfft.samples.model())
    Dataset.from_list([*map(good, range(16)), odd]).to_parquet(tmp_path / "rows.parquet")
    report = hfft.validate(str(tmp_path / "rows.parquet"), model=model)
    assert report.verdicts[method].status == "NEEDS MAPPING"
    report = report.with_mapping(method, report.verdicts[method].mapping)
    fixes = [found.fix for found in report.findings if found.fix and method in found.effects]
    assert {fix.rule for fix in fixes} == {rule}
    report = report.with_fixes(*fixes)
    plan = hfft.plan_training(model, report, method=method, peft=peft, flavor="local", **ONE_EPOCH)
    assert plan.data.rows == 16
    ended = run(keeping_rows(plan.script), tmp_path)
    assert ended.code == 0, ended.log
    rows = [{k: v for k, v in row.items() if k not in {"image", "images"}} for row in report.rows_for(method)]
    assert rows[0] == first
    assert ended.rows("dataset") == learned_rows(plan, rows)
    assert (len(ended.rows("train")), len(ended.rows("eval"))) == (12, 4)
    assert list(ended.losses) == [1, 2, 3]
    assert any(norm > 0 for _, norm in ended.losses.values())


# ---- killed ----------------------------------------------------------------------------------------


@pytest.mark.full
@pytest.mark.parametrize("case", named(case for case in CASES if case.name in FAST))
def test_killed_over_prepared_rows_it_goes_on_with_the_same_ones(case, model, tmp_path):
    report = validated(case, tmp_path, model)
    plan = hfft.plan_training(
        model, report, method=case.method, peft=case.peft, flavor="local", **{**SHORT, **TWELVE, "eval_rows": 4}
    )
    continues_exactly(plan.script, tmp_path)
