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
    earlier = hub_card(repo)
    if earlier is None:
        cards = [card_of(source) for source in sources if source]
        card = gguf_card(exported.name, repo, sources, told, cards)
    else:
        card = with_row(earlier, exported.name, card_row(exported.name, told))
    if card is not None:
        files.append(CommitOperationAdd(path_in_repo="README.md", path_or_fileobj=card.encode()))
    said = {"template": ollama["template"], "params": json.dumps(ollama["params"], ensure_ascii=False)}
    files += [
        CommitOperationAdd(path_in_repo=name, path_or_fileobj=text.encode())
        for name, text in said.items()
        if text and not file_exists(repo, name)
    ]
    patiently(lambda: create_commit(repo, operations=files, commit_message=f"Add {exported.name}"))


# ---- The card ------------------------------------------------------------------------------------


def card_of(source):
    """The card of a model, in its folder or on the Hub; "" if it has none."""
    if not Path(source).is_dir():
        return hub_card(source) or ""
    file = Path(source) / "README.md"
    return file.read_text("utf-8", "replace") if file.is_file() else ""


def hub_card(repo):
    """The card that a repository has, or None."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

    try:
        return Path(hf_hub_download(repo, "README.md")).read_text("utf-8", "replace")
    except (EntryNotFoundError, RepositoryNotFoundError):
        return None


ROWS_BEGIN = "<!-- files: made by hfft-widgets; a row for each -->"
# A column that comes later stands at the end: the rows of earlier files keep their cells.
ROWS_HEAD = (
    "| file | size | next words: KL to the model | right answers: model, file | same answers | lost at most | texts |",
    "|---|---|---|---|---|---|---|",
)
NOTHING_PROVEN = "blank: they prove nothing"


def card_row(name, told):
    """What was found of a file, as a row of the card's table."""
    numbers, asked, lost = (told.get(key) or {} for key in ("numbers", "questions", "lost"))
    apart = f"{numbers['kl']:.1e} (16-bit file)" if numbers else "not computed"
    right = f"{asked['trained_right']} and {asked['right']} of {asked['count']}" if asked else "not asked"
    same = f"{asked['same']} of {asked['count']}" if asked else "not asked"
    if asked and not asked["telling"]:
        right = same = NOTHING_PROVEN
    most = f"{max(lost.values()):.2%}" if lost else "not quantized"
    split = str(told.get("strings") or "none")
    return f"| `{name}` | {told['bytes'] / 1e6:,.0f} MB | {apart} | {right} | {same} | {most} | {split} |"


def with_row(card, name, row):
    """The card with the file's row in its table; None for a card that has no such table."""
    before, begin, after = card.partition(f"{ROWS_BEGIN}\n")
    if not begin:
        return None
    lines = after.split("\n")
    count = next((n for n, line in enumerate(lines) if not line.startswith("|")), len(lines))
    earlier = lines[len(ROWS_HEAD) : count]
    rows = sorted({*(line for line in earlier if not line.startswith(f"| `{name}` |")), row})
    return "\n".join([f"{before}{ROWS_BEGIN}", *ROWS_HEAD, *rows, *lines[count:]])


KEPT_FACTS = re.compile(
    r"^(?:license|license_name|license_link|language|datasets|pipeline_tag):.*(?:\n(?:[ \t]+|- ).*)*", re.MULTILINE
)
HEADER = re.compile(r"---\s*\n(.*?)\n---", re.DOTALL)


def kept_facts(cards):
    """Licence, languages and data as the card of the trained model says, else that of its base."""
    headers = [header[1] for card in cards if (header := HEADER.match(card))]
    return next((found for header in headers if (found := KEPT_FACTS.findall(header))), [])


def training_told(card):
    """How it was trained and what came out, by the trained model's own card; nothing of a card by somebody else."""
    header = HEADER.match(card)
    if not header or "hfft-widgets" not in header[1]:
        return []
    body = card[header.end() :].partition("\n# ")[2].partition("\n")[2]  # below its title
    told = re.sub(r"^#", "##", body.partition("\n## Use\n")[0].strip(), flags=re.MULTILINE)
    return ["", "## How it was trained", "", told] if told else []


def gguf_card(name, repo, sources, told, cards=()):
    """The text of a new card; what is a folder of one machine is not named.

    Args:
        name: The file.
        repo: Where it goes.
        sources: The trained model, what lies between, its base.
        told: What was found of the file.
        cards: The texts of the sources' cards.
    """
    made = [source for source in sources if source and not Path(source).is_absolute()][:1]
    relation = "adapter" if told.get("alone") else "quantized" if made == [sources[0]] else "finetune"
    header = [f"base_model: {json.dumps(made[0])}", f"base_model_relation: {relation}"] if made else []
    header += [*kept_facts(cards), "library_name: gguf", "tags: [gguf, hfft-widgets]"]
    origin = f"`{made[0]}` for llama.cpp" if made else "A model for llama.cpp"
    lines = ["---", *header, "---", "", f"# {repo.rpartition('/')[2]}", ""]
    lines += [f"{origin}, Ollama and LM Studio.", "", "## How to run it", "", *start_lines(name, repo, told), ""]
    lines += ["## Files and their proof", ""]
    lines += ["Each file got its name only after llama.cpp had computed the same next words as the trained model,"]
    lines += ["split text into the same tokens, and answered.", "", ROWS_BEGIN, *ROWS_HEAD, card_row(name, told)]
    return "\n".join([*lines, *(training_told(cards[0]) if cards else []), ""])


def start_lines(name, repo, told):
    """The lines that start the file in each program."""
    if told.get("alone"):
        lines = [f"llama-server -m base.gguf --lora {name}"]
    else:
        tag = name.removesuffix(".gguf").rpartition("-")[2]
        lines = [f"llama-server -hf {repo}:{tag}", f"ollama run hf.co/{repo}:{tag}"]
        lines.append(f"lms get https://huggingface.co/{repo}@{tag}")
    return ["```sh", *lines, "```"]
