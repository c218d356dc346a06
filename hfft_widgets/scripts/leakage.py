"""Held-out rows that are nearly the same as a row to train on: the score on them says what was learned by heart.

Two texts are nearly the same where the sets of their runs of five words (shingles) have a Jaccard similarity of 0.8 or
more (Broder 1997, "On the resemblance and containment of documents"). It is computed exactly; that most texts share
almost nothing with any held-out one is seen after a fifth of their shingles, as in prefix filtering (Chaudhuri, Ganti
and Kaushik 2006, "A primitive operator for similarity joins in data cleaning").
"""

from collections import defaultdict

from hfft_widgets.scripts.events import tell

SHARED, OF, WORDS = 4, 5, 5  # 0.8 in whole numbers
BLANKS = b" \t\n\r\v\f\x1c\x1d\x1e\x1f"


def row_text(row, columns):
    """What a row says in these columns, but for its system prompts, which many rows share."""
    return "\n".join(text for name in columns for text in _texts(row[name]) if text)


def _texts(cell):
    if isinstance(cell, str):
        return [cell]
    if isinstance(cell, dict):
        if cell.get("role", cell.get("from")) == "system":
            return []
        said = cell.get("content", cell.get("value", cell.get("text")))
        return [said] if isinstance(said, str) else _texts(said)
    return [text for part in cell for text in _texts(part)] if isinstance(cell, list) else []


def shingles(words):
    """The runs of five words; fewer words are one run."""
    if len(words) < WORDS:
        return {tuple(words)} if words else set()
    return set(zip(words, words[1:], words[2:], words[3:], words[4:]))  # noqa: B905 - the last ones are shorter


def nearly_same(train, held_out):
    """The held-out texts that are nearly the same as one to train on: number -> whether one is nothing but the same.

    Args:
        train: Texts, read once.
        held_out: The texts to look for.
    """
    kept = [shingles(text.split()) for text in held_out]
    where = defaultdict(list)
    for number, own in enumerate(kept):
        for shingle in own:
            where[shingle].append(number)
    known = set(where)
    within = {part for shingle in known for part in zip(shingle, shingle[1:], shingle[2:])}  # noqa: B905 - shorter
    found, edited = set(), set()
    for text in train:
        if _far(text, known, within):
            continue
        own = shingles(text.split())
        shared = own & known
        if not own or OF * len(shared) < SHARED * len(own):
            continue
        rarest = sorted(shared, key=lambda shingle: len(where[shingle]))[: _enough(len(own))]
        for number in {number for shingle in rarest for number in where[shingle]}:
            common = len(own & kept[number])
            if OF * common >= SHARED * (len(own) + len(kept[number]) - common):
                found.add(number)
                if text != held_out[number]:
                    edited.add(number)
    return {number: number not in edited for number in found}


def _far(text, known, within):
    """Whether its beginning shows that it is near no text of these shingles, and of the runs of three within them."""
    first = _enough(max(1, _most_words(text) - WORDS + 1))
    most = first + first // 2 + WORDS
    words = text.split(None, most)[:most]
    threes = zip(words[2::3], words[3::3], words[4::3])  # noqa: B905 - each shingle holds one; the last are shorter
    if len(set(words)) >= first + WORDS - 1 and within.isdisjoint(threes):  # so many of its shingles differ
        return True
    begin = shingles(words)
    return len(begin) >= first and begin.isdisjoint(known)


def _most_words(text):
    if not text.isascii():
        return len(text.split())
    return 1 + len(text) - len(text.encode().translate(None, BLANKS))


def _enough(count):
    """So many of a text's shingles cannot all be missing in one that is nearly the same."""
    return (OF - SHARED) * count // OF + 1


def apart(train, held_out, columns):
    """The held-out rows without those that are nearly the same as a row to train on."""
    texts = [row_text(row, columns) for row in held_out.select_columns(columns)]
    known = nearly_same((row_text(row, columns) for row in train.select_columns(columns)), texts)
    left = [number for number in range(len(texts)) if number not in known]
    if known and left:
        words = f"{len(known)} of {len(texts)} held-out rows are nearly the same as a row to train on"
        tell("progress", message=f"{words}: they are left out")
    return held_out.select(left) if left else held_out
