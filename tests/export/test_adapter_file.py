"""The adapter as a GGUF file of its own: added to its base it is the trained model, or it is refused."""

from __future__ import annotations

import json
import shutil

import pytest

import hfft_widgets as hfft
from hfft_widgets.errors import ExportError
from tests.export.breakages import opened
from tests.export.recipes import build
from tests.export.running import one_step, run


@pytest.fixture(scope="module")
def scaled(tmp_path_factory):
    """An adapter that peft scales otherwise than llama.cpp; its folder, its base and its files of each step."""
    root = tmp_path_factory.mktemp("adapter")
    trained, _ = build(root, "llama", "lora")
    config = json.loads((trained / "adapter_config.json").read_text("utf-8"))
    # another alpha is another trained model, and a small one: the files on the way are made from it all the same
    config |= {"use_rslora": True, "alpha_pattern": {"v_proj": 4}}
    (trained / "adapter_config.json").write_text(json.dumps(config), "utf-8")
    return trained


@pytest.fixture(scope="module")
def alone(scaled, tmp_path_factory):
    plan = hfft.plan_export(scaled, quantization="LoRA")
    return plan, run(plan.script, tmp_path_factory.mktemp("out") / "made")


@pytest.mark.ci
def test_adapter_becomes_a_small_file_that_is_proven_with_its_base(alone):
    plan, ended = alone
    assert ended.code == 0, ended.output
    told = ended.said("verified")
    assert told["alone"]["changed"] == 6  # three matrices of two layers
    assert told["alone"]["off"] < 0.02
    assert told["bytes"] == pytest.approx(plan.size_bytes, rel=0.1)
    assert told["bytes"] < plan.sizes_bytes["Q2_K"] / 4
    assert told["answer"] is not None
    modelfile = next(ended.folder.glob("*.Modelfile")).read_text("utf-8")
    assert "ADAPTER ./" in modelfile
    assert "--lora" in plan.commands()["llama.cpp"]
    assert ended.files == sorted(ended.files)
    assert len(ended.files) == 3


BROKEN = {
    "twice as much": lambda reader: reader.fields["adapter.lora.alpha"].parts[-1].__imul__(2),
    "one matrix lost": lambda reader: reader.tensors[1].data.__imul__(0),
    "signs turned": lambda reader: reader.tensors[3].data.__imul__(-1),
    "not a number": lambda reader: reader.tensors[0].data.__setitem__((0, 0), float("nan")),
}


@pytest.mark.full
def test_a_file_that_is_not_the_adapter_is_refused(alone, scaled, tmp_path):
    file = next(alone[1].folder.glob("*.gguf"))
    files = {}
    for name, change in BROKEN.items():
        files[name] = shutil.copy(file, tmp_path / f"{len(files)}.gguf")
        reader = opened(str(files[name]))
        change(reader)
        reader.data.flush()
    given = {name: str(one) for name, one in files.items()} | {"sound": str(file)}
    made = {"base": str(scaled.parent / "base"), "work": str(tmp_path)}
    script = one_step(f"""
def main():
    work = Path({made["work"]!r})
    base, model = Path({made["base"]!r}), work / "model"
    beginning = step("merge", "", adapters=[{str(scaled)!r}], base=base, dtype="bfloat16", folder=model,
                     truth=work / "t", prompt="Hi")["beginning"]
    gather(base, work / "base")
    for folder in (model, work / "base"):
        repair(folder, [{str(scaled)!r}, base])
        step("convert", "", folder=folder, file=f"{{folder}}.gguf", outtype="bf16", name="x", beginning=beginning)
    for name, file in {given!r}.items():
        try:
            step("prove_adapter", "", file=file, base=work / "base.gguf", full=work / "model.gguf")
            print("CASE", json.dumps([name, "passed"]))
        except StepFailedError as error:
            print("CASE", json.dumps([name, str(error)]))
""")
    ended = run(script, tmp_path / "out")
    assert ended.code == 0, ended.output
    said = dict(json.loads(line[5:]) for line in ended.output.split("\n") if line.startswith("CASE "))
    assert said.pop("sound") == "passed"
    assert set(said) == set(BROKEN)
    assert all("passed" not in words for words in said.values()), said
    assert "2.00 times the trained one" in said["twice as much"] or "another one" in said["twice as much"]


@pytest.mark.full
@pytest.mark.parametrize(
    ("way", "words"),
    [("dora", "trained with DoRA"), ("both saved", "whole matrices"), ("chain", "on another adapter")],
)
def test_what_llama_cpp_cannot_add_is_refused_before_any_work(way, words, tmp_path):
    trained, _ = build(tmp_path, "llama", way)
    with pytest.raises(ExportError, match=words):
        hfft.plan_export(trained, quantization="LoRA")


def test_a_whole_model_is_no_adapter(models):
    with pytest.raises(ExportError, match="no adapter"):
        hfft.plan_export(models.full, base=models.base, quantization="LoRA")
