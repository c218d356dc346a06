"""Architectures times ways to train: each file is the trained model by our own numbers, or is refused in the plan."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import hfft_widgets as hfft
from hfft_widgets.errors import ExportError
from tests.export.recipes import ARCHITECTURES, WAYS, build, refused
from tests.export.running import run

TEXTS = (
    "The quick brown fox jumps over the lazy dog while the people of the village watch from the hill.",
    "def parse(args, values=None):\n    for item in args:\n        if item.startswith('--'):\n            yield item",
)
# The probabilities that llama.cpp gives, token by token: not the way in which the export looks at them.
LOOK = """
import json, os, sys
import numpy as np
from cyllama.llama import llama_cpp as cy

class Sized(cy.LlamaModel):
    n_vocab = property(lambda self: self.get_vocab().n_vocab)

model = Sized(path_model=sys.argv[1], verbose=False)
settings = cy.LlamaContextParams()
settings.n_ctx, found = 512, []
for ids in json.loads(sys.argv[2]):
    context = cy.LlamaContext(model=model, params=settings, verbose=False)
    for place, token in enumerate(ids):
        context.decode(cy.llama_batch_get_one([token], place))
        found.append(context.get_logits()[: model.n_vocab])
np.save(sys.argv[3], np.array(found, np.float64))
os._exit(0)
"""


def log_softmax(logits):
    import numpy as np

    top = logits - logits.max(-1, keepdims=True)
    return top - np.log(np.exp(top).sum(-1, keepdims=True))


def divergence(reference, trained, file, folder) -> tuple[float, float]:
    """Kullback-Leibler divergence of the file, and of unrelated positions of the model."""
    import numpy as np
    import torch
    from transformers import AutoTokenizer

    words = AutoTokenizer.from_pretrained(trained)
    texts = [words(text, add_special_tokens=False).input_ids[:40] for text in TEXTS]
    model = reference.float().eval()
    with torch.no_grad():
        said = torch.cat([model(torch.tensor([ids])).logits[0] for ids in texts]).double().numpy()
    command = [sys.executable, "-c", LOOK, str(file), json.dumps(texts), str(folder / "logits.npy")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    ours, theirs = log_softmax(said), log_softmax(np.load(folder / "logits.npy"))
    width = min(ours.shape[1], theirs.shape[1])
    ours, theirs = ours[:, :width], theirs[:, :width]
    apart = (np.exp(ours) * (ours - theirs)).sum(-1)
    far = (np.exp(ours[:-7]) * (ours[:-7] - ours[7:])).sum(-1)
    return float(np.median(apart)), float(far.mean())


MATRIX = [(architecture, way) for architecture in ARCHITECTURES for way in WAYS]
OFTEN = {("llama tied", "embedding and head"), ("gemma 3", "added"), ("llama", "chain")}


@pytest.mark.parametrize(
    ("architecture", "way"),
    [pytest.param(*cell, marks=pytest.mark.ci if cell in OFTEN else pytest.mark.full) for cell in MATRIX],
)
def test_file_is_the_model_or_refused_in_the_plan(architecture, way, tmp_path):
    trained, reference = build(tmp_path, architecture, way)
    if refused(architecture, way):
        with pytest.raises(ExportError) as caught:
            hfft.plan_export(trained, quantization="BF16")
        assert caught.value.remedy
        return
    plan = hfft.plan_export(trained, quantization="BF16")
    ended = run(plan.script, tmp_path / "out")
    assert ended.code == 0, ended.output
    told = ended.said("verified")
    assert told["verified"] is True
    assert told["bytes"] == pytest.approx(plan.size_bytes, rel=0.25)
    apart, far = divergence(reference(), trained, told["file"], tmp_path)
    assert apart < 1e-3 * far
