"""Cards of values read back from JSON: of a live result, of what an earlier version kept, of a stranger's file."""

from __future__ import annotations

import ast
import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hfft_widgets
from hfft_widgets import cards
from hfft_widgets.core.data.report import validate_rows
from hfft_widgets.core.method import METHODS
from hfft_widgets.errors import HfftError, PlanError
from tests.cards.test_run import ENDED
from tests.core.data.small import CHATML, ROWS
from tests.core.data.test_report import HOSTILE, Seen
from tests.core.export.test_plan import plan_of
from tests.core.plan.reports import plan, report

FORMS = ("text", "markdown", "html")
PACKAGE = Path(hfft_widgets.__file__).parent


def refusal() -> Any:
    with pytest.raises(PlanError) as caught:
        plan("Qwen3-14B")
    return caught.value.refusal


def broken() -> Any:
    rows = [*ROWS["good and bad response"], {"prompt": "Why?", "good_response": None, "bad_response": "No."}]
    found = validate_rows(rows, name="x", model="m", template=CHATML)
    return found.with_mapping("DPO", found.verdicts["DPO"].mapping).with_fixes(found.findings[0].fix)


def edited() -> Any:
    made = plan()
    return made.with_script(made.script.replace("set_seed(SEED)", "set_seed(1)"))


RESULTS = {
    "report": lambda: report("messages", 300),
    "report with changes": broken,
    "plan": plan,
    "plan of answers": lambda: plan(kind="verifiable", method="GRPO", flavor="local", max_steps=2),
    "edited plan": edited,
    "refusal": refusal,
    "export": plan_of,
    "export that falls back": lambda: plan_of(quantizer_available=False),
    "run": lambda: cards.show(ENDED),
}


@pytest.fixture(params=RESULTS, scope="module")
def result(request: pytest.FixtureRequest) -> Any:
    return RESULTS[request.param]()


def shown(values: Any) -> list[str]:
    saved = cards.show(values)
    return [str(saved), saved.to_markdown(), saved._repr_html_()]


def test_values_read_back_show_the_card_of_the_live_result(result: Any) -> None:
    values = result.to_dict("card")
    read = json.loads(json.dumps(values))
    assert read == values
    assert shown(read) == [str(result), result.to_markdown(), result._repr_html_()]


def test_of_a_live_result_no_part_is_left_out(result: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`known` forgives what is missing in saved values; here it would hide a mistake."""
    for name, module in list(sys.modules.items()):
        if name.startswith("hfft_widgets.cards.") and hasattr(module, "known"):
            monkeypatch.setattr(module, "known", lambda part, *values: part(*values))
    assert all(shown(result.to_dict("card")))


def test_plain_values_show_what_is_there(result: Any) -> None:
    plain = json.loads(json.dumps(result.to_dict("plain")))
    assert "card" not in plain
    for page in shown(plain):
        assert str(plain.get("title") or plain["name"]) in page
    whole, less = Seen(result._repr_html_()).text, Seen(shown(plain)[2]).text
    assert len(less) > 0.2 * len(whole)


def test_values_hold_no_more_rows_than_are_shown() -> None:
    few, many = (report("messages", count).to_dict("card") for count in (100, 3000))
    assert len(few["card"]["rows"]) == len(many["card"]["rows"]) == 3
    assert len(json.dumps(many)) < 1.5 * len(json.dumps(few))
    assert len(json.dumps(plan().to_dict("card"))) < 40_000


def paths(values: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in items:
        yield (*here, key)
        yield from paths(value, (*here, key))


def at(values: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        values = values[key]
    return values


def test_whatever_is_missing_the_rest_is_shown(result: Any) -> None:
    values = result.to_dict("card")
    names = [path for path in paths(values) if len(path) <= 3 and isinstance(path[-1], str)]
    assert len(names) > 20
    for path in names:
        less = copy.deepcopy(values)
        del at(less, path[:-1])[path[-1]]
        if path not in {("kind",), ("verdicts",)}:  # what says which card it is
            assert all(shown(less))


def test_a_strangers_values_are_text(result: Any) -> None:
    values = copy.deepcopy(result.to_dict("card"))
    for path in list(paths(values)):
        if path[-1] not in {"kind", "stage", "status", "note"} and isinstance(at(values, path), str):
            at(values, path[:-1])[path[-1]] = HOSTILE
    page = Seen(shown(values)[2])
    assert not {"script", "img"} & set(page.tags)
    assert "javascript:" not in shown({**values, "page": "javascript:alert(1)"})[2].replace("&", "")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (
            "report",
            ["org/pairs", "READY", "BLOCKED BY ROWS", "tokens per row (median)", "the longest ", "checked all rows"],
        ),
        ("training", ["SFT of Qwen3-0.6B", "Fits with", "at most: stopped after", "Why this plan", "The model: 596 M"]),
        ("refusal", ["Not planned: SFT of Qwen3-14B", "models of 8 B and more", "at most, LoRA"]),
        ("export", ["as GGUF (Q4_K_M)", "the file, estimated", "Bits per weight", "keeps about"]),
    ],
)
def test_what_version_0_1_0_wrote_is_shown(kind: str, words: list[str]) -> None:
    values = json.loads((Path(__file__).parent / "saved_by_0_1_0.json").read_text("utf-8"))[kind]
    text, markdown, page = shown(values)
    assert [word for word in words if word not in page] == []
    assert len(text) > 300
    assert len(markdown) > 300


def test_cards_of_saved_values_need_neither_numpy_nor_arrow() -> None:
    code = """
import json, sys
from hfft_widgets import cards
for values in json.load(open(sys.argv[1], encoding="utf-8")).values():
    saved = cards.show(values)
    str(saved), saved.to_markdown(), saved._repr_html_()
loaded = {"numpy", "pyarrow", "jinja2", "ipywidgets"} & set(sys.modules)
assert not loaded, loaded
"""
    file = Path(__file__).parent / "saved_by_0_1_0.json"
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("values", [{}, {"kind": "x"}, {"kind": None, "name": "y"}, {"kind": []}, {"kind": ["run"]}])
def test_what_is_no_result_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(HfftError, match="no result that has a card"):
        cards.show(values)


# ---- what may know what ------------------------------------------------------------------------

MAY_BE_IMPORTED = {"card", "diff", "export.proof", "html", "method", "plan.settings.setting", "run.stage", "units"}


def imports(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    plain = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    names = {f"{node.module}.{alias.name}" for node in froms for alias in node.names}
    return names | {str(node.module) for node in froms} | {alias.name for node in plain for alias in node.names}


def test_core_knows_no_card() -> None:
    files = list((PACKAGE / "core").rglob("*.py"))
    assert len(files) > 40
    assert not [file for file in files if any("hfft_widgets.cards" in name for name in imports(file))]


@pytest.mark.parametrize("file", sorted((PACKAGE / "cards").glob("*.py")), ids=lambda file: file.stem)
def test_a_card_knows_values_alone_and_no_method(file: Path) -> None:
    modules = {
        name.removeprefix("hfft_widgets.core.") for name in imports(file) if name.startswith("hfft_widgets.core.")
    }
    inside = {
        name for name in modules if not any(name == known or name.startswith(f"{known}.") for known in MAY_BE_IMPORTED)
    }
    assert not inside
    texts = {node.value for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Constant)}
    assert not texts & set(METHODS)
