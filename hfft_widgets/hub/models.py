"""Models on the Hub: the small files are enough to plan with; an export needs the weights too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hfft_widgets.errors import HfftError, HubError, ModelError
from hfft_widgets.hub import session
from hfft_widgets.hub.http import hub_answers
from hfft_widgets.hub.outcomes import HubRefusedError, explain, scrub
from hfft_widgets.hub.token import find_token

_SMALL = (
    "config.json", "adapter_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
    "processor_config.json", "preprocessor_config.json", "README.md", "generation_config.json", "tokenizer.model",
    "merges.txt",
)  # fmt: skip
_WEIGHTS = ("*.safetensors", "*.json", "tokenizer.model")
_OLDER_WEIGHTS = ("pytorch_model*.bin", "adapter_model.bin")  # only where there is no other format
_OTHER_COPIES = ("consolidated*", "original/*", "checkpoint-*/*", "onnx/*", "*/consolidated*")


def fetch_model(repo_id: str, *, weights: bool = False) -> Path:
    """The folder in the Hub's cache with the model's configuration and tokenizer, and its weights if asked for.

    Raises:
        ModelError: No such model, or a gated one whose terms were not accepted.
        HubError: The Hub could not be reached.
    """
    from huggingface_hub.errors import HFValidationError

    try:  # nothing is chained: the frames of the client hold request headers
        return _fetched(repo_id, weights=weights)
    except HFValidationError:
        raise ModelError(
            f"{repo_id!r} is neither a folder here nor the name of a model on the Hub.",
            remedy="Give a folder, or an id such as Qwen/Qwen3-0.6B.",
        ) from None
    except Exception as error:
        found = _refused(repo_id, error)
        if found is None and not isinstance(error, OSError):
            raise
        raise found or HubError(
            f"There is no folder {repo_id} here, and no such model could be read from the Hugging Face Hub.",
            why=scrub(f"{type(error).__name__}: {error}"),
            remedy="Check the network, or give a model folder on this machine.",
        ) from None


def _fetched(repo_id: str, *, weights: bool) -> Path:
    from huggingface_hub import snapshot_download

    token = find_token()  # also one that was typed, which the client does not know
    given: Any = {
        "ignore_patterns": _OTHER_COPIES,
        "endpoint": session.endpoint(),
        "token": token.reveal() if token else None,
        "local_files_only": not hub_answers(),  # the client itself waits for minutes where packets get lost
    }
    wanted = [*_SMALL, *(_WEIGHTS if weights else ())]
    folder = Path(snapshot_download(repo_id, allow_patterns=wanted, **given))
    if weights and not any(folder.glob("*.safetensors")):
        folder = Path(snapshot_download(repo_id, allow_patterns=[*wanted, *_OLDER_WEIGHTS], **given))
    return folder


def _refused(repo_id: str, error: Exception) -> HfftError | None:
    """What the client's error means; None: not known."""
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError

    if isinstance(error, LocalEntryNotFoundError):
        return HubRefusedError(
            f"There is no folder {repo_id} here, and the Hugging Face Hub cannot be reached to look for a model of "
            "that name.",
            why="The variable HF_HUB_OFFLINE forbids it." if session.offline() else "",
            remedy="Check the path, or the network; behind a proxy, set HTTPS_PROXY.",
        )
    if isinstance(error, GatedRepoError):
        page = f"https://huggingface.co/{repo_id}"
        remedy = f"Accept its terms at {page} and sign in."
        return ModelError(f"{repo_id} is gated.", remedy=remedy, page=page, signs_in=True)
    if isinstance(error, RepositoryNotFoundError):
        return ModelError(
            f"There is no folder {repo_id} here and no model of that name on the Hub, or it is private.",
            remedy="Check the spelling or the path, or sign in with a token that can read it.",
            signs_in=True,
        )
    action = f"read the model {repo_id}: no folder here has that name"
    return next(filter(None, (explain(one, action) for one in _causes(error))), None)


def known_by_hub(repo_id: str) -> dict[str, Any]:
    """What the Hub alone knows of a model, as `ModelFolder.facts` takes it; empty where it cannot be asked.

    `gated`: whether its terms must be accepted; `parameters`: what it counted in the headers of the weights, or None.
    """
    if not hub_answers():
        return {}
    try:
        with session.client(find_token(), f"look at {repo_id}") as api:
            info = api.model_info(repo_id, expand=["gated", "safetensors"], timeout=session.READ_SECONDS)
    except HubError:
        return {}
    return {"gated": bool(info.gated), "parameters": info.safetensors.total if info.safetensors else None}


def weight_shapes(repo_id: str) -> dict[str, list[int]]:
    """Name -> shape of each weight of a repository, from the headers alone; empty where the Hub cannot be asked."""
    if session.offline():
        return {}
    try:
        with session.client(find_token(), f"look at {repo_id}") as api:
            found = api.parse_safetensors_file_metadata(repo_id, "adapter_model.safetensors")
    except Exception:  # noqa: BLE001 - it is only looked at early; the export itself reads the weights
        return {}
    return {name: list(tensor.shape) for name, tensor in found.tensors.items()}


def _causes(error: BaseException | None) -> Iterator[Exception]:
    while isinstance(error, Exception):
        yield error
        error = error.__cause__
