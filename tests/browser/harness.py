"""A real JupyterLab, driven in a real Chromium: what the browser tests stand on.

    with LabServer(folder) as lab, chromium() as browser:
        with notebook_page(browser, lab) as page:
            page.open(lab.write("a.ipynb", "1 + 1"))
            page.run_all()

Everything waits for what it needs, by asking JupyterLab itself; nothing sleeps and hopes.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import nbformat
import psutil
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

LAB_PART = Path(__file__).parents[2] / "hfft_widgets/lab"
SCREENSHOTS = Path(__file__).parents[2] / ".screenshots"
CHROMIUM_ARGS = (
    "--no-sandbox",  # containers have no user namespaces
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # the browser's own requests would look like ours
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    """The Chromium or Chrome to drive: HFFT_CHROMIUM, else the first on the PATH, else None."""
    asked = os.environ.get("HFFT_CHROMIUM")
    if asked:
        return asked
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def chromium(**options: Any) -> Iterator[Browser]:
    """A headless Chromium, closed at the end whatever happens."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(CHROMIUM_ARGS), **options)
        try:
            yield browser
        finally:
            browser.close()


# ---- the server -----------------------------------------------------------------------------------


class LabServer:
    """JupyterLab from this Python's environment, on a free port of this machine, with folders of its own.

    Args:
        root: The folder it serves; made if missing.
        env: Variables for the server and the kernels it starts, e.g. HFFT_HOME.
        args: More command line arguments.
    """

    module = "jupyterlab"
    trait = "LabApp"
    page_path = "doc/tree"

    def __init__(self, root: Path, *, env: Mapping[str, str] | None = None, args: tuple[str, ...] = ()) -> None:
        self.root = Path(root)
        self.env = dict(env or {})
        self.args = args
        self.token = secrets.token_hex(16)
        self.port = 0
        self.url = ""
        self._state: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True, exist_ok=True)
        self._state = tempfile.TemporaryDirectory(prefix="hfft-lab-", ignore_cleanup_errors=True)
        try:
            self._start(Path(self._state.name))
            self._wait_until_up(seconds=120)
            self._quieten()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, state: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._add_extension(state)
        with (state / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*self._command(), *self.args],
                env={**os.environ, **_own_folders(state), **self._shares(state), **self.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _python(self) -> str:
        return host_python(self.module) or sys.executable

    def _shares(self, state: Path) -> dict[str, str]:
        """The checkout's extension, what a host of another environment brings to the page, and what this one's does."""
        prefixes = dict.fromkeys((str(state), str(Path(self._python()).parents[1]), sys.prefix))
        return {"JUPYTER_PATH": os.pathsep.join(f"{prefix}/share/jupyter" for prefix in prefixes)}

    def _add_extension(self, state: Path) -> None:
        """The extension as it stands in this checkout, whatever is installed; copied, as an install does."""
        servers = state / "config_dir/jupyter_server_config.d"
        servers.mkdir(parents=True)
        shutil.copytree(LAB_PART / "labextension", state / "share/jupyter/labextensions/hfft-widgets")
        shutil.copy(LAB_PART / "server.json", servers / "hfft_widgets.json")

    def _command(self) -> list[str]:
        return [
            *(self._python(), "-m", self.module),
            *("--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={self.port}"),
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.root}",
            "--ServerApp.terminals_enabled=False",
            f"--{self.trait}.expose_app_in_browser=True",  # window.jupyterapp
        ]

    def _wait_until_up(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._process is None or self._process.poll() is not None:
                break
            with suppress(urllib.error.URLError, OSError):
                self.request("GET", "/api/status")
                return
            time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not start:\n{self.log()[-4000:]}")

    def _quieten(self) -> None:
        """No news, no update check; every cell in the page, also those out of sight; light."""
        self.set("@jupyterlab/apputils-extension:notification", {"fetchNews": "false", "checkForUpdates": False})
        self.set("@jupyterlab/notebook-extension:tracker", {"windowingMode": "none"})
        self.set_theme(dark=False)

    def close(self) -> None:
        """End the server and every kernel it started."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                family = psutil.Process(process.pid).children(recursive=True)
                process.terminate()
                _, stayed = psutil.wait_procs([psutil.Process(process.pid), *family], timeout=10)
                for one in stayed:
                    with suppress(psutil.NoSuchProcess):
                        one.kill()
            process.wait(10)
        if self._state is not None:
            self._state.cleanup()
            self._state = None

    def log(self) -> str:
        """What the server printed."""
        return (Path(self._state.name) / "server.log").read_text("utf-8", "replace") if self._state else ""

    def request(self, method: str, path: str, body: object = None) -> bytes:
        """Call the server's REST API."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.read()

    def set(self, plugin: str, settings: Mapping[str, Any]) -> None:
        """Write a plugin's user settings; pages opened later see them."""
        self.request("PUT", f"/lab/api/settings/{plugin}", {"raw": json.dumps(settings)})

    def set_theme(self, *, dark: bool) -> None:
        """The theme of pages opened later (`NotebookPage.set_theme` changes an open one)."""
        theme = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.set("@jupyterlab/apputils-extension:themes", {"theme": theme})

    def write(self, name: str, *cells: str) -> str:
        """Write a notebook of code cells below the root; returns its name."""
        kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel}
        )
        nbformat.write(notebook, self.root / name)
        return name


