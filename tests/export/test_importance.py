"""An importance matrix of the training's own texts: made by hooks, read by the quantizer, and of use."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hfft_widgets.core.export.script import MODULES
from tests.export.running import one_step, run

pytestmark = pytest.mark.full
QUESTIONS = [{"asked": f"<|im_start|>user\nreturn the {n}. value of the list<|im_end|>\n", "after": "x",
              "expected": "def value(values):\n    return values[0]"} for n in range(30)]  # fmt: skip


@pytest.fixture(scope="module")
def weighed(tmp_path_factory):
    """How far files of few bits are from the 16-bit one on other texts of the kind, with the matrix and without."""
    from tests.export.recipes import build

    root = tmp_path_factory.mktemp("importance")
    trained, _ = build(root, "llama", "full")
    script = one_step(f"""
def main():
    work, model = Path({str(root)!r}), Path({str(trained)!r})
    gather(model, work / "copy")
    found = step("compute", "", folder=work / "copy", sources=[model, None], dtype="bfloat16", truth=work / "t",
                 prompt="Hi", importance=work / "imatrix.gguf", questions={QUESTIONS!r})
    repair(work / "copy", [model])
    step("convert", "", folder=work / "copy", file=work / "full.gguf", outtype="bf16", name="x",
         beginning=found["beginning"])
    told = {{"seen": found["importance"]}}
    for kind in ("Q2_K", "Q3_K_M", "IQ4_XS"):
        for weighed in (None, work / "imatrix.gguf"):
            file = work / f"{{kind}}-{{bool(weighed)}}.gguf"
            made = step("quantize", "", source=work / "full.gguf", file=file, quantization=kind, importance=weighed)
            step("compare", "", file=file, source=work / "full.gguf")
            told[f"{{kind}} {{bool(weighed)}}"] = made["importance"]
    print("RESULT", json.dumps(told))
""")
    ended = run(script, root / "out")
    assert ended.code == 0, ended.output
    (line,) = [line for line in ended.output.split("\n") if line.startswith("RESULT ")]
    return root, json.loads(line.removeprefix("RESULT "))


def test_every_matrix_but_the_embedding_is_seen(weighed):
    from hfft_widgets.scripts.gguf.extras.importance import read_importance

    root, told = weighed
    assert told["seen"]["matrices"] == 2 * 7 + 1
    assert told["seen"]["tokens"] > 500
    kept = read_importance(root / "imatrix.gguf")
    assert {"blk.0.attn_q", "blk.1.ffn_down", "output"} <= {name.removesuffix(".weight") for name in kept}
    assert all(values.dtype == np.float32 and (values >= 0).all() for values in kept.values())


def test_the_quantizer_uses_it(weighed):
    root, told = weighed
    for kind in ("Q2_K", "Q3_K_M", "IQ4_XS"):
        assert (told[f"{kind} False"], told[f"{kind} True"]) == (False, True)
        plain, matrix = ((root / f"{kind}-{one}.gguf").read_bytes() for one in (False, True))
        assert plain != matrix
        assert len(plain) == len(matrix)


def error_of_outputs(root, kind, weighed):
    """The mean squared error of what a layer computes, on inputs as large as the matrix says."""
    from hfft_widgets.scripts.gguf.extras.importance import read_importance
    from hfft_widgets.scripts.gguf.numbers import numbers_of, opened

    kept = read_importance(root / "imatrix.gguf")
    gguf, few = opened(root / f"{kind}-{weighed}.gguf")
    whole = {tensor.name: tensor for tensor in opened(root / "full.gguf")[1].tensors}
    off = size = 0.0
    for tensor in few.tensors:
        if tensor.name in kept and tensor.name.startswith("blk"):
            ours, theirs = (numbers_of(gguf, one, slice(None)) for one in (tensor, whole[tensor.name]))
            off += float(((ours - theirs) ** 2 @ kept[tensor.name]).sum())
            size += float((theirs**2 @ kept[tensor.name]).sum())
    return off / size


@pytest.mark.parametrize("kind", ["Q2_K", "Q3_K_M", "IQ4_XS"])
def test_what_the_layers_compute_is_nearer_with_it(weighed, kind):
    without, with_it = (error_of_outputs(weighed[0], kind, one) for one in (False, True))
    print(kind, without, with_it)
    assert with_it < without


def test_it_is_made_only_where_it_helps(models):
    rows = [{**row, "prompt": "x"} for row in QUESTIONS]
    few, usual = (models.plan("full", kind, questions=rows, longest=8).script for kind in ("Q2_K", "Q4_K_M"))
    assert "importance=importance, questions=QUESTIONS" in few
    assert "importance=importance" not in usual.split("# ----")[0]
    assert "extras.importance" in " ".join(f"gguf.{name}" if "." not in name else name for name in MODULES)
