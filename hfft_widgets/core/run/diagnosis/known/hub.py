"""The Hugging Face Hub and the network before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hfft_widgets.core.run.diagnosis.failure import Failure

_HTTP = (
    r"(?s)(HfHubHTTPError|ConnectionError|BadRequestError|HTTPStatusError|HTTPError|OSError|RuntimeError|XetError): "
    r".{0,600}?"
)
_GATED = r"gated repo|restricted|awaiting a review|accept the conditions|ask for access"

_FAILURES = (
    Failure(
        "hub_storage",
        "The storage of the account or organisation on the Hub is full, so that nothing more can be pushed.",
        "Delete what is not needed, make the repository public, or get more storage: "
        "https://huggingface.co/settings/billing.",
        "huggingface_hub#3366",
        raised=(_HTTP + r"([Ss]torage (limit|quota)|exceeded .{0,30}storage|over .{0,20}storage)",),
    ),
    Failure(
        "hub_secret",
        "The Hub refused the commit, since a file in it holds a token or another secret.",
        "Take the secret out of the file (trainer_state.json, a script, a README), make a new token, and push again.",
        "autotrain-advanced#762",
        raised=(
            _HTTP + r"([Ss]ecret|[Tt]oken)s? .{0,40}(found|detected)",
            _HTTP + r"contains? .{0,40}([Ss]ecret|valid .{0,20}token)",
        ),
    ),
    Failure(
        "hub_gated",
        "The model or dataset is gated: its terms must be accepted before it can be read.",
        "Accept the terms on its page, and use a token of that account that may read gated repositories: hf auth "
        "login, or HF_TOKEN.",
        "huggingface_hub/errors.py GatedRepoError; transformers/utils/hub.py",
        raised=(
            r"GatedRepoError\b",
            (
                rf"(?s)(OSError|EnvironmentError|DatasetNotFoundError|HfHubHTTPError"
                rf"|HTTPStatusError): .{{0,300}}({_GATED})"
            ),
        ),
    ),
    Failure(
        "hub_write",
        "The token has no right to write there: it is for reading, or of somebody who may not write in that place.",
        "Use a token with the right to write (https://huggingface.co/settings/tokens), and a repository of your own "
        "account or of an organisation in which you may write.",
        "huggingface_hub#3049; huggingface_hub/utils/_http.py",
        raised=(
            _HTTP
            + r"403[^\n]*(api/repos/(create|move|delete)|/(commit|preupload|xet-write-token|lfs/objects/batch)\b)",
            _HTTP + r"(have the rights? to (create|write|push)|must use a write token|write (access|permission|token))",
            _HTTP + r"(create_pr=1|not (allowed|authorized) to (write|push|create)|(insufficient|missing) permissions)",
        ),
    ),
    Failure(
        "hub_pay",
        "The credits of the account do not suffice.",
        "Add credits at https://huggingface.co/settings/billing, or do something cheaper.",
        "HTTP 402 of the Hub",
        raised=(_HTTP + r"402 (Client Error|Payment Required)",),
    ),
    Failure(
        "hub_rate",
        "The Hub was asked too often in too short a time (429).",
        (
            "Launch again in some minutes; push less often (hub_strategy='end'), and sign in: with a token "
            "more is allowed."
        ),
        "huggingface_hub#1516; HTTP 429 of the Hub",
        raised=(
            _HTTP + r"(429 (Client Error|Too Many Requests)|rate limit)",
            r"\w+: [^'\"\n]{0,120}\b429\b[^'\"\n]{0,40}Too Many Requests",
        ),
    ),
    Failure(
        "hub_down",
        "The Hub, or what stands before it, did not answer as it should (5xx): most often for some minutes only.",
        "Launch again later; what is loaded stays. https://status.huggingface.co says whether it is known.",
        "HTTP 500, 502, 503, 504 of the Hub",
        raised=(
            _HTTP + r"Server error\b",
            _HTTP + r"\b50[0234]\b (Server Error|Internal Server Error|Bad Gateway|Service|Gateway)",
        ),
    ),
    Failure(
        "hub_login",
        "The Hub does not know who asks: there is no token, or it is not valid any more.",
        "Sign in with: hf auth login; in a job give it the secret HF_TOKEN.",
        "huggingface_hub/errors.py LocalTokenNotFoundError; HTTP 401 of the Hub",
        raised=(
            r"LocalTokenNotFoundError\b",
            _HTTP + r"(Invalid (user token|username or password|credentials)|Token is required"
            r"|Unauthorized for url: \S+/api/(whoami|repos))",
            r"ValueError: Token (is required|must be specified)",
        ),
    ),
    Failure(
        "hub_missing",
        "The Hub shows no such model, dataset or revision to this account: the name is wrong, or it is private.",
        "Check the name, its capital letters and the revision; of a private one sign in with a token that has access: "
        "hf auth login.",
        "huggingface_hub/errors.py; datasets/load.py; transformers/utils/hub.py",
        raised=(
            (
                r"(RepositoryNotFoundError|RevisionNotFoundError|DisabledRepoError|BucketNotFoundError"
                r"|HFValidationError)\b"
            ),
            r"DatasetNotFoundError\b",
            (
                r"(?s)(OSError|EnvironmentError): .{0,200}is not a (local folder|valid model identifier"
                r"|valid git identifier)"
            ),
            r"(?s)(OSError|EnvironmentError): .{0,200}is not a local folder or a valid repository",
            _HTTP + r"(401|403|404) Client Error",
        ),
        value=r"(?:Dataset |model |^OSError: )'?([\w.-]+/[\w.-]+)'?(?: doesn't exist| is not a)",
        naming=(
            "The Hub shows no model or dataset {value} (or no such revision) to this account: the name is "
            "wrong, or it is private."
        ),
    ),
    Failure(
        "model_files",
        "The model's repository or folder lacks a file that is needed: weights, configuration or tokenizer.",
        "Look at its files on the Hub; choose one with safetensors weights, or the repository of the base model.",
        "transformers/utils/hub.py; transformers/modeling_utils.py",
        raised=(
            r"(?s)(OSError|EnvironmentError): .{0,200}does not appear to have (a file named|files named)",
            r"(OSError|EnvironmentError): Error no file named",
            r"(RemoteEntryNotFoundError|EntryNotFoundError)\b",
            r"ValueError: Can't find ''",
        ),
    ),
    Failure(
        "certificate",
        "The network: a certificate (SSL) is not trusted, most often that of a proxy in between.",
        "Give Python the proxy's certificate: set SSL_CERT_FILE (and REQUESTS_CA_BUNDLE) to its file, or ask who runs "
        "the proxy.",
        "CPython ssl; httpx; requests",
        raised=(
            (
                r"(?s)\w*(SSL|Connect|Max|Request|HTTP|URL|Connection)\w*Error?: .*(CERTIFICATE_VERIFY_FAILED"
                r"|certificate verify failed)"
            ),
            r"SSL\w*Error\b",
        ),
        line=r"^error: .*(invalid peer certificate|UnknownIssuer)|invalid peer certificate",
    ),
    Failure(
        "network",
        "The network: the Hub, or another server, cannot be reached, or the connection broke.",
        "Check the connection and launch again; what is loaded stays.",
        "httpx; requests; huggingface_hub/errors.py; transformers/utils/hub.py",
        raised=(
            (
                r"(Connect|Read|Write|Pool)(Timeout|Error)\b|(Connect|Read)TimeoutError\b|ProxyError\b"
                r"|RemoteProtocolError\b"
            ),
            r"(LocalEntryNotFoundError|OfflineModeIsEnabled|MaxRetryError|NameResolutionError|NewConnectionError)\b",
            (
                r"(ConnectionResetError|ConnectionRefusedError|ConnectionAbortedError|IncompleteRead"
                r"|ChunkedEncodingError)\b"
            ),
            r"(ClientConnectorError|ClientConnectorDNSError|ServerDisconnectedError|ClientPayloadError)\b",
            r"ConnectionError: (?!Tried to launch)",
            r"gaierror: |URLError: |(?s:(OSError|EnvironmentError): We couldn't connect to)",
            r"\w+: [^'\"\n]{0,80}(Max retries exceeded|Temporary failure in name resolution)",
            r"(?s)\w+: .{0,200}outgoing traffic has been disabled",
        ),
        line=r"^error: (Request failed after|Failed to (fetch|download)).*|error sending request for url|dns error",
    ),
    Failure(
        "tracker",
        "The service that keeps the curves (Weights & Biases, Trackio or another) is not signed in or did not answer.",
        "Give the job that service's key as a secret (WANDB_API_KEY), or take it out: report_to='none'.",
        "wandb/errors",
        raised=(r"(UsageError|CommError|AuthenticationError): ", r"\w+: api_key not configured"),
        within=r"wandb|trackio|comet|mlflow",
    ),
)


def _in_words_of_httpx() -> Iterator[Failure]:
    """What the server said stands between quotes there, which are cut out where words are compared."""
    known = {one.name: one for one in _FAILURES}
    statuses = {"hub_rate": 429, "hub_login": 401, "hub_write": 403, "hub_pay": 402, "hub_missing": 404}
    for name, status in statuses.items():
        said = rf"Client error '{status}\b"
        yield replace(known[name], raised=(_HTTP + r"Client error\b",), quoting=said, line="", place="")


FAILURES = (*_FAILURES, *_in_words_of_httpx())
