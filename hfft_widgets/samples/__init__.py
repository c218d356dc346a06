"""Real data and a tiny model, made on this machine from its own Python's documentation. No network, no download.

The task: given how a function of the standard library is called and what its documentation says first, name the
module it belongs to. A model with random weights learns it in about a minute on two cores.

    rows = hfft.samples.dataset("messages")
    folder = hfft.samples.model()
    plan = hfft.plan_training(folder, report)
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.script import fingerprint
from hfft_widgets.errors import DataError
from hfft_widgets.samples import keep, rows, stdlib, tiny_model
from hfft_widgets.samples.agent_plans import agent_plans

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["KINDS", "agent_plans", "dataset", "model"]

KINDS: tuple[str, ...] = tuple(rows.MAKERS)
"""What `dataset` can make: messages, prompt_completion, preference, verifiable."""


def dataset(kind: str = "messages") -> Dataset:
    """More than 2,000 rows from the standard library's documentation: the first call makes them, later ones read them.

    The rows are the same on every machine with the same Python release. Split them as you like: no text is in two rows.

    Args:
        kind: The shape of the rows. "messages": `messages`, for SFT. "prompt_completion": `prompt` and `completion`
            as plain text, for SFT. "preference": `prompt`, `chosen`, `rejected` as message lists, for DPO.
            "verifiable": `prompt` as a message list and `answer`, for GRPO.

    Raises:
        DataError: No such kind; or Python's sources are not here; or the cache folder cannot be written.
    """
    if kind not in rows.MAKERS:
        raise DataError(f"There is no sample dataset {kind!r}.", remedy=f"Choose one of: {', '.join(KINDS)}.")
    name = f"python-docs-{kind.replace('_', '-')}"
    target = keep.place(name, ".parquet")
    table = _read(target)
    if table is None:
        table = _keep(target, rows.MAKERS[kind](_symbols()))
    return _dataset(table, name=name, version=f"{target.parent.name}/{name}")


def model() -> Path:
    """The folder of a tiny Llama with random weights: the first call makes it (about 10 seconds), later ones find it.

    `AutoModelForCausalLM` and `AutoTokenizer` load it, TRL trains it, the GGUF converter accepts it.

    Raises:
        MissingExtraError: torch, transformers, sentencepiece or protobuf is not installed, and the model not made yet.
        DataError: Python's sources are not here, or the cache folder cannot be written.
    """
    target = keep.place("tiny-llama")
    if tiny_model.is_whole(target):
        return target
    keep.discard(target)
    maker = tiny_model.Maker()
    texts = [f"{rows.question(symbol)}\n{symbol.module}" for symbol in _symbols()]
    return keep.keep_folder(target, lambda folder: maker.fill(folder, texts))


@cache
def _symbols() -> tuple[stdlib.Symbol, ...]:
    return tuple(rows.shuffled(stdlib.symbols()))


def _read(path: Path) -> Any:
    """The kept table, or None if there is none or it is damaged (then it is made again)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(io.BytesIO(path.read_bytes()))  # no open file stays behind to be in a writer's way
    except (OSError, pa.ArrowInvalid):
        return None


def _keep(target: Path, made: list[rows.Row]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist(made)
    keep.keep_file(target, lambda path: pq.write_table(table, path))
    return table


def _dataset(table: Any, *, name: str, version: str) -> Dataset:
    from datasets import Dataset, DatasetInfo

    description = "Signatures and first paragraphs from the documentation of Python's standard library."
    info = DatasetInfo(dataset_name=name, description=description, license="PSF-2.0")
    return Dataset(table, info=info, fingerprint=fingerprint(version))
