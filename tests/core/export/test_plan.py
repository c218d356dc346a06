"""An export plan: what it decides, what it refuses, and that every rendering says the same."""

from __future__ import annotations

import ast
import dataclasses
import json
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfft_widgets.core.export.plan import DEFAULT_PROMPT, ExportPlan
from hfft_widgets.core.export.quantizations import ADAPTER, BY_CONVERTER, QUANTIZATIONS
from hfft_widgets.core.export.script import MODULES, recipe
from hfft_widgets.core.export.trained import Trained, make_export_plan
from hfft_widgets.core.script import RECIPE_END, read_plan
from hfft_widgets.core.units import bytes_text
from hfft_widgets.errors import ExportError

CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "hidden_size": 1024,
    "vocab_size": 151_936,
    "tie_word_embeddings": True,
    "dtype": "bfloat16",
}
LORA = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "Qwen/Qwen3-0.6B"}
FACTS = {
    "model": "runs/tuned",
    "config": CONFIG,
    "adapter_config": None,
    "base": None,
    "parameters": 596_049_920,
    "files": {"tokenizer.json", "model.safetensors"},
    "quantizer_available": True,
    "supported": {"Qwen3ForCausalLM"},
}


def plan_of(**changes) -> ExportPlan:
    """A plan from facts of which some are others; those of the model make a `Trained`."""
    given = {**FACTS, **changes}
    names = {field.name for field in dataclasses.fields(Trained)}
    trained = Trained(**{name: value for name, value in given.items() if name in names})
    return make_export_plan(trained, **{name: value for name, value in given.items() if name not in names})


# ---- what it decides -----------------------------------------------------------------------------


def test_full_model():
    plan = plan_of(name="Tuned")
    assert (plan.adapter, plan.base, plan.architecture) == (False, None, "Qwen3ForCausalLM")
    assert plan.file_name == "Tuned-Q4_K_M.gguf"
    assert plan.prompt == DEFAULT_PROMPT
    assert list(plan.step_seconds) == ["compute", "convert", "prove", "quantize", "compare", "verify"]
    assert plan.outtype == "bf16"
    assert plan.warnings == ()
    assert "peft" not in plan.modules
    assert plan.modules["cyllama"] == "gguf"


def test_adapter_is_merged_first():
    plan = plan_of(adapter_config=LORA)
    assert plan.adapter
    assert plan.base == "Qwen/Qwen3-0.6B"
    assert list(plan.step_seconds) == ["merge", "convert", "prove", "quantize", "compare", "verify"]
    assert plan.disk_bytes > plan_of().disk_bytes
    assert any("merged into its base" in reason for reason in plan.reasons)
    assert plan.modules["peft"] == "gguf"


def test_given_base_goes_before_the_adapters_word():
    assert plan_of(adapter_config=LORA, base="folder/base").base == "folder/base"


def test_base_of_a_full_model_only_lends_tokenizer_files():
    plan = plan_of(base="folder/base")
    assert not plan.adapter
    assert 'BASE = "folder/base"' in plan.script
    assert 'step("merge"' not in recipe(plan.steps)


def test_sizes_of_real_files():
    """Measured: Qwen3-0.6B and 1.7B as Q4_K_M, 397 and 1107 MB; Llama 3.1 8B from llama.cpp's own table (GiB)."""
    assert plan_of().size_bytes == pytest.approx(397e6, rel=0.01)
    bigger = plan_of(config={**CONFIG, "hidden_size": 2048}, parameters=1_720_574_976)
    assert bigger.size_bytes == pytest.approx(1107e6, rel=0.01)
    llama = {**CONFIG, "hidden_size": 4096, "vocab_size": 128_256, "tie_word_embeddings": False}
    table = {"Q3_K_M": 3.74, "Q4_K_S": 4.36, "Q4_K_M": 4.58, "Q5_K_M": 5.33, "Q6_K": 6.14, "Q8_0": 7.95, "F16": 14.96}
    sizes = plan_of(config=llama, parameters=8_030_261_248).sizes_bytes
    assert {name: round(sizes[name] / 2**30, 2) for name in table} == pytest.approx(table, abs=0.02)


def test_estimates_are_near_what_was_measured():
    """Peak anonymous memory of the merge at 0.6B was 1.3 GB and at 1.7B 3.2 GB; disk 2.4 and 7 GB."""
    small = plan_of(adapter_config=LORA)
    assert 1.3e9 < small.memory_bytes < 1.8e9
    assert small.disk_bytes == pytest.approx(2.5e9, rel=0.05)  # with what the trained model said
    big = plan_of(adapter_config=LORA, config={**CONFIG, "hidden_size": 2048}, parameters=1_720_574_976)
    assert 3.2e9 < big.memory_bytes < 4.2e9
    assert big.disk_bytes == pytest.approx(7e9, rel=0.05)


