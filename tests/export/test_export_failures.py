"""What goes wrong is told with its reason, and leaves no file that looks finished."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import signal
import sys
import time

import pytest

from tests.export.running import TEMPLATE, call, one_step, result, run, start


def refused(ended) -> dict:
    """The error of a script that failed as it should."""
    assert ended.code == 1, ended.output
    assert not [name for name in ended.files if ".gguf" in name or name == "work"]
    error = ended.said("error")
    assert error["remedy"]
    return error


@pytest.fixture
def full(models, tmp_path):
    """A copy of the full model that a test may damage."""
    return shutil.copytree(models.full, tmp_path / "full")


def script_for(models, folder, **changes):
    """The export of a damaged copy, planned when it was whole."""
    return dataclasses.replace(models.plan("full", "Q8_0"), model=str(folder), **changes).script


def test_sentencepiece_file_nowhere_is_refused_before_any_work(models, full, tmp_path):
    script = script_for(models, full, base=None)
    error = refused(run(script, tmp_path / "out"))
    assert "tokenizer.model" in error["message"]
    assert "base model" in error["remedy"]


def test_unknown_architecture_tells_the_converters_reason(models, full, tmp_path):
    config = json.loads((full / "config.json").read_text("utf-8"))
    (full / "config.json").write_text(json.dumps({**config, "architectures": ["UnheardOfForCausalLM"]}), "utf-8")
    error = refused(run(script_for(models, full), tmp_path / "out"))
    assert "UnheardOfForCausalLM is not supported" in error["message"]
    assert "'convert'" in error["message"]


def test_model_that_is_gone(models, tmp_path):
    error = refused(run(script_for(models, tmp_path), tmp_path / "out"))
    assert "config.json" in error["message"]


def test_adapter_of_another_model_is_refused(models, tmp_path):
    from safetensors.torch import load_file, save_file

    adapter = shutil.copytree(models.adapter, tmp_path / "adapter")
    weights = load_file(adapter / "adapter_model.safetensors")
    other = {name.replace("layers.1.", "layers.7."): value for name, value in weights.items()}
    save_file(other, adapter / "adapter_model.safetensors")
    given = {"dtype": "bfloat16", "folder": tmp_path / "merged", "truth": tmp_path / "truth", "prompt": "Hi"}
    script = call("merge", adapters=[adapter], base=models.base, **given)
    error = refused(run(script, tmp_path / "out"))
    assert "adapter" in error["message"]
    assert "trained on" in error["remedy"]


@pytest.fixture(scope="module")
def sixteen_bit(models, tmp_path_factory):
    """The full model as a 16-bit GGUF file, and the same without tokenizer.model, made by the real converter."""
    root = tmp_path_factory.mktemp("sixteen")
    made = {}
    for kind in ("right", "no scores"):
        folder = shutil.copytree(models.full, root / kind)
        if kind == "right":
            shutil.copy(models.base / "tokenizer.model", folder)
            shutil.copy(models.base / "tokenizer_config.json", folder)
        made[kind] = root / f"{kind}.gguf"
        script = call("convert", folder=folder, file=made[kind], outtype="bf16", name="Tiny")
        result(run(script, root / "out"))
    return made


@pytest.fixture(scope="module")
def checks(models, sixteen_bit, tmp_path_factory):
    """What the real check says in each case; one process for all, for each case imports transformers anew."""
    root = tmp_path_factory.mktemp("checks")
    cases = {
        "right": {},
        "no scores": {"file": sixteen_bit["no scores"]},
        "long prompt": {"prompt": "Ein Text. " * 600},
    }
    for name, changes in {
        "shifted markers": {"tokenizer.json": {"<|im_start|>": "<|im_end|>", "<|im_end|>": "<|im_start|>"}},
        "other end": {"tokenizer_config.json": {"<|im_end|>": "</s>"}, "generation_config.json": {"4": "2"}},
        "other template": {"chat_template.jinja": {"<|im_start|>": "<|im_start|> "}},
        "no template": {"chat_template.jinja": {TEMPLATE: ""}},
    }.items():
        folder = shutil.copytree(models.full, root / name)
        for file, words in changes.items():
            text = (folder / file).read_text("utf-8")
            assert all(word in text for word in words)
            (folder / file).write_text(re.sub("|".join(map(re.escape, words)), lambda m: words[m[0]], text), "utf-8")  # noqa: B023
        cases[name] = {"sources": [str(folder)]}
    given = {"file": sixteen_bit["right"], "sources": [models.full, models.base], "prompt": "Hello", "max_tokens": 4}
    script = one_step(f"""