def _own_folders(state: Path) -> dict[str, str]:
    """So that nothing of the user's Jupyter is read or written."""
    names = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    folders = {f"JUPYTER_{name}": str(state / name.lower()) for name in names}
    labs = {f"JUPYTERLAB_{name}_DIR": str(state / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    return {**folders, **labs, "IPYTHONDIR": str(state / "ipython")}


def host_python(module: str) -> str | None:
    """The Python that has a host of notebooks: this one, else HFFT_HOSTS_PYTHON, which sees our packages; or None."""
    if find_spec(module):
        return sys.executable
    other = os.environ.get("HFFT_HOSTS_PYTHON")
    found = other and subprocess.run([other, "-c", f"import {module}"], capture_output=True).returncode == 0
    return other if found else None


class NotebookServer(LabServer):
    """Notebook 7: the same server and the same page, another frame around it."""

    module = "notebook"
    trait = "JupyterNotebookApp"
    page_path = "notebooks"

    def set(self, plugin: str, settings: Mapping[str, Any]) -> None:
        """Its settings are as they come."""


class VoilaServer(LabServer):
    """Voila: one page without cells, for each visit a kernel of its own that has run the notebook."""

    module = "voila"

    def _command(self) -> list[str]:
        settings = ("--no-browser", "--Voila.ip=127.0.0.1", f"--port={self.port}", "--Voila.open_browser=False")
        return [self._python(), "-m", "voila", str(self.root), *settings]

    def _quieten(self) -> None:
        pass

    def request(self, method: str, path: str, body: object = None) -> bytes:
        """Any page is an answer: it has no API."""
        return super().request(method, "/" if path == "/api/status" else path, body)


# ---- a page ---------------------------------------------------------------------------------------

# The circle in the toolbar says idle before there is a session; the session's own context does not.
_KERNEL_READY = """async () => {
  const app = window.jupyterapp;
  if (!app) return false;
  await app.restored;
  const panel = app.shell.currentWidget;
  if (!panel?.sessionContext) return false;
  await panel.context.ready;
  await panel.sessionContext.ready;
  const kernel = panel.sessionContext.session?.kernel;
  return Boolean(kernel) && kernel.connectionStatus === 'connected' && kernel.status === 'idle';
}"""
_ALL_RAN = """() => {
  const panel = window.jupyterapp.shell.currentWidget;
  const cells = panel.content.widgets.filter(
    cell => cell.model.type === 'code' && cell.model.sharedModel.getSource().trim());
  const ran = cell => cell.model.executionCount !== null
    && !cell.node.querySelector('.jp-InputPrompt').textContent.includes('*');
  return cells.every(ran)
    && panel.sessionContext.session.kernel.status === 'idle';
}"""
_ERRORS = """() => window.jupyterapp.shell.currentWidget.content.widgets
  .flatMap(cell => cell.model.outputs ? cell.model.outputs.toJSON() : [])
  .filter(output => output.output_type === 'error')
  .map(output => output.ename + ': ' + output.evalue)"""
_SHUT_DOWN = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.shutdown()"


class NotebookPage:
    """One browser page on one notebook. `page` is playwright's, for everything else.

    Attributes:
        requests: Every address the page asked for.
        problems: Console errors and warnings and uncaught exceptions: (kind, text).
        received_bytes: What came from the kernel.
    """

    def __init__(self, page: Page, lab: LabServer) -> None:
        self.page = page
        self.lab = lab
        self.requests: list[str] = []
        self.problems: list[tuple[str, str]] = []
        self.received_bytes = 0
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(("exception", str(error))))
        page.on("websocket", self._listen)

    def _console(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append((message.type, message.text))

    def _listen(self, socket: Any) -> None:
        if "/channels" in socket.url:  # Lab has another, on which it tells of every file it lists
            socket.on("framereceived", self._received)

    def _received(self, frame: str | bytes) -> None:
        self.received_bytes += len(frame)

    def open(self, name: str) -> None:
        """Open a notebook alone on the page, and wait until its kernel is ready."""
        self.page.goto(f"{self.lab.url}/{self.lab.page_path}/{name}?token={self.lab.token}&reset")
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=90_000)
        self.wait_for_kernel()

    def wait_for_kernel(self, seconds: float = 90) -> None:
        """Until the kernel is connected and idle."""
        self.page.wait_for_function(_KERNEL_READY, timeout=seconds * 1000, polling=100)

    def start_all(self) -> None:
        """Start all cells and do not wait for them."""
        self.command("notebook:run-all-cells", wait=False)

    def run_all(self, seconds: float = 120) -> None:
        """Run all cells; fails if one of them shows an error."""
        self.start_all()
        self.wait_until_ran(seconds)

    def all_ran(self) -> bool:
        """Whether every cell has run and the kernel is idle."""
        return bool(self.page.evaluate(_ALL_RAN))

    def wait_until_ran(self, seconds: float = 120) -> None:
        """Until every cell has run; fails if one of them shows an error."""
        self.page.wait_for_function(_ALL_RAN, timeout=seconds * 1000, polling=50)
        self.check_no_errors()

    def check_no_errors(self) -> None:
        """Fail if a cell's output is an error."""
        errors = self.page.evaluate(_ERRORS)
        assert not errors, errors

    def command(self, name: str, args: Mapping[str, Any] | None = None, *, wait: bool = True) -> None:
        """Run a JupyterLab command."""
        script = "([name, args, wait]) => { const done = window.jupyterapp.commands.execute(name, args); "
        self.page.evaluate(script + "return wait ? done.then(() => null) : null; }", [name, dict(args or {}), wait])

    def execute(self, code: str, *, wait: bool = True) -> None:
        """Run code in the notebook's kernel, beside its cells; fails if it raises."""
        reply = self.page.evaluate(
            """async ([code, wait]) => {
              const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
              const future = kernel.requestExecute({ code, stop_on_error: false });
              if (!wait) return null;
              const { content } = await future.done;
              return content.status === 'ok' ? null : content.ename + ': ' + content.evalue;
            }""",
            [code, wait],
        )
        assert reply is None, reply

    def save_and_reload(self) -> None:
        """Save the notebook, reload the tab, wait for the kernel that kept running."""
        self.command("docmanager:save")
        self.page.reload()
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=90_000)
        self.wait_for_kernel()

    def set_theme(self, *, dark: bool) -> None:
        """Change the theme of this page, as the menu does."""
        self.command("apputils:change-theme", {"theme": "JupyterLab Dark" if dark else "JupyterLab Light"})
        wanted = "false" if dark else "true"
        self.page.wait_for_selector(f"body[data-jp-theme-light='{wanted}']", state="attached")

    def external_requests(self) -> list[str]:
        """Addresses that are not this server's: an offline page has none."""
        own = (self.lab.url, self.lab.url.replace("http", "ws", 1), "data:", "blob:", "about:")
        return [url for url in self.requests if not url.startswith(own)]

    def screenshot(self, name: str, target: Locator | None = None) -> Path:
        """Keep a picture of the page, or of one element, in `.screenshots/`."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{re.sub(r'[^a-zA-Z0-9_-]', '_', name)}.png"
        (target or self.page).screenshot(path=path)
        return path

    def shut_down(self) -> None:
        """End the notebook's kernel and close the page."""
        with suppress(PlaywrightError):
            self.page.evaluate(_SHUT_DOWN)
        self.page.context.close()


@contextmanager
def notebook_page(
    browser: Browser, lab: LabServer, *, size: tuple[int, int] = (1100, 1000), **context: Any
) -> Iterator[NotebookPage]:
    """A fresh page with its own storage, light as every page begins; its kernel is ended with it."""
    lab.set_theme(dark=False)  # the server keeps what another page chose
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}, **context).new_page()
    notebook = NotebookPage(page, lab)
    try:
        yield notebook
    finally:
        notebook.shut_down()
