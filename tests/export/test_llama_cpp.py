"""What the installed llama.cpp parts can do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hfft_widgets.errors import ExportError, MissingExtraError
from hfft_widgets.sources import llama_cpp


def test_supported_architectures_are_those_the_converter_lists():
    found = llama_cpp.supported_architectures()
    assert {"LlamaForCausalLM", "Qwen3ForCausalLM", "Gemma3ForCausalLM", "MistralForCausalLM"} <= found
    assert "MllamaForConditionalGeneration" not in found
    code = "from conversion import TEXT_MODEL_MAP; print(*sorted(TEXT_MODEL_MAP))"
    folder = llama_cpp.converter_folder()
    listed = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert set(listed.stdout.split()) == found


def test_nothing_heavy_is_imported():
    code = (
        "import sys; from hfft_widgets.sources import llama_cpp as l; l.supported_architectures(); "
        "l.quantizer_available(); print([m for m in ('torch', 'gguf', 'cyllama', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_missing_converter(monkeypatch):
    def none(name):
        raise llama_cpp.PackageNotFoundError(name)

    monkeypatch.setattr(llama_cpp, "distribution", none)
    with pytest.raises(MissingExtraError, match=r'pip install "hfft-widgets\[gguf\]"'):
        llama_cpp.supported_architectures()


@pytest.mark.parametrize("source", [None, "TEXT_MODEL_MAP = 3", "def broken("])
def test_another_layout_is_an_error_with_a_remedy(monkeypatch, tmp_path, source):
    (tmp_path / "conversion").mkdir()
    if source is not None:
        (tmp_path / "conversion" / "__init__.py").write_text(source, "utf-8")
    monkeypatch.setattr(llama_cpp, "converter_folder", lambda: tmp_path)
    with pytest.raises(ExportError, match="cannot be read"):
        llama_cpp.supported_architectures()


def test_quantizer_is_found_here():
    assert llama_cpp.quantizer_available() is True