def main():
    import json, os

    for name, case in {json.loads(json.dumps({n: {**given, **c} for n, c in cases.items()}, default=str))!r}.items():
        try:
            found = verify(**case)
        except StepFailedError as error:
            found = {{"refused": str(error), "remedy": error.remedy}}
        print("CASE", json.dumps([name, found]), flush=True)
    os._exit(0)
""")
    ended = run(script, root / "out")
    said = [json.loads(line[5:]) for line in ended.output.split("\n") if line.startswith("CASE ")]
    assert [name for name, _ in said] == list(cases), ended.output
    return dict(said)


def test_right_file_passes(checks):
    assert checks["right"]["verified"] is True
    assert checks["right"]["strings"] == 23


def test_prompt_longer_than_the_models_context_is_still_answered(checks):
    assert checks["long prompt"]["verified"] is True
    assert checks["long prompt"]["answer"] is not None


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("no scores", "same score for every token"),
        ("shifted markers", "Token 3 is '<|im_end|>' in the model"),
        ("other end", "ends its answers with </s>"),
        ("other template", "chat template is not the model's"),
        ("no template", "chat template is not the model's"),
    ],
)
def test_file_that_is_not_the_model_is_refused(checks, case, words):
    assert words in checks[case]["refused"]
    assert checks[case]["remedy"]


def test_refusal_ends_the_script_with_an_error(models, sixteen_bit, tmp_path):
    """A vocabulary without scores, as the converter alone would make it, and nobody would notice."""
    script = call("verify", file=sixteen_bit["no scores"], sources=[models.full], prompt="Hello", max_tokens=4)
    assert "same score for every token" in refused(run(script, tmp_path / "out"))["message"]


def test_quantizer_tells_its_reason(sixteen_bit, tmp_path):
    broken = tmp_path / "broken.gguf"
    data = sixteen_bit["right"].read_bytes()
    key = b"general.architecture"
    at = data.index(b"llama", data.index(key) + len(key))
    broken.write_bytes(data[:at] + b"llamX" + data[at + 5 :])
    script = call("quantize", source=broken, file=tmp_path / "q.gguf", quantization="Q4_K_M")
    error = refused(run(script, tmp_path / "out"))
    assert "unknown model architecture: 'llamX'" in error["message"]
    assert "Q8_0" in error["remedy"]


@pytest.mark.skipif(sys.platform == "win32", reason="an abort has no signal on Windows")
def test_abort_in_llama_cpp_becomes_an_error(sixteen_bit, tmp_path):
    """cyllama 0.2.18 really aborts when it loads a vocabulary alone."""
    script = one_step(f"""
def main():
    step("load", "Loading")


def load():
    from cyllama.llama import llama_cpp

    settings = llama_cpp.LlamaModelParams()
    settings.vocab_only = True
    llama_cpp.LlamaModel(path_model={str(sixteen_bit["right"])!r}, params=settings, verbose=False)
    return {{}}


def add_step():
    STEPS["load"] = load
""")
    script = script.replace('if __name__ == "__main__":', 'add_step()\n\nif __name__ == "__main__":')
    error = refused(run(script, tmp_path / "out"))
    assert "aborted by llama.cpp" in error["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_killed_step_says_memory(tmp_path):
    script = one_step("import os\n\n\ndef main():\n    step('die', 'Dying')\n")
    script = script.replace(
        'if __name__ == "__main__":', 'STEPS["die"] = lambda: os.kill(os.getpid(), 9)\n\nif __name__ == "__main__":'
    )
    error = refused(run(script, tmp_path / "out"))
    assert error["type"] == "MemoryError"
    assert "memory" in error["message"]


def test_somebody_elses_work_folder_is_left_alone(models, tmp_path):
    precious = tmp_path / "out" / "work" / "thesis.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("five years", "utf-8")
    ended = run(models.plan("full", "Q8_0").script, tmp_path / "out")
    assert ended.code == 1
    assert "was not made by an export" in ended.said("error")["message"]
    assert precious.read_text("utf-8") == "five years"


def child_of(process):
    """The process of the step that runs."""
    import psutil

    end = time.monotonic() + 30
    while time.monotonic() < end:
        if children := psutil.Process(process.pid).children():
            return children[0]
        time.sleep(0.02)
    raise AssertionError("no step was started")


def until(process, words: str) -> str:
    """Read a script's output up to a line with these words."""
    seen = ""
    for line in process.stdout:
        seen += line
        if words in line:
            return seen
    raise AssertionError(seen)


