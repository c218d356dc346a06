"""Jobs on the Hub: start, look, cancel. The namespace is always said: without it the client asks who one is each time.

A script travels inline, as base64 in one variable, so that the job shows to any machine what it ran. Linux takes at
most 128 KiB in one variable: a longer script travels compressed, and one that is too long even so goes through a
bucket, as `run_uv_job` does it.
"""

from __future__ import annotations

import base64
import math
import re
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hfft_widgets.hub import session
from hfft_widgets.hub.outcomes import HubUnsureError, scrub
from hfft_widgets.hub.wire import Query, Wire

if TYPE_CHECKING:
    from hfft_widgets.hub.token import Token

SCRIPT_VARIABLE = "HFFT_SCRIPT"
SHOWN_VARIABLE = "HFFT_SCRIPT_ZLIB"
INLINE_BYTES = 90_000  # as base64 120,000 of the 131,072 bytes that Linux allows, its name included
IMAGE = "ghcr.io/astral-sh/uv:python3.12-bookworm"
_SCRIPT_BYTES = 16 * 2**20  # of one that is unpacked: anybody may have packed it
_LIVE = ("SCHEDULING", "RUNNING")
_FINAL = frozenset({"COMPLETED", "CANCELED", "ERROR", "DELETED"})
_LABEL = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class JobRequest:
    """A job to start.

    Attributes:
        namespace: Who owns and pays it.
        script: Source of one Python file, its dependencies in a PEP 723 header.
        flavor: Name of the hardware.
        timeout_seconds: The job is ended after that time.
        labels: What it can be found by; `label` makes any text fit.
        name: Shown on the Hub.
        image: The container it runs in; `uv` must be in it.
        gpus: GPUs of the flavor; above 1 the script is started once per GPU.
        environment: More variables; never a secret.
    """

    namespace: str
    script: str
    flavor: str
    timeout_seconds: float
    labels: Mapping[str, str]
    name: str
    image: str = IMAGE
    gpus: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JobFacts:
    """A job as the Hub tells it.

    Attributes:
        id: Its id.
        namespace: Its owner.
        stage: In the Hub's words; it may be one that is not known here.
        message: What the Hub says about the end, "" if nothing.
        created: Unix time, or None; so are the next two.
        started: When it began to run.
        finished: When it ended.
        flavor: Name of the hardware, "" if not known.
        labels: Its labels.
        environment: Its variables; secrets are not among them.
        command: What runs.
        running_seconds: For which it is paid so far; None: not known.
    """

    id: str
    namespace: str
    stage: str
    message: str = ""
    created: float | None = None
    started: float | None = None
    finished: float | None = None
    flavor: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    running_seconds: float | None = None

    @property
    def final(self) -> bool:
        """Whether nothing more will happen."""
        return self.stage in _FINAL

    @property
    def script(self) -> str | None:
        """The source that travelled with it, or None if it was not started by this package."""
        try:
            if text := self.environment.get(SCRIPT_VARIABLE):
                return base64.b64decode(text, validate=True).decode()
            packed = base64.b64decode(self.environment.get(SHOWN_VARIABLE, ""), validate=True)
            return zlib.decompressobj().decompress(packed, _SCRIPT_BYTES).decode() if packed else None
        except (ValueError, zlib.error):
            return None


def label(text: str) -> str:
    """A text as a label's value: letters, digits, "-" and "_", at most 100.

    >>> label("Qwen/Qwen3-0.6B")
    'Qwen--Qwen3-0-6B'
    """
    return _LABEL.sub("-", text.replace("/", "--"))[:100]


