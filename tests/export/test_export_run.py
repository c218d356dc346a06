"""The export script run for real: merge, convert, quantize, check."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.export.running import Ended, run

STEPS = ("merge", "convert", "prove", "quantize", "compare", "verify")


@pytest.fixture(scope="module")
def exported(models, tmp_path_factory) -> Ended:
    """The adapter as Q4_K_M, made once."""
    return run(models.plan("adapter", "Q4_K_M").script, tmp_path_factory.mktemp("out") / "Ausgabe für 'mich'")


def test_adapter_becomes_a_verified_file(exported, models):
    assert exported.code == 0, exported.output
    assert exported.files == [
        "Tiny-Q4_K_M.Modelfile",
        "Tiny-Q4_K_M.gguf",
        "Tiny-Q4_K_M.json",
    ]  # nothing of the way is left
    told = exported.said("verified")
    assert told["verified"] is True
    assert told["strings"] == 18 + 5  # and the added tokens
    assert told["eos"] == "<|im_end|>"
    assert told["prompt"] == models.plan("adapter", "Q4_K_M").prompt
    assert told["answer"]
    assert isinstance(told["stopped"], bool)
    assert told["warnings"] in ([], ["It did not come to an end within 96 tokens."])  # as random weights have it
    assert told["vocabulary"] == 640
    assert told["weights"] == 21
    for found in (told["merge"], told["numbers"]):  # merged against unmerged, and the 16-bit file against it
        assert found["positions"] >= 120
        assert 0 < found["kl"] < 1e-3 * found["scale"]
        assert found["ties"] == 0
    assert sum(told["tensors"].values()) == 21
    assert set(told["tensors"]) == set(told["lost"]) == {"F32", "Q4_K", "Q6_K"}
    assert told["lost"]["F32"] == 0
    assert 0.05 < told["lost"]["Q4_K"] < 0.1
    assert told["questions"] is None  # it was trained by nobody
    file = exported.folder / "Tiny-Q4_K_M.gguf"
    assert told["file"] == str(file)
    assert told["bytes"] == file.stat().st_size
    assert exported.events[-1].kind == "end"
    assert exported.said("end")["file"] == str(file)


def test_progress_only_grows_and_names_every_step(exported):
    told = [event.data for event in exported.events if event.kind == "progress"]
    fractions = [data["fraction"] for data in told]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < 0.1
    assert 0.7 < fractions[-1] <= 1
    assert list(dict.fromkeys(data["stage"] for data in told)) == list(STEPS)
    assert all(data["message"] for data in told)
    assert [event.n for event in exported.events] == list(range(len(exported.events)))


def test_file_is_what_it_says(exported):
    """Read by another process, with the gguf library and with llama.cpp."""
    code = """
