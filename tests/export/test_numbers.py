"""Comparing a quantized tensor with its 16-bit self, on files that the gguf library writes."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from hfft_widgets.scripts.gguf import numbers
from hfft_widgets.scripts.gguf.converting import llama_cpp_folder
from hfft_widgets.scripts.gguf.subprocess_steps import StepFailedError

ROWS = np.random.default_rng(0).normal(0, 0.02, (64, 256)).astype(np.float32)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a file with one matrix, as float32 or with 8 bits."""
    monkeypatch.setattr(sys, "path", [str(llama_cpp_folder() / "gguf-py"), *sys.path])
    import gguf

    def write(name: str, rows: np.ndarray, *, eight_bits: bool) -> str:
        file = str(tmp_path / name)
        writer = gguf.GGUFWriter(file, "llama")
        kind = gguf.GGMLQuantizationType.Q8_0
        given = {"raw_dtype": kind} if eight_bits else {}
        writer.add_tensor("matrix", gguf.quants.quantize(rows, kind) if eight_bits else rows, **given)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return file

    return write


def test_sound_quantization_passes_with_what_it_lost(write):
    found = numbers.compare(write("8", ROWS, eight_bits=True), write("f", ROWS, eight_bits=False))
    assert found["tensors"] == {"Q8_0": 1}
    assert 0.003 < found["lost"]["Q8_0"] < 0.01


def test_row_of_next_to_nothing_may_be_lost(write):
    """As the rows of tokens that nobody trained: their scale is too small for the 16 bits that it has."""
    rows = ROWS.copy()
    rows[7] = 1e-9
    eight = write("8", rows, eight_bits=True)
    assert numbers.compare(eight, write("f", rows, eight_bits=False))["tensors"] == {"Q8_0": 1}


@pytest.mark.parametrize("change", ["zero", "swapped", "half"])
def test_one_other_row_is_refused(write, change):
    rows = ROWS.copy()
    if change == "swapped":
        rows[[3, 4]] = rows[[4, 3]]
    else:
        rows[3] *= 0.0 if change == "zero" else 0.5
    with pytest.raises(StepFailedError, match="matrix is not the 16-bit one"):
        numbers.compare(write("8", rows, eight_bits=True), write("f", ROWS, eight_bits=False))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_every_weight_is_read(write, value):
    rows = ROWS.copy()
    rows[63, 255] = value
    with pytest.raises(StepFailedError, match="matrix holds values that are not numbers"):
        numbers.check_weights(write("f", rows, eight_bits=False))
