"""Files that are almost right are refused, by numbers where nothing else can tell them."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.export.breakages import QUANTIZED, SIXTEEN_BITS, opened
from tests.export.running import call, one_step, result, run

pytestmark = pytest.mark.ci
CUT = "truncated"


@pytest.fixture(scope="module")
def said(models, tmp_path_factory):
    """What the checks say of each broken file; one process for all, for each would import transformers anew."""
    root = tmp_path_factory.mktemp("breakages")
    folder = shutil.copytree(models.full, root / "model")
    shutil.copy(models.base / "tokenizer.model", folder)
    shutil.copy(models.base / "tokenizer_config.json", folder)
    truth, sound, quantized = root / "truth.npz", root / "sound.gguf", root / "quantized.gguf"
    given = {"folder": folder, "sources": [models.full, None], "dtype": "bfloat16", "truth": truth, "prompt": "Hello"}
    beginning = result(run(call("compute", **given), root / "1"))["beginning"]
    convert = {"folder": folder, "file": sound, "outtype": "bf16", "name": "Tiny", "beginning": beginning}
    result(run(call("convert", **convert), root / "2"))
    result(run(call("quantize", source=sound, file=quantized, quantization="Q4_K_M"), root / "3"))
    files = {f"16 {name}": broken(sound, root, change) for name, change in SIXTEEN_BITS.items()}
    files |= {f"4 {name}": broken(quantized, root, change) for name, change in QUANTIZED.items()}
    files |= {"16 sound": str(sound), "4 sound": str(quantized), f"16 {CUT}": cut(sound, root)}
    script = one_step(f"""
def main():
    import os

    Original([{str(models.full)!r}])  # what is imported here need not be imported again
    for name, file in {files!r}.items():
        child = os.fork()
        if not child:
            print("CASE", json.dumps([name, check_one(name, file)]), flush=True)
            os._exit(0)
        if os.waitpid(child, 0)[1]:  # llama.cpp aborts the process for some of them, which ends a step
            print("CASE", json.dumps([name, "aborted"]), flush=True)
    os._exit(0)


def check_one(name, file):
    try:
        if name.startswith("4"):
            compare(file, {str(sound)!r})
        else:
            prove(file, {str(truth)!r})
        verify(file, [{str(models.full)!r}, {str(models.base)!r}], "Hello", 8)
        return "passed"
    except StepFailedError as error:
        return str(error)
    except Exception as error:
        return f"{{type(error).__name__}}: {{error}}"
""")
    ended = run(script, root / "out", GGML_NO_BACKTRACE="1")
    found = dict(json.loads(line[5:]) for line in ended.output.split("\n") if line.startswith("CASE "))
    assert set(found) == set(files), ended.output[-2000:]
    return found


def broken(file, root, change):
    """A copy of the file with the change."""
    copy = shutil.copy(file, root / f"{len(list(root.iterdir()))}.gguf")
    reader = opened(str(copy))
    change(reader)
    reader.data.flush()
    return str(copy)


def cut(file, root):
    """The file without its last tenth, as a full disk or a lost connection leaves it."""
    whole = file.read_bytes()
    (root / "cut.gguf").write_bytes(whole[: len(whole) * 9 // 10])
    return str(root / "cut.gguf")


def test_sound_files_pass(said):
    assert (said["16 sound"], said["4 sound"]) == ("passed", "passed")


BROKEN = [*(f"16 {name}" for name in (*SIXTEEN_BITS, CUT)), *(f"4 {name}" for name in QUANTIZED)]


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_is_refused(said, name):
    print(said[name])
    assert said[name] != "passed"
