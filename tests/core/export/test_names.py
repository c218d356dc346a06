"""Names and commands that other programs must read rightly."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hfft_widgets.core.export.commands import commands
from hfft_widgets.core.export.names import file_name, safe_name
from hfft_widgets.core.export.quantizations import ADAPTER, QUANTIZATIONS

WHOLE = [name for name in QUANTIZATIONS if name != ADAPTER]  # an adapter's file is not looked for by its tag
PARTS = ("mmproj", "imatrix", "mtp-", "eagle3-", "dflash-", "dspark-")
WORDS = st.lists(st.sampled_from([*PARTS, "mtp", "GGUF", "Q4_K_M", "-", ".", "_", "Qwen3", "ü", " ", "/"]), max_size=8)


@given(
    st.one_of(st.text(max_size=300), WORDS.map("".join)), st.sampled_from([q for q in QUANTIZATIONS if q != ADAPTER])
)
@example("x-mtp", "Q4_K_M")
@example("MMPROJ-eagle3", "Q8_0")
@example("", "F16")
@example("..", "F16")
@example("a-gguf-Q8_0", "Q4_K_M")
def test_every_name_is_safe(name, quantization):
    file = file_name(name, quantization)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*\.gguf", file)
    assert len(file) < 100
    assert not any(part in file.lower() for part in PARTS)
    # llama-server -hf finds it by the tag, and lists it by what stands before .gguf
    assert re.search(rf"{quantization}[.-]", file)
    assert re.search(r"[-.]([A-Z0-9_]+)$", file.removesuffix(".gguf"))[1] == quantization
    assert safe_name(safe_name(name)) == safe_name(name)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Qwen/Qwen3-0.6B", "Qwen3-0.6B"),
        ("C:\\runs\\Mein Modell", "Mein-Modell"),
        ("me/model-GGUF", "model"),
        ("model-Q8_0", "model"),
        ("Zoë's böse Übung", "Zoe-s-bose-Ubung"),
        ("...", "model"),
    ],
)
def test_names(name, safe):
    assert safe_name(name) == safe


def lines_for(path=None, **changes):
    return commands(path, **{"repo": None, "name": "Tiny", "quantization": "Q4_K_M", **changes})


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), min_size=1, max_size=60))
def test_posix_paths_are_quoted(folder):
    path = str(PurePosixPath("/home", folder.replace("/", "_"), "Tiny-Q4_K_M.gguf"))
    said = lines_for(path)
    assert list(said) == ["llama.cpp", "Ollama", "LM Studio"]
    assert shlex.split(said["llama.cpp"]) == ["llama-server", "-m", path]
    assert shlex.split(said["LM Studio"]) == ["lms", "import", "--copy", path]
    words = shlex.split(said["Ollama"])
    assert words[:2] == ["cd", path.rpartition("/")[0]]
    assert words[2:6] == ["ollama", "create", "tiny-q4_k_m", "-f"]
    assert words[6] == "Tiny-Q4_K_M.Modelfile"
    assert words[-3:] == ["ollama", "run", "tiny-q4_k_m"]


def test_windows_paths():
    said = lines_for("C:\\Users\\Zoë Ä\\Tiny-Q4_K_M.gguf")
    assert said["llama.cpp"] == 'llama-server -m "C:\\Users\\Zoë Ä\\Tiny-Q4_K_M.gguf"'
    assert said["Ollama"].startswith('cd "C:\\Users\\Zoë Ä"\n')


def test_before_there_is_a_file_and_after_it_was_pushed():
    assert lines_for()["llama.cpp"] == "llama-server -m Tiny-Q4_K_M.gguf"
    assert "cd " not in lines_for()["Ollama"]
    pushed = lines_for("/x/y.gguf", repo="me/Tiny-GGUF")
    assert pushed["llama.cpp"] == "llama-server -hf me/Tiny-GGUF:Q4_K_M"
    assert pushed["Ollama"] == "ollama run hf.co/me/Tiny-GGUF:Q4_K_M"
