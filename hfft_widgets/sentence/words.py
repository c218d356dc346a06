"""Words of a sentence that carry no wish, and how lists of words become patterns."""

from __future__ import annotations

import re


def any_of(words: str) -> str:
    r"""A pattern of words and phrases, which stand with a stroke between them, over as many lines as they need.

    >>> any_of("no / do(?:es)? not")
    '(?:no|do(?:es)?\\s+not)'
    """
    alternatives = (" ".join(one.split()).replace(" ", r"\s+") for one in words.split(" / "))
    return f"(?:{'|'.join(alternatives)})"


def whole(words: str) -> re.Pattern[str]:
    """The same, as whole words, whatever their case."""
    return re.compile(rf"\b{any_of(words)}\b", re.IGNORECASE)


def pattern(text: str) -> re.Pattern[str]:
    """A pattern whatever the case."""
    return re.compile(text, re.IGNORECASE)


FILLERS = frozenset(
    re.findall(
        r"\S+",
        """
        a about account adapter adapters after afterwards again ahead align all already also am an and any are
        as asap at base based be because been before better both budget but by called can card check checked
        checking checkpoint column columns compatible config configuration conversation conversations conversion
        convert cost costs could data dataset datasets day did different do does doing done e.g each either
        enough example examples export face file files finally fine fine-tune fine-tuned fine-tuning finetune
        finetuning first firstly fit fits for from get gguf give go goal going good got gpu great has have
        having hello help hey hi hours how hub hugging human hurt i i'd i'll i'm i.e idea if in including
        instead into is it it's its itself job jobs just keep kindly learn learned learning learns let let's
        like limit llama.cpp lm long look lot love machine make makes making max maximum may me merge merged
        method might mine minutes model models most much must my named need new next no not now of off ok okay
        ollama on once one only or our out over own plan please pls plus possible price quality quantization
        quantize quantized quick quickly rather readme ready really repo repository result results row rows run
        runs said same samples says second secondly see set shall should simply so some something spend split
        start starting stay studio subset suit suitable sure take takes teach tell test than thank thanks that
        the their them then there these they third this those time to together too total train trainable trained
        training tune tuned tuning turn under up us usable use used using valid validate validation very via w
        want was way we we'd we'll weights well were what what's when where whether which who whole will wish
        with within work working works would wrong yes you your
        """,
    )
)
