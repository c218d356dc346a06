"""Models on the Hub: the small files are enough to plan with; an export needs the weights too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hfft_widgets.errors import HubError, ModelError
from hfft_widgets.hub import session
from hfft_widgets.hub.outcomes import explain, scrub
from hfft_widgets.hub.token import find_token

_SMALL = (
    "config.json", "adapter_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
    "processor_config.json", "preprocessor_config.json", "README.md",
)  # fmt: skip
_WEIGHTS = ("*.safetensors", "*.json", "tokenizer.model")


def fetch_model(repo_id: str, *, weights: bool = False) -> Path:
    """The folder in the Hub's cache with the model's configuration and tokenizer, and its weights if asked for.

    Raises:
        ModelError: No such model, or a gated one whose terms were not accepted.
        HubError: The Hub could not be reached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    try:  # nothing is chained: the frames of the client hold request headers
        wanted = [*_SMALL, *(_WEIGHTS if weights else ())]
        return Path(snapshot_download(repo_id, allow_patterns=wanted, endpoint=session.endpoint()))
    except HFValidationError:
        raise ModelError(
            f"{repo_id!r} is neither a folder here nor the name of a model on the Hub.",
            remedy="Give a folder, or an id such as Qwen/Qwen3-0.6B.",
        ) from None
    except GatedRepoError:
        raise ModelError(
            f"{repo_id} is gated.", remedy=f"Accept its terms at https://huggingface.co/{repo_id} and sign in."
        ) from None
    except RepositoryNotFoundError:
        raise ModelError(
            f"There is no model {repo_id} on the Hub, or it is private.",
            remedy="Check the spelling, or sign in with a token that can read it.",
        ) from None
    except Exception as error:
        found = next(filter(None, (explain(one, f"read {repo_id}") for one in _causes(error))), None)
        if found is None and not isinstance(error, OSError):
            raise
        raise found or HubError(
            f"{repo_id} could not be read from the Hugging Face Hub.",
            why=scrub(f"{type(error).__name__}: {error}"),
            remedy="Check the network, or give a model folder on this machine.",
        ) from None


def known_by_hub(repo_id: str) -> dict[str, Any]:
    """What the Hub alone knows of a model, as `ModelFolder.facts` takes it; empty where it cannot be asked.

    `gated`: whether its terms must be accepted; `parameters`: what it counted in the headers of the weights, or None.
    """
    if session.offline():
        return {}
    try:
        with session.client(find_token(), f"look at {repo_id}") as api:
            info = api.model_info(repo_id, expand=["gated", "safetensors"], timeout=session.READ_SECONDS)
    except HubError:
        return {}
    return {"gated": bool(info.gated), "parameters": info.safetensors.total if info.safetensors else None}


def _causes(error: BaseException | None) -> Iterator[Exception]:
    while isinstance(error, Exception):
        yield error
        error = error.__cause__
