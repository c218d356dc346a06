"""A Hub repository of GGUF files: files that come in, each with its row in the card, and nothing that is replaced."""

import hashlib
import json
import re
import time
from pathlib import Path

from hfft_widgets.scripts.events import tell
from hfft_widgets.scripts.gguf.subprocess_steps import StepFailedError

ATTEMPTS, PAUSE_SECONDS = 5, 5.0  # of an upload whose connection breaks; what has arrived is not sent again


def refuse_replacing(repo, folder, names):
    """Refuse, before any work, to replace files of the repository; the very same file, from before, is fine.

    Args:
        repo: Where the files will go.
        folder: Where they are made, or were.
        names: The files.
    """
    for name, kept in kept_there(repo, names).items():
        file = Path(folder) / name
        if not (file.is_file() and digest(file) == kept):
            raise StepFailedError(
                f"{repo} already holds another {name}, and nothing there is replaced.",
                kind="FileExistsError",
                remedy="Choose another repository or another name, or delete that file on the Hub first.",
            )


def kept_there(repo, names):
    """Name -> SHA-256 of those of the files that the repository has; {} where there is no such repository."""
    from huggingface_hub import get_paths_info
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        found = get_paths_info(repo, list(names))
    except RepositoryNotFoundError:
        return {}
    return {entry.path: entry.lfs.sha256 if getattr(entry, "lfs", None) else "" for entry in found}


def digest(file):
    """SHA-256 of a file, as the Hub names large ones."""
    with Path(file).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def patiently(act):
    """What `act` gives; it is tried again where the connection breaks or the Hub is overloaded."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return act()
        except Exception as error:
            code = getattr(getattr(error, "response", None), "status_code", None)
            refused = code is not None and code < 500 and code not in {408, 429}
            if refused or attempt == ATTEMPTS or isinstance(error, StepFailedError):
                raise
            tell("progress", message=f"The Hub could not be reached ({type(error).__name__}); trying again")
            time.sleep(PAUSE_SECONDS * attempt)
    return None


def push(exported, repo, sources, told, ollama):
    """Put a finished file on the Hub; the repository is private if new, and nothing of it is written over.

    Its card gets a row for the file; a card of somebody's own stays as it is. Ollama reads its two files from the Hub.
    """
    from huggingface_hub import CommitOperationAdd, create_commit, create_repo, file_exists

    tell("progress", message=f"Pushing {exported.name} to {repo}")
    refuse_replacing(repo, exported.parent, [exported.name])
    patiently(lambda: create_repo(repo, private=True, exist_ok=True))
    files = [CommitOperationAdd(path_in_repo=exported.name, path_or_fileobj=str(exported))]
    card = gguf_card(exported.name, repo, sources, told, earlier_card(repo))
    if card is not None:
        files.append(CommitOperationAdd(path_in_repo="README.md", path_or_fileobj=card.encode()))
    said = {"template": ollama["template"], "params": json.dumps(ollama["params"], ensure_ascii=False)}
    files += [
        CommitOperationAdd(path_in_repo=name, path_or_fileobj=text.encode())
        for name, text in said.items()
        if text and not file_exists(repo, name)
    ]
    patiently(lambda: create_commit(repo, operations=files, commit_message=f"Add {exported.name}"))


def earlier_card(repo):
    """The card that the repository has, or None."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    try:
        return Path(hf_hub_download(repo, "README.md")).read_text("utf-8")
    except EntryNotFoundError:
        return None


ROWS_BEGIN = "<!-- files: made by hfft-widgets; a row for each -->"
ROWS_HEAD = "| file | size | next words, KL to the trained model | right answers: trained, file |\n|---|---|---|---|"


def card_row(name, told):
    """What was found of a file, as a row of the card's table."""
    numbers, asked = told.get("numbers") or {}, told.get("questions") or {}
    apart = f"{numbers['kl']:.1e} (16-bit file)" if numbers else "not computed"
    right = f"{asked['trained_right']} and {asked['right']} of {asked['count']}" if asked else "not asked"
    right = right if not asked or asked["telling"] else "its answers are blank: they prove nothing"
    return f"| `{name}` | {told['bytes'] / 1e6:,.0f} MB | {apart} | {right} |"


def with_row(card, name, row):
    """The card with the file's row in its table; None for a card that has no such table."""
    if ROWS_BEGIN not in card:
        return None
    before, _, after = card.partition(f"{ROWS_BEGIN}\n{ROWS_HEAD}\n")
    lines = after.split("\n")
    count = next((n for n, line in enumerate(lines) if not line.startswith("|")), len(lines))
    rows = sorted({*(line for line in lines[:count] if not line.startswith(f"| `{name}` |")), row})
    return "\n".join([f"{before}{ROWS_BEGIN}", ROWS_HEAD, *rows, *lines[count:]])


KEPT_FACTS = re.compile(
    r"^(?:license|license_name|license_link|language|datasets|pipeline_tag):.*(?:\n(?:[ \t]+|- ).*)*", re.MULTILINE
)


def kept_facts(sources):
    """Licence, languages and data as the card of the trained model says, else that of its base."""
    for source in sources:
        file = source and Path(source) / "README.md"
        if file and file.is_file():
            header = re.match(r"---\s*\n(.*?)\n---", file.read_text("utf-8", "replace"), re.DOTALL)
            if header and (found := KEPT_FACTS.findall(header[1])):
                return found
    return []


def gguf_card(name, repo, sources, told, earlier=None):
    """The text of the model card; what is a folder of one machine is not named. None: the earlier one stays."""
    if earlier is not None:
        return with_row(earlier, name, card_row(name, told))
    made = [source for source in sources if source and not Path(source).is_absolute()][:1]
    relation = "adapter" if told.get("alone") else "quantized" if made == [sources[0]] else "finetune"
    header = [f"base_model: {json.dumps(made[0])}", f"base_model_relation: {relation}"] if made else []
    header += kept_facts(sources)
    quantization = name.removesuffix(".gguf").rpartition("-")[2]
    origin = f"`{made[0]}` for llama.cpp" if made else "A model for llama.cpp"
    lines = [
        "---",
        *header,
        "library_name: gguf",
        "tags: [gguf, hfft-widgets]",
        "---",
        "",
        f"# {repo.rpartition('/')[2]}",
    ]
    lines += ["", f"{origin}, Ollama and LM Studio. Each file got its name only after llama.cpp had computed the same"]
    lines += ["next words as the trained model, split text into the same tokens, and answered.", "", ROWS_BEGIN]
    lines += [ROWS_HEAD, card_row(name, told)]
    start = (
        f"llama-server -m base.gguf --lora {name}" if told.get("alone") else f"llama-server -hf {repo}:{quantization}"
    )
    return "\n".join([*lines, "", "```sh", start, "```", ""])
