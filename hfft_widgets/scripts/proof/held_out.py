"""Which rows are held out: told by what they ask, so that they stay held out whatever the order, the seed, the run.

Every row has a digest of its question. Held out are the rows with the smallest digests: copies of a question stand on
one side, and the next training of the same data, of this model or of the one made from it, holds out the same rows.
"""

import json
import re
import unicodedata
from collections import Counter
from hashlib import blake2b
from pathlib import Path

CHAIN = "held_out.json"  # beside a model, and pushed with it: what its trainings held out and what they trained on
PICTURES = ("image", "images")
FEWEST = 8  # rows that say something
MOST_TOLD = 4000  # digests of rows that were trained on: the smallest, next to those that the next one holds out
SHORT = 8  # hex digits of each
WORD_SIGNS = bytes(ord(chr(n).lower()) if chr(n).isalnum() or chr(n) == "_" else 32 for n in range(128)) + bytes(128)


def hold_out(dataset, count, model=""):
    """The rows to train on and those to judge by: {"train": ..., "test": ..., "held_out": ...}.

    Args:
        dataset: All rows.
        count: About how many are held out; fewer than half of all.
        model: What is trained: its folder, or its name on the Hub. What it was trained on before is held out only
            as far as nothing else is left, and that is said.
    """
    rows = text_columns(dataset)
    asked = [asked_text(row) for row in rows]
    kind, digests, held = drawn(asked, lambda: map(bare_text, rows), count)
    below, chain = max(digests[number] for number in held), chain_of(model)
    texts = list(zip(asked, map(bare_text, rows), strict=True)) if chain else []
    was_seen = seen_before(texts, chain)
    fresh = [number for number in held if not (chain and was_seen(texts[number]))]
    judged = fresh if len(fresh) >= min(FEWEST, asked_for(count, asked)) else held
    train = [number for number, digest in enumerate(digests) if digest > below]
    told = sorted(digests[number][:SHORT] for number in train)
    link = {"kind": kind, "below": below, "trained": told[:MOST_TOLD], "all": len(told) <= MOST_TOLD}
    facts = {"trained_on": len(judged) - len(fresh), "chain": [*chain, link]}
    return {"train": dataset.select(train), "test": dataset.select(judged), "held_out": facts}


def drawn(asked, whole, count):
    """How rows are told apart ("question" or "row"), each one's digest, and the numbers of those that are held out.

    Args:
        asked: What `asked_text` gives of each row.
        whole: Gives what each row says, `bare_text` of it; called where questions do not tell rows apart.
        count: About how many are held out.
    """
    count = asked_for(count, asked)
    kind = "question" if tells_apart(asked, count) else "row"
    digests = [digest_of(text) for text in (asked if kind == "question" else whole())]
    below = sorted(digests)[count - 1]
    return kind, digests, [number for number, digest in enumerate(digests) if digest <= below]


def asked_for(count, rows):
    """How many are held out: at least one, and no more than half of all."""
    return max(1, min(count, len(rows) // 2))


def text_columns(dataset):
    """The dataset without its pictures, which would be opened for nothing."""
    return dataset.remove_columns([name for name in PICTURES if name in dataset.column_names])


def asked_text(row):
    """What a row asks: without the answers where it has some, blanks, case and signs aside."""
    asked = row["prompt"] if "prompt" in row else row.get("messages") or row.get("chosen") or row
    if "prompt" not in row and isinstance(asked, list):
        asked = asked[:-1] if len(asked) > 1 else asked
    return bare_text(asked)


def bare_text(value):
    """The letters and digits of all texts in a value, in order; of signs alone, the signs."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value) if value[key] is not None and key != "role"]
    if isinstance(value, list):
        return " ".join(map(bare_text, value))
    text = str(value)
    if text.isascii():  # the same in a quarter of the time
        return b" ".join(text.encode().translate(WORD_SIGNS).split()).decode() or text.lower()
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", text)) or text


def tells_apart(questions, count):
    """Whether questions tell rows apart: where most rows ask the same, what they answer must."""
    counts = Counter(questions)
    return max(counts.values()) <= max(1, count // 4) and len(counts) >= 4 * min(FEWEST, count)


def digest_of(text):
    """A text's place among all texts: the same everywhere, and in no order that a person could have chosen."""
    return blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def seen_before(rows, chain):
    """A function of a row's texts: whether an earlier training of the model had it among its rows.

    Of each training the smallest digests are known. A row beyond them counts as seen if any other row of this data
    was: then it is the same data.
    """
    links = []
    for link in chain:
        at, trained = int(link["kind"] != "question"), set(link["trained"])
        same = any(digest_of(texts[at])[:SHORT] in trained for texts in rows)
        links.append((at, link["below"], trained, "f" * SHORT if link["all"] or not same else max(trained)))

    def was_seen(texts):
        digests = [digest_of(text) for text in texts]
        return any(
            digests[at] > below and (digests[at][:SHORT] in trained or digests[at][:SHORT] > known)
            for at, below, trained, known in links
        )

    return was_seen


def chain_of(model):
    """What the trainings of a model wrote down, the first one first; [] where there is nothing to read."""
    try:
        file = next((f / CHAIN for f in (Path(model), Path(model).parent) if model and (f / CHAIN).is_file()), None)
        if file is None and model and not Path(model).exists():
            from huggingface_hub import hf_hub_download

            file = Path(hf_hub_download(model, CHAIN))
        links = json.loads(file.read_text("utf-8"))["chain"] if file else []
        return [known_link(link) for link in links][-20:]
    except Exception:  # noqa: BLE001 - most models were trained by others: there is no such file
        return []


def known_link(link):
    """A link of the chain as it was written; raises where it makes no sense."""
    trained = [str(digest)[:SHORT] for digest in link["trained"][:MOST_TOLD]]
    return {"kind": str(link["kind"]), "below": str(link["below"]), "trained": trained, "all": bool(link["all"])}


def keep_chain(folder, held_out):
    """Write beside the trained model what it was trained on, and what not."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CHAIN).write_text(json.dumps({"chain": held_out["chain"]}), "utf-8")