def wait_until_gone(child, seconds=20):
    """Ended, or at least a zombie that nobody has collected yet."""
    import psutil

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if child.status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
        time.sleep(0.1)
    raise AssertionError(child)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM ends a process at once on Windows")
@pytest.mark.parametrize("whole_group", [False, True])
def test_cancel_ends_the_step_and_leaves_no_file(models, tmp_path, whole_group):
    process = start(models.plan("adapter", "Q4_K_M").script, tmp_path / "out")
    until(process, '"stage": "merge"')
    child = child_of(process)
    os.killpg(process.pid, signal.SIGTERM) if whole_group else process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == 143
    assert '"event": "stopped"' in rest
    assert '"event": "error"' not in rest
    # a signal that came while the step was being started leaves it to notice by itself
    wait_until_gone(child)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="a parent's id never changes on Windows")
def test_step_leaves_when_the_script_is_killed(models, tmp_path):
    process = start(models.plan("full", "Q8_0").script, tmp_path / "out")
    until(process, '"stage": "convert"')
    child = child_of(process)
    process.kill()
    process.wait()
    wait_until_gone(child)
    assert not list((tmp_path / "out").glob("*.gguf"))


# ---- what a machine does to an export --------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="a parent's id never changes on Windows")
@pytest.mark.parametrize(
    ("step", "goes_on_with", "left"),
    [
        pytest.param("convert", "model", {"model", "truth.npz"}, marks=pytest.mark.full),
        pytest.param("prove", "16-bit.gguf", {"16-bit.gguf", "truth.npz"}, marks=pytest.mark.ci),
        pytest.param("verify", "Q4_K_M.gguf.part", {"Q4_K_M.gguf.part", "truth.npz"}, marks=pytest.mark.full),
    ],
)
def test_an_export_that_is_killed_goes_on_from_what_it_had_finished(models, tmp_path, step, goes_on_with, left):
    script = models.plan("adapter", "Q4_K_M").script
    process = start(script, tmp_path / "out")
    until(process, f'"stage": "{step}"')
    child = child_of(process)
    process.kill()
    process.wait()
    wait_until_gone(child)
    # what was needed no more gave its disk back already
    names = {path.name for path in (tmp_path / "out" / "work").iterdir()}
    whole = {name for name in names if not name.endswith((".json", "export"))}
    half = {"16-bit.gguf"} if step == "convert" else set()
    assert whole - half == left
    ended = run(script, tmp_path / "out")
    assert ended.code == 0, ended.output
    assert f"Going on with {goes_on_with}" in ended.output
    assert '"stage": "merge"' not in ended.output
    assert ended.said("verified")["verified"] is True
    assert [name for name in ended.files if name == "work"] == []


@pytest.mark.full
def test_a_cut_shard_is_said_and_the_whole_one_completes(models, full, tmp_path):
    script = script_for(models, full, requested="BF16")
    weights = full / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    ended = run(script, tmp_path / "out")
    assert (ended.code, ended.files) == (1, [])
    assert "'compute' failed" in ended.said("error")["message"]
    weights.write_bytes(whole)
    assert run(script, tmp_path / "out").code == 0


@pytest.mark.full
def test_a_broken_tokenizer_is_said_and_the_mended_one_completes(models, full, tmp_path):
    script = script_for(models, full, requested="BF16")
    file = full / "tokenizer.json"
    whole = file.read_text("utf-8")
    file.write_text(whole[:1000], "utf-8")
    ended = run(script, tmp_path / "out")
    assert (ended.code, ended.files) == (1, [])
    assert ended.said("error")["message"]
    file.write_text(whole, "utf-8")
    assert run(script, tmp_path / "out").code == 0


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no limit for the size of files")
def test_a_disk_that_takes_no_more_is_said_and_the_next_run_completes(models, full, tmp_path):
    script = script_for(models, full, requested="BF16")
    limit = "import resource\n    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, -1))\n    "
    ended = run(script.replace("def main():\n    ", f"def main():\n    {limit}", 1), tmp_path / "out")
    assert (ended.code, ended.files) == (1, [])
    assert "larger disk" in ended.said("error")["remedy"]
    assert run(script, tmp_path / "out").code == 0


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_a_step_that_is_killed_leaves_no_file_and_the_next_run_completes(models, full, tmp_path):
    script = script_for(models, full, requested="BF16")
    killed = script.replace(
        'STEPS["convert"] = convert', 'STEPS["convert"] = lambda **given: os.kill(os.getpid(), 9)', 1
    )
    ended = run(killed, tmp_path / "out")
    assert (ended.code, ended.files) == (1, [])
    assert "killed" in ended.said("error")["message"]
    assert run(script, tmp_path / "out").code == 0