@pytest.mark.parametrize(
    ("dtype", "outtype"),
    [("bfloat16", "bf16"), ("float16", "f16"), ("float32", "f16"), (None, "auto"), ("int8", "auto")],
)
def test_sixteen_bit_file_fits_the_weights(dtype, outtype):
    assert plan_of(config={**CONFIG, "dtype": dtype}).outtype == outtype
    assert plan_of(config={**CONFIG, "dtype": None, "torch_dtype": dtype}).outtype == outtype


@pytest.mark.parametrize("name", [name for name in QUANTIZATIONS if name != ADAPTER])
def test_without_quantizer_only_what_the_converter_writes(name):
    plan = plan_of(quantization=name, quantizer_available=False)
    if name not in BY_CONVERTER:
        assert plan.quantization == "Q8_0"
        (warning,) = plan.warnings
        assert name in warning
        assert "Q8_0" in warning
        assert "cyllama" in warning
    else:
        assert plan.quantization == name
        assert plan.warnings == ()
    assert plan.outtype == (name.lower() if name in {"F16", "BF16"} else "bf16")  # what the converter writes first
    assert "quantize" not in plan.step_seconds
    assert 'step("quantize"' not in recipe(plan.steps)
    assert "cyllama" not in plan.modules


def test_hidden_size_that_k_quants_cannot_cut_is_warned_of():
    config = {**CONFIG, "hidden_size": 576}
    assert "576 is not a multiple of 256" in plan_of(config=config).warnings[0]
    assert plan_of(config=config, quantization="Q8_0").warnings == ()


def test_text_part_of_a_vision_model_is_taken():
    config = {
        "architectures": ["Gemma3ForConditionalGeneration"],
        "text_config": {k: CONFIG[k] for k in CONFIG if k != "architectures"},
    }
    plan = plan_of(config=config, supported={"Gemma3ForConditionalGeneration"})
    assert (plan.hidden_size, plan.tied_embeddings, plan.dtype) == (1024, True, "bfloat16")


# ---- what it refuses -----------------------------------------------------------------------------

