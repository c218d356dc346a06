"""What is different on Google Colab, against the stand-in of `google.colab` (tests/colab.py); at home nothing is."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest

import hfft_widgets as hfft
from hfft_widgets import hosts
from hfft_widgets.hub import token as tokens
from tests import colab
from tests.widgets.html import page

SECRET = "hf_" + "AcOlAbSeCrEtOfNoPersonAtAll012345"


@pytest.fixture
def there(monkeypatch):
    """This process as a kernel of Colab."""
    for name in [name for name in sys.modules if name.startswith("google.colab")]:
        monkeypatch.delitem(sys.modules, name)
    from ipykernel.comm.comm import BaseComm

    monkeypatch.setattr(BaseComm, "publish_msg", BaseComm.publish_msg)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HFFT_HOME"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    seen = colab.install({"HF_TOKEN": SECRET})
    yield seen
    for name in [name for name in sys.modules if name.startswith("google.colab")]:
        del sys.modules[name]
    hosts._waiting.clear()
    tokens.forget_token()


def test_at_home_nothing_is_different(tmp_path):
    sent = []
    thread = threading.Thread(target=lambda: hosts.tell(lambda: sent.append(1)))
    thread.start()
    thread.join()
    assert sent == [1]
    assert not hosts.on_colab()
    assert hosts.keep_in_drive() is None
    assert hosts.warning() == ""


def test_what_a_thread_sends_waits_in_order_until_the_page_asks(there):
    sent = []
    thread = threading.Thread(target=lambda: [hosts.tell(lambda n=n: sent.append(n)) for n in range(3)])
    thread.start()
    thread.join()
    assert sent == []
    hosts.tell(lambda: sent.append(3))  # the main thread's own is heard, and comes after what waited
    assert sent == [0, 1, 2, 3]


def test_every_panel_enables_the_widget_manager_before_it_is_shown(there, monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: None)
    for panel in ("DatasetValidator", "TrainingPlanner", "TrainingMonitor", "GGUFExporter", "FineTuner"):
        there.enabled = 0
        made = getattr(hfft, panel)()
        made._ipython_display_()
        assert there.enabled
        _, metadata = made._surface._repr_mimebundle_()
        view = metadata["application/vnd.jupyter.widget-view+json"]
        assert view["colab"]["custom_widget_manager"]["url"] == colab.URL
        assert made._surface._asks > 0


def test_a_click_does_its_work_in_the_thread_that_the_page_hears(there):
    panel, ran = hfft.TrainingPlanner(), []
    assert panel.start(lambda: ran.append(threading.current_thread()), doing="Planning") is not None
    assert ran == [threading.main_thread()]
    assert not panel.busy


def test_an_interrupt_stops_it(there):
    def stopped() -> None:
        assert "Runtime, Interrupt execution" in str(panel.status)
        raise KeyboardInterrupt

    panel = hfft.DatasetValidator()
    panel.start(stopped, doing="Checking")
    assert page(panel).status.startswith("Stopped.")
    assert not panel.busy


def test_a_script_of_this_machine_gets_colabs_secret_where_it_pushes(there, monkeypatch):
    from huggingface_hub.utils import _auth

    monkeypatch.setattr(_auth, "is_google_colab", lambda: True)
    monkeypatch.setattr(_auth, "_IS_GOOGLE_COLAB_CHECKED", False)
    monkeypatch.setattr(_auth, "_GOOGLE_COLAB_SECRET", None)
    assert tokens.child_environment(ask=False) == {}  # nobody is asked for what is not needed
    assert there.asked == []
    assert tokens.child_environment(ask=True) == {"HF_TOKEN": SECRET}
    assert there.asked == ["HF_TOKEN"]
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_environment")
    assert tokens.child_environment(ask=True) == {}  # the script finds that by itself


def test_a_typed_token_reaches_a_script_of_this_machine_and_no_file():
    tokens.keep_token(SECRET)
    try:
        assert tokens.child_environment(ask=False) == {"HF_TOKEN": SECRET}
    finally:
        tokens.forget_token()


def test_runs_are_kept_in_drive_and_a_person_is_told_before(there):
    assert "deletes this machine" in hosts.warning()
    assert str(hfft.keep_in_drive("runs")) == os.environ["HFFT_HOME"] == "/content/drive/MyDrive/runs"
    assert there.mounted == ["/content/drive"]
    assert hosts.warning() == ""


def test_the_first_cell_does_nothing_where_the_package_is_and_says_what_went_wrong_where_not(tmp_path):
    cell = hosts.first_cell("no-such-name-of-a-package-here")
    here = subprocess.run([sys.executable, "-c", cell], capture_output=True, text=True, check=True)
    assert here.stdout + here.stderr == ""
    away = "import sys, importlib.util\nimportlib.util.find_spec = lambda name: None\n"
    offline = {**os.environ, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    there = subprocess.run([sys.executable, "-c", away + cell], capture_output=True, text=True, env=offline)
    assert "No matching distribution found" in there.stdout + there.stderr


def test_the_quickstart_begins_with_it():
    notebook = nbformat.read(Path(__file__).parents[1] / "notebooks" / "0_quickstart.ipynb", as_version=4)
    first = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert first == hosts.first_cell("hfft-widgets[train,gguf]")