class JobsApi:
    """Calls about jobs, with one token.

    Args:
        token: Sent with each call, and given to jobs as the secret HF_TOKEN.
    """

    def __init__(self, token: Token) -> None:
        self._token = token
        self.wire = Wire(token)

    def submit(self, request: JobRequest) -> JobFacts:
        """Start a job. Never tried twice: a second try could start, and bill, a second job.

        Raises:
            HubRefusedError: The Hub refused, or was never reached: nothing was started.
            HubUnsureError: No answer came; look the job up by its labels.
        """
        with session.client(self._token, "start the job") as api:
            try:
                source = request.script.encode()
                plain = len(source) <= INLINE_BYTES
                if plain or len(zlib.compress(source)) <= INLINE_BYTES:
                    command = _command(request, plain=plain)
                    # no local variable holds what is shared: some notebooks print those of every frame
                    info = api.run_job(image=request.image, command=command, **self._shared(request, inline=plain))
                else:
                    info = self._through_bucket(api, request)
                return JobFacts(id=str(info.id), namespace=request.namespace, stage=str(info.status.stage))
            except (KeyError, TypeError, AttributeError):  # as the client reads the answer
                raise HubUnsureError("The Hub's answer names no job.", remedy="Look again in a minute.") from None

    def _shared(self, request: JobRequest, *, inline: bool) -> dict[str, Any]:
        environment = {"PYTHONUNBUFFERED": "1", **request.environment}
        source = request.script.encode()
        content = source if inline else zlib.compress(source)
        if len(content) <= INLINE_BYTES:
            name = SCRIPT_VARIABLE if inline else SHOWN_VARIABLE
            environment[name] = base64.b64encode(content).decode()
        return {
            "env": environment,
            "secrets": {"HF_TOKEN": self._token.reveal()},
            "flavor": request.flavor,
            "timeout": math.ceil(request.timeout_seconds),
            "name": request.name,
            "labels": dict(request.labels),
            "namespace": request.namespace,
        }

    def _through_bucket(self, api: Any, request: JobRequest) -> Any:
        import warnings

        with tempfile.TemporaryDirectory() as folder, session.quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the method calls itself experimental each time
            path = Path(folder, "job.py")
            path.write_bytes(request.script.encode())
            return api.run_uv_job(str(path), image=request.image, **self._shared(request, inline=False))

    def inspect(self, namespace: str, job_id: str, *, patience_seconds: float = 0.0) -> JobFacts:
        """One job; raises HubRefusedError with status 404 if the Hub does not show it to this account."""
        path = f"/api/jobs/{_path(namespace)}/{_path(job_id)}"
        raw = self.wire.get(path, action="look at the job", patience_seconds=patience_seconds)
        return read_job(raw, namespace)

    def live(self, namespace: str, labels: Mapping[str, str]) -> list[JobFacts]:
        """The jobs with these labels that wait or run, the newest first."""
        return self._listed(namespace, labels, [("stage", stage) for stage in _LIVE])

    def labelled(self, namespace: str, labels: Mapping[str, str]) -> list[JobFacts]:
        """All jobs with these labels, the newest first."""
        return self._listed(namespace, labels, [])

    def _listed(self, namespace: str, labels: Mapping[str, str], query: Query) -> list[JobFacts]:
        asked = [*query, *(("label", f"{name}={value}") for name, value in labels.items())]
        raw = list(self.wire.pages(f"/api/jobs/{_path(namespace)}", asked, action="list the jobs"))
        return [read_job(item, namespace) for item in raw]

    def cancel(self, namespace: str, job_id: str) -> None:
        """Ask a job to end; its stage tells when it has."""
        with session.client(self._token, "cancel the job") as api:
            api.cancel_job(job_id=job_id, namespace=namespace)


def _command(request: JobRequest, *, plain: bool) -> list[str]:
    unpack = f'printf %s "${SCRIPT_VARIABLE}" | base64 -d > job.py'
    if not plain:
        unpack = f"uv run --no-project python -c '{_UNPACK}' > job.py"
    run = "uv run job.py"
    if request.gpus > 1:
        run = f"uv run --with-requirements job.py accelerate launch --num_processes {request.gpus} job.py"
    return ["bash", "-c", f"{unpack} && exec {run}"]


_UNPACK = (
    "import base64, os, sys, zlib; sys.stdout.write(zlib.decompress(base64.b64decode("
    f'os.environ["{SHOWN_VARIABLE}"])).decode())'
)


def _path(part: str) -> str:
    return quote(part, safe="")


def read_job(raw: Mapping[str, Any], namespace: str) -> JobFacts:
    """A job from the Hub's JSON. Unknown fields are ignored, missing ones left empty.

    Raises:
        HubUnsureError: It has no id or stage.
    """
    try:
        status = raw["status"]
        return JobFacts(
            id=str(raw["id"]),
            namespace=namespace,
            stage=str(status["stage"]).upper(),
            message=scrub(status.get("message") or ""),
            created=_time(raw.get("createdAt")),
            started=_time(raw.get("startedAt")),
            finished=_time(raw.get("finishedAt")),
            flavor=str(raw.get("flavor") or ""),
            labels={str(k): str(v) for k, v in (raw.get("labels") or {}).items()},
            environment={str(k): str(v) for k, v in (raw.get("environment") or {}).items()},
            command=tuple(map(str, raw.get("command") or ())),
            running_seconds=_seconds((raw.get("durations") or {}).get("runningSecs")),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise HubUnsureError(
            "The Hub's answer about a job cannot be read.",
            why=f"{type(error).__name__}: {scrub(error)}",
            remedy='Update this package with: pip install -U "hfft-widgets"',
        ) from None


def _time(text: Any) -> float | None:
    try:
        return datetime.fromisoformat(str(text)).timestamp() if text else None
    except ValueError:
        return None


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