import os, sys
from hfft_widgets.scripts.gguf.converting import llama_cpp_folder
sys.path.insert(0, str(llama_cpp_folder() / "gguf-py"))
import gguf
reader = gguf.GGUFReader(sys.argv[1])
get = lambda key: reader.fields[key].contents()
print(get("general.name"), get("general.file_type"), get("tokenizer.ggml.model"), len(reader.tensors))
print(sorted({t.tensor_type.name for t in reader.tensors}))
from cyllama.llama import llama_cpp
model = llama_cpp.LlamaModel(path_model=sys.argv[1], verbose=False)
print(model.n_params, model.n_layer, model.get_vocab().n_vocab, flush=True)
os._exit(0)
"""
    file = str(exported.folder / "Tiny-Q4_K_M.gguf")
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=True, timeout=120)
    lines = [line for line in done.stdout.splitlines() if line]
    assert lines[0] == "Tiny 15 llama 21"
    assert lines[1] == "['F32', 'Q4_K', 'Q6_K']"
    assert lines[2].endswith(" 2 640")


def test_expected_size_is_near_the_real_one(exported, models):
    real = (exported.folder / "Tiny-Q4_K_M.gguf").stat().st_size
    assert models.plan("adapter", "Q4_K_M").size_bytes == pytest.approx(real, rel=0.05)


def test_again_only_checks_the_finished_file(exported, models, tmp_path):
    output = shutil.copytree(exported.folder, tmp_path / "out")
    again = run(models.plan("adapter", "Q4_K_M").script, output)
    assert again.code == 0, again.output
    assert {event.data["stage"] for event in again.events if event.kind == "progress"} == {"verify"}
    assert again.said("verified")["answer"] == exported.said("verified")["answer"]
    assert again.said("end")["file"] == str(output / "Tiny-Q4_K_M.gguf")


def test_finished_file_that_fails_its_check_is_not_kept(exported, models, tmp_path):
    output = tmp_path / "out"
    shutil.copytree(exported.folder, output)
    file = output / "Tiny-Q4_K_M.gguf"
    file.write_bytes(file.read_bytes()[:200_000])  # cut by a full disk
    ended = run(models.plan("adapter", "Q4_K_M").script, output)
    assert ended.code == 1
    assert "llama.cpp cannot load the file" in ended.said("error")["message"]
    assert not file.exists()


@pytest.mark.full
def test_several_files_of_one_conversion_are_proven_each(models, tmp_path):
    ended = run(models.plan("adapter", ["Q4_K_M", "Q8_0", "F16"]).script, tmp_path / "out")
    assert ended.code == 0, ended.output
    assert [name for name in ended.files if name.endswith(".gguf")] == [
        "Tiny-F16.gguf", "Tiny-Q4_K_M.gguf", "Tiny-Q8_0.gguf",
    ]  # fmt: skip
    told = ended.said("verified")
    kept = [told, *told["others"]]
    assert [Path(one["file"]).stem for one in kept] == ["Tiny-Q4_K_M", "Tiny-Q8_0", "Tiny-F16"]
    assert [one["verified"] for one in kept] == [True, True, True]
    assert [set(one.get("lost") or {}) for one in kept] == [{"F32", "Q4_K", "Q6_K"}, {"F32", "Q8_0"}, set()]
    stages = [event.data["stage"] for event in ended.events if event.kind == "progress"]
    begun = [stage for stage, before in zip(stages, [None, *stages], strict=False) if stage != before]
    assert begun.count("merge") == begun.count("convert") == 1
    fractions = [event.data["fraction"] for event in ended.events if event.kind == "progress"]
    assert fractions == sorted(fractions)


@pytest.mark.ci
def test_full_model_as_q8_without_llama_cpp_is_offered_with_a_warning(models, tmp_path):
    """The real thing where cyllama has no wheel: importing it fails."""
    blocked = tmp_path / "blocked" / "cyllama"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError('no cyllama for this system')", "utf-8")
    plan = models.plan("full", "Q4_K_M", quantizer_available=False)
    assert plan.quantization == "Q8_0"
    ended = run(plan.script, tmp_path / "out", PYTHONPATH=str(blocked.parent))
    assert ended.code == 0, ended.output
    assert ended.files == ["Tiny-Q8_0.Modelfile", "Tiny-Q8_0.gguf", "Tiny-Q8_0.json"]
    told = ended.said("verified")
    assert told["verified"] is False
    assert "no cyllama for this system" in told["reason"]
    assert told["answer"] is None
    assert told["eos"] == "<|im_end|>"
    assert told["numbers"] is None
    assert told["lost"]["Q8_0"] < 0.01  # compared with the 16-bit file all the same
    stages = {event.data["stage"] for event in ended.events if event.kind == "progress"}
    assert stages == {"compute", "convert", "prove", "compare", "verify"}


@pytest.mark.full
@pytest.mark.parametrize("quantization", ["Q3_K_M", "Q4_K_S", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16", "BF16"])
@pytest.mark.parametrize("kind", ["full", "adapter"])
def test_every_quantization(models, tmp_path, kind, quantization):
    plan = models.plan(kind, quantization)
    ended = run(plan.script, tmp_path / "out")
    assert ended.code == 0, ended.output
    told = ended.said("verified")
    assert told["verified"] is True
    assert Path(told["file"]).name == plan.file_name
    assert plan.size_bytes == pytest.approx(told["bytes"], rel=0.05)


def test_the_trained_model_stays_as_it_is(models, exported):
    """After all these exports: no file was added to the models' folders, none lost."""
    assert exported.code == 0
    assert not (models.adapter / "tokenizer.model").exists()
    assert not (models.full / "tokenizer.model").exists()
    assert "added_tokens_decoder" not in json.loads((models.full / "tokenizer_config.json").read_text("utf-8"))


def test_merge_adds_exactly_the_adapter(models, tmp_path):
    """W + alpha/r * B A (LoRA, 2021, section 4.1), rounded to the base's number format."""
    import torch
    from safetensors.torch import load_file

    from hfft_widgets.scripts.gguf.merging import merge

    found = merge([str(models.adapter)], str(models.base), "bfloat16", str(tmp_path), str(tmp_path / "truth"), "Hi")
    assert (found["dtype"], found["untied"]) == ("bfloat16", False)
    base = load_file(models.base / "model.safetensors")
    adapter = load_file(models.adapter / "adapter_model.safetensors")
    merged = load_file(tmp_path / "model.safetensors")
    assert merged.keys() == base.keys()
    changed = 0
    for name, weight in base.items():
        path = f"base_model.model.{name.removesuffix('.weight')}.lora_"
        if f"{path}A.weight" in adapter:
            delta = 8 / 4 * adapter[f"{path}B.weight"].float() @ adapter[f"{path}A.weight"].float()
            # peft rounds the change and then the sum, each to the 8 bits of bfloat16
            error = (merged[name].float() - weight.float() - delta).abs()
            assert (error <= 2**-8 * (delta.abs() + merged[name].float().abs()) + 1e-5).all(), name
            assert delta.abs().mean() > 20 * error.mean()
            changed += 1
        else:
            assert torch.equal(merged[name], weight)
    assert changed == 14