REFUSED = {
    "unknown quantization": ({"quantization": "Q4"}, "Choose one of Q2_K, Q3_K_M, IQ4_XS"),
    "unsupported architecture": ({"config": {**CONFIG, "architectures": ["MllamaForConditionalGeneration"]}}, "Mllama"),
    "reward model": (
        {"config": {**CONFIG, "architectures": ["Qwen3ForSequenceClassification"]}, "supported": None},
        "scores",
    ),
    "reward adapter": ({"adapter_config": {**LORA, "task_type": "SEQ_CLS"}}, "scores, not text"),
    "prompt tuning": ({"adapter_config": {**LORA, "peft_type": "PROMPT_TUNING"}}, "LoRA"),
    "no config": ({"config": None}, "no config.json"),
    "empty config": ({"config": {}}, "no config.json"),
    "no architecture": ({"config": {**CONFIG, "architectures": None}}, "architecture"),
    "bitsandbytes": ({"config": {**CONFIG, "quantization_config": {"quant_method": "bitsandbytes"}}}, "bitsandbytes"),
    "quantized base": (
        {"adapter_config": LORA, "config": {**CONFIG, "quantization_config": {"quant_method": "fp8"}}},
        "unquantized model as base",
    ),
    "no tokenizer": ({"files": {"model.safetensors"}}, "tokenizer.save_pretrained"),
    "adapter without base": ({"adapter_config": {"peft_type": "LORA"}}, "base"),
    "no hidden size": ({"config": {k: v for k, v in CONFIG.items() if k != "hidden_size"}}, "hidden_size"),
    "no parameters": ({"parameters": 0}, "number of parameters"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_what_and_what_next(case):
    changes, words = REFUSED[case]
    with pytest.raises(ExportError) as caught:
        plan_of(**changes)
    assert words in str(caught.value)
    assert caught.value.remedy


def test_fp8_full_model_is_left_to_the_converter():
    assert plan_of(config={**CONFIG, "quantization_config": {"quant_method": "fp8"}}).quantization == "Q4_K_M"


def test_tokenizer_of_the_base_will_do():
    assert plan_of(adapter_config=LORA, files={"adapter_config.json"}, base_files={"tokenizer.json"}).adapter


# ---- changing, keeping, showing ------------------------------------------------------------------


def test_replace():
    plan = plan_of(name="Tuned")
    other = plan.replace(quantization="q5_k_m", name="New name", prompt="Why?")
    assert (other.quantization, other.file_name, other.prompt) == ("Q5_K_M", "New-name-Q5_K_M.gguf", "Why?")
    assert plan.file_name == "Tuned-Q4_K_M.gguf"
    assert other.fingerprint != plan.fingerprint == plan_of(name="Tuned").fingerprint
    with pytest.raises(ExportError, match="quantization, name, prompt"):
        plan.replace(size_bytes=3)
    with pytest.raises(ExportError, match="Unknown quantization"):
        plan.replace(quantization="tiny")


@pytest.mark.parametrize("changes", [{}, {"adapter_config": LORA}, {"quantizer_available": False}, {"name": "Ü" * 300}])
def test_dict_gives_the_plan_back(changes):
    plan = plan_of(**changes)
    values = json.loads(json.dumps(plan.to_dict()))
    assert ExportPlan.from_dict(values) == plan
    assert read_plan(plan.script) == values
    assert values["kind"] == "export"
    with pytest.raises(ExportError, match="model is missing"):
        ExportPlan.from_dict({k: v for k, v in values.items() if k != "model"})


class _Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.words, self.tags, self.style = [], [], False

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.style = tag == "style"

    def handle_endtag(self, tag):
        self.style = False

    def handle_data(self, data):
        if not self.style:
            self.words.append(data)


def text_of(html: str) -> tuple[str, list[str]]:
    reader = _Text()
    reader.feed(html)
    return "".join(reader.words), reader.tags


def test_text_html_and_markdown_agree():
    plan = plan_of(adapter_config=LORA, quantizer_available=False)
    html, _ = text_of(plan._repr_html_())
    markdown, text = plan.to_markdown(), str(plan)
    for said in (plan.title, bytes_text(plan.size_bytes), bytes_text(plan.disk_bytes), *plan.reasons, *plan.warnings):
        assert said in html
        assert said in text
        assert said in markdown
    for name, size in plan.sizes_bytes.items():
        assert name in html
        assert bytes_text(size) in html
    assert plan._repr_html_().count("<style>") == 1
    assert '<tr class="sel">' in plan._repr_html_()
    assert plan.fingerprint in repr(plan)


def test_lesson_comes_first_and_is_short():
    plan = plan_of(adapter_config=LORA)
    first = plan.script.partition(RECIPE_END)[0]
    code = first.partition("# ///\n")[2]
    assert len(code.splitlines()) < 66
    assert code.index("def main()") < code.index('step("merge"') < code.index("repair(") < code.index('step("quantize"')
    assert plan.script.rstrip().endswith("run(main)")


def test_script_is_python_and_its_names_are_unique():
    """The runtime is inlined in one file: a name used twice would silently replace the first."""
    tree = ast.parse(plan_of(adapter_config=LORA).script)
    names = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    names += [
        t.id for node in tree.body if isinstance(node, ast.Assign) for t in node.targets if isinstance(t, ast.Name)
    ]
    names += [node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)]
    imported = {
        alias.asname or alias.name.partition(".")[0]
        for node in tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert len(names) == len(set(names)), sorted({n for n in names if names.count(n) > 1})
    assert not set(names) & imported
    assert "hfft_widgets" not in imported
    assert all(f"# ---- {module} " in plan_of().script for module in MODULES)


NASTY = st.text(min_size=1, max_size=200)


@settings(max_examples=25, deadline=None)
@given(model=NASTY, base=NASTY, name=st.text(max_size=200), prompt=NASTY)
def test_no_name_becomes_code_or_markup(model, base, name, prompt):
    marked = f"{model}\"'\n<script>alert(1)</script>\\"
    plan = plan_of(model=marked, adapter_config=LORA, base=base, name=name, prompt=prompt + marked)
    tree = ast.parse(plan.script)
    values = {
        target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in {"MODEL", "BASE", "PROMPT", "NAME"}
    }
    assert values == {"MODEL": marked, "BASE": base, "PROMPT": prompt + marked, "NAME": plan.name}
    assert plan.script.isascii()
    assert "script" not in text_of(plan._repr_html_())[1]


# ---- several files of one conversion ---------------------------------------------------------------------------------


def test_several_files_are_made_of_one_conversion():
    one, both = plan_of(), plan_of(quantization=["f16", "Q4_K_M", "Q8_0", "q4_k_m"])
    assert both.quantizations == ("Q4_K_M", "Q8_0", "F16")
    assert (both.file_name, both.outtype) == (one.file_name, "f16")
    assert both.disk_bytes > one.disk_bytes
    assert both.step_seconds["convert"] == one.step_seconds["convert"]
    assert both.step_seconds["verify"] == pytest.approx(3 * one.step_seconds["verify"], abs=0.2)
    assert both.fingerprint != one.fingerprint
    assert 'QUANTIZATIONS = ["Q4_K_M", "Q8_0", "F16"]' in both.script
    assert ExportPlan.from_dict(json.loads(json.dumps(both.to_dict()))) == both
    assert both.replace(quantization="Q8_0").quantizations == ("Q8_0",)
    assert "Q8_0, about 6" in str(both)


@pytest.mark.parametrize("asked", [[], ["F16", "BF16"], "Q4_K_M, Q9", ""])
def test_what_no_export_can_make_is_refused(asked):
    with pytest.raises(ExportError, match=r"uantization|conversions"):
        plan_of(quantization=asked)


def test_without_the_quantizer_several_become_what_the_converter_writes():
    assert plan_of(quantization=["Q4_K_M", "Q6_K"], quantizer_available=False).quantizations == ("Q8_0",)
