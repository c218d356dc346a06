"""Reading a model folder: its configuration, parameter count, chat template and tokenizer, without loading weights."""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hfft_widgets.core.data.templates.assistant_mask import twin_name
from hfft_widgets.core.estimate.pictures import picture_tokens
from hfft_widgets.core.plan.model import ModelFacts, closed_form_known, model_facts
from hfft_widgets.errors import ModelError
from hfft_widgets.sources.probe import Notice, probed

_SPECIAL_TOKENS = ("bos_token", "eos_token", "pad_token", "unk_token")
_HEADER_LIMIT = 100 * 2**20  # the format's own limit


@dataclass(frozen=True)
class ModelFolder:
    """A folder as `save_pretrained` writes it.

    Attributes:
        path: The folder.
        config: config.json; empty for an adapter.
        adapter_config: adapter_config.json, or None.
        files: Names of the files in it.
        chat_template: The tokenizer's template, or None.
        parameters: Counted in the safetensors headers, tied ones once; None if there are no such files.
        weight_bytes: Size of the safetensors files.
    """

    path: Path
    config: Mapping[str, Any]
    adapter_config: Mapping[str, Any] | None
    files: tuple[str, ...]
    chat_template: str | None
    parameters: int | None
    weight_bytes: int

    def facts(
        self,
        reference: str | None = None,
        *,
        local: bool = True,
        gated: bool | None = None,
        parameters: int | None = None,
        notice: Notice | None = None,
    ) -> ModelFacts:
        """The model in numbers.

        Args:
            reference: What scripts call it; the folder if None.
            local: Whether that is a folder.
            gated: Whether its terms must be accepted on the Hub, which alone knows it.
            parameters: What the Hub counted in the safetensors headers, where no such file is here.
            notice: Called with words for a person if it takes more than a moment.
        """
        # the arithmetic is exact for the commonest architectures; of others transformers and PEFT are asked
        known = not self.config or closed_form_known(self.config)
        return model_facts(
            self.config,
            reference=reference or str(self.path),
            local=local,
            parameters=self.parameters or parameters,
            probe="" if known else probed(self.config, notice=notice),
            chat_template=self.chat_template,
            weight_bytes=self.weight_bytes,
            licence=self.licence,
            gated=gated,
        )

    @property
    def licence(self) -> str | None:
        """The licence that the model card beside the weights names in its header, or None."""
        try:
            card = (self.path / "README.md").read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        header = re.match(r"---\s*\n(.*?)\n---", card, re.DOTALL)
        named = re.search(r"^license:[ \t]*[\"']?([\w.-]+)[\"']?[ \t]*$", header[1], re.MULTILINE) if header else None
        return named[1] if named else None

    @property
    def vision(self) -> bool:
        """Whether the model reads pictures."""
        return "vision_config" in self.config

    def picture_tokens(self, height: int, width: int) -> int | None:
        """Tokens that the model makes of a picture of so many pixels; None where its files do not say."""
        return picture_tokens(self.config, self._preprocessor, height=height, width=width)

    @cached_property
    def _preprocessor(self) -> Mapping[str, Any]:
        """How pictures are prepared: read once, asked for each picture."""
        alone = _json(self.path / "preprocessor_config.json")
        if alone is not None:
            return alone
        # newer processors are saved as one file
        return (_json(self.path / "processor_config.json") or {}).get("image_processor") or {}

    @property
    def special_tokens(self) -> dict[str, str]:
        """The tokenizer's special tokens by name, as chat templates call them."""
        values = _json(self.path / "tokenizer_config.json") or {}
        written = {name: values.get(name) for name in _SPECIAL_TOKENS}
        plain = {name: token.get("content") if isinstance(token, dict) else token for name, token in written.items()}
        return {name: token for name, token in plain.items() if isinstance(token, str)}


def read_folder(path: str | Path) -> ModelFolder:
    """What a model or adapter folder holds.

    Raises:
        ModelError: No such folder, neither config.json nor adapter_config.json, or a file that is not JSON.
    """
    folder = Path(path).expanduser().absolute()
    if not folder.is_dir():
        raise ModelError(
            f"There is no folder {str(folder)!r}.", remedy="Give a model folder, or a Hub id such as Qwen/Qwen3-0.6B."
        )
    config = _json(folder / "config.json") or {}
    adapter = _json(folder / "adapter_config.json")
    if not config and adapter is None:
        raise ModelError(
            f"{str(folder)!r} holds no model: neither config.json nor adapter_config.json is there.",
            remedy="Give the folder that save_pretrained wrote.",
        )
    # Mistral's repositories hold the same weights a second time, in their makers' own format
    weights = [file for file in sorted(folder.glob("*.safetensors")) if not file.name.startswith("consolidated")]
    counts = [count for file in weights if (count := _parameters(file)) is not None]
    return ModelFolder(
        path=folder,
        config=config,
        adapter_config=adapter,
        files=tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_file())),
        chat_template=_chat_template(folder),
        parameters=sum(counts) if counts else None,
        weight_bytes=sum(file.stat().st_size for file in weights),
    )


def _json(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{str(path)!r} cannot be read: {error}.", remedy="Save or download the model again."
        ) from error
    if not isinstance(value, dict):
        raise ModelError(f"{str(path)!r} is not a configuration.", remedy="Save or download the model again.")
    return value


def _parameters(file: Path) -> int | None:
    """Elements of all tensors, from the header alone: 8 bytes of length, then JSON."""
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > _HEADER_LIMIT:
                return None
            header = json.loads(stream.read(length))
        return sum(int(math.prod(tensor["shape"])) for name, tensor in header.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error):
        return None


def _chat_template(folder: Path) -> str | None:
    file = folder / "chat_template.jinja"
    if file.exists():
        try:
            return file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(
                f"{str(file)!r} cannot be read: {error}.", remedy="Save or download the model again."
            ) from error
    template = (_json(folder / "tokenizer_config.json") or {}).get("chat_template")
    if isinstance(template, list):  # several named templates
        named = (entry for entry in template if isinstance(entry, dict) and entry.get("name") == "default")
        template = next((entry.get("template") for entry in named), None)
    return template if isinstance(template, str) else None


def training_template(template: str | None) -> str | None:
    """The marked version of a chat template that the installed TRL trains with; None: there is none here.

    It is a file of TRL's: nothing is imported.
    """
    name = twin_name(template) if template else ""
    found = find_spec("trl") if name else None
    folders = [Path(place) for place in (found.submodule_search_locations or ())] if found else []
    files = (folder / "chat_templates" / f"{name}_training.jinja" for folder in folders)
    return next((file.read_text("utf-8") for file in files if file.is_file()), None)


def token_counter(folder: str | Path) -> Callable[[Iterable[str]], list[int]] | None:
    """Counts the tokens of texts with the model's own tokenizer, or None if the folder has no tokenizer.json.

    The `tokenizers` library alone: it loads in a fraction of the time that transformers takes.
    """
    file = Path(folder) / "tokenizer.json"
    if not file.exists():
        return None
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises bare Exception for a damaged file
        raise ModelError(
            f"The tokenizer of {str(folder)!r} cannot be read: {error}.", remedy="Download the model again."
        ) from error
    return lambda texts: [len(encoding) for encoding in tokenizer.encode_batch(list(map(_whole, texts)))]


def _whole(text: str) -> str:
    """The text with a mark in place of half characters, which no tokenizer takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
