"""What keeps a run from being started here."""

import errno
import os
import sys

import pytest

from hfft_widgets import folders
from hfft_widgets.errors import LaunchError, MissingExtraError
from hfft_widgets.jobs import index
from hfft_widgets.jobs.local import preflight, supervisor
from tests.jobs.conftest import submission


def test_a_missing_module_is_named_with_its_extra(local):
    before = set(sys.modules)
    with pytest.raises(MissingExtraError, match=r'pip install "hfft-widgets\[train\]"') as caught:
        local.submit(submission("", modules={"json": "train", "no_such_module_here": "train"}))
    assert caught.value.module == "no_such_module_here"
    with pytest.raises(MissingExtraError, match="Exporting on this machine"):
        local.submit(submission("", kind="export", modules={"no_such_package.part": "gguf"}))
    assert local.ids() == []
    assert set(sys.modules) == before


def test_looking_for_a_module_does_not_import_it(local):
    sys.modules.pop("this", None)
    local.submit(submission("tell('end')", modules={"this": "train"}))
    assert "this" not in sys.modules


def test_too_little_disk_is_told_with_figures(local):
    with pytest.raises(LaunchError, match=r"needs 1000000 TB of free disk, but only .* free") as caught:
        local.submit(submission("", disk_bytes=10**18))
    assert "HFFT_HOME" in caught.value.remedy
    assert local.ids() == []


def test_too_little_memory_is_told_before_the_system_ends_the_run(local):
    with pytest.raises(LaunchError, match=r"needs 1000000 TB of memory, but only .* free") as caught:
        local.submit(submission("", memory_bytes=10**18))
    assert "kernels" in caught.value.remedy
    assert local.ids() == []
    assert local.submit(submission("tell('end')", memory_bytes=1))


@pytest.mark.parametrize(
    ("number", "word"),
    [(errno.ENOSPC, "disk is full"), (errno.EACCES, "permission"), (errno.EIO, "could not be written")],
)
def test_a_disk_that_refuses(number, word, local, monkeypatch):
    def refuse(path, value):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(supervisor, "write_json", refuse)
        with pytest.raises(LaunchError, match=word) as caught:
            local.submit(submission(""))
    assert caught.value.remedy
    assert not [path for path in folders.data("runs").iterdir() if path.name != ".lock"]


def test_a_home_that_cannot_be_made(tmp_path, monkeypatch, local):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("HFFT_HOME", str(tmp_path / "file"))
    with pytest.raises(LaunchError, match="could not be written"):
        local.submit(submission(""))
    assert local.ids() == []
    assert index.runs() == []


def test_modules_known_without_a_spec(monkeypatch):
    monkeypatch.setitem(sys.modules, "made_by_hand", type(sys)("made_by_hand"))
    preflight.check_modules({"made_by_hand": "train"}, "Training")
