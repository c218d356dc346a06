"""Rows of a dataset on the Hugging Face Hub."""

from __future__ import annotations

from hfft_widgets.errors import DataError, DatasetNotFoundError
from hfft_widgets.sources.rows_errors import chain, no_space, quiet, reason
from hfft_widgets.sources.rows_memory import Opened, chosen_split


def opened(where: str, config: str | None, split: str | None) -> Opened:
    """Name, reference and rows of a Hub dataset; what is downloaded stays in the datasets library's cache."""
    from datasets import load_dataset

    try:
        with quiet():
            config, split = _choices(where, config, split)
            arguments = {"path": where, "name": config, "split": split}
            return where, arguments, load_dataset(**arguments)
    except DataError:
        raise
    except Exception as error:  # whatever the library raises means: this dataset cannot be read
        raise _failed(where, error) from error


def _choices(where: str, config: str | None, split: str | None) -> tuple[str | None, str]:
    """The configuration and split to read; an error that lists them where one must be chosen."""
    import datasets

    if datasets.config.HF_HUB_OFFLINE:  # nothing can be asked; the cache may hold the dataset
        return config, split or "train"
    config = _config(datasets.get_dataset_config_names(where), config, where)
    return config, chosen_split(datasets.get_dataset_split_names(where, config), split, where)


def _config(configs: list[str], asked: str | None, name: str) -> str:
    if asked in configs:
        return str(asked)
    if asked is None and (len(configs) == 1 or "default" in configs):
        return "default" if "default" in configs else configs[0]
    what = f"{name} has no configuration {asked!r}." if asked else f"{name} has several configurations."
    raise DataError(what, remedy=f"Choose one: {', '.join(map(repr, configs))}.")


def _failed(where: str, error: Exception) -> DataError:
    if full := no_space(error):
        return full
    names = {type(link).__name__ for link in chain(error)}
    said = reason(error)
    if any("gated" in str(link) for link in chain(error)):
        return DataError(
            f"{where} is gated.",
            why="Its owner wants to know who uses it.",
            remedy=f"Accept its conditions at https://huggingface.co/datasets/{where} and log in with `hf auth login`.",
        )
    if names & {"ConnectionError", "OfflineModeIsEnabled", "ConnectTimeout", "ReadTimeout", "ConnectError"}:
        return DataError(
            f"The Hugging Face Hub could not be reached for {where}.",
            why=f"{str(error).rstrip('.')}.",
            remedy="Check the connection (and HF_HUB_OFFLINE), or use a local file.",
        )
    if "DatasetNotFoundError" in names:
        return DatasetNotFoundError(
            f"There is no dataset {where} on the Hugging Face Hub, or it is private.",
            remedy="Check the name ('owner/name'); for a private one, log in with `hf auth login`.",
        )
    return DataError(f"{where} cannot be read.", why=f"{said.rstrip('.')}.", remedy="Look at its page on the Hub.")
