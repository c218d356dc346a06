"""Names in a sentence: ids, files, folders, addresses, samples, and models named without their owner."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from hfft_widgets.core.method import METHODS
from hfft_widgets.inputs import SAMPLE
from hfft_widgets.sentence.draft import GAP, MOST_NAMES, Draft, Kind, Name
from hfft_widgets.sources.rows_files import FORMATS

_FILES = "|".join(re.escape(ending) for ending in sorted(FORMATS, key=len, reverse=True))
_PART = r"[A-Za-z0-9_](?:[\w.-]*\w)?"
_PATH = r"(?:[A-Za-z]:[\\/]|~?[\\/]|\.{1,2}[\\/])"
_SHAPES: tuple[tuple[Kind, str], ...] = (
    ("dataset", rf"{SAMPLE}(?!model\b)\w+"),
    ("model", rf"{SAMPLE}model\b"),
    ("dataset", rf"(?:hf://|https?://)[^\s\"'<>,;)]*?datasets/({_PART}/{_PART})[^\s\"'<>,;)]*"),
    ("hub", rf"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/({_PART}/{_PART})[^\s\"'<>,;)]*"),
    ("quoted", r"\w+://[^\s\"'<>]+"),  # an address elsewhere is none of ours
    ("dataset", rf"{_PATH}?(?:[\w.*~-]+[\\/])*[\w.*-]+(?:{_FILES})\b(?![\w/\\])"),
    ("folder", rf"{_PATH}[\w.-]+(?:[\\/][\w.-]+)*[\\/]?|{_PART}(?:[\\/]{_PART}){{2,}}[\\/]?"),
    ("hub", rf"{_PART}/{_PART}(?![\w/])"),
)
# a line of a row, a log or a talk; and what something is said to say
_SPEAKS = (
    r"\b(?i:(?:row|line|record)\s*#?\d*|comment|system|assistant|user|human|instructions?|prompt|completion|response|answer"
    r"|readme|(?:model |data |dataset )?card|log|error|warning|output|traceback)\s*:"
)
_SAID = "|".join(rf"(?<={verb}:)" for verb in ("says", "said", "reads", "states", "wrote", "contains"))
# quotes that open must close; what is never closed is quoted to its end
_QUOTED = re.compile(
    r"```.*?(?:```|$)|`[^`]*(?:`|$)|\"[^\"]*(?:\"|$)|“[^”]*(?:”|$)|«[^»]*(?:»|$)|(?<!\w)'(?=\S)[^']*(?<=\S)'(?!\w)"
    rf"|(?m:^[ \t]*>.*$)|(?:{_SPEAKS}|{_SAID})(?!\s*[\"“«`'])[^\n]+",
    re.DOTALL,
)
# two words with a stroke between them that are no name
_NO_NAMES = {
    *("and/or", "he/she", "w/o", "n/a", "yes/no", "on/off", "true/false", "input/output", "train/test", "train/eval"),
    *("train/validation", "question/answer", "prompt/completion", "prompt/response", "chosen/rejected", "his/her"),
}
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u2018\u02bc\u00b4", "'"))
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ue000-\uf8ff]")


@dataclass(frozen=True)
class Family:
    """Models whose owner is known by their name.

    Attributes:
        owner: Its account on the Hub.
        spelled: How it writes the family.
        glue: Between family and version.
        others: Endings its models also have.
        size: How it writes a size.
        version: The newest, where none is said and the first had no such models; "": what has no version is meant.
    """

    owner: str
    spelled: str
    glue: str = ""
    others: tuple[str, ...] = ("-Instruct",)
    size: Callable[[str], str] = str.upper
    version: str = ""


FAMILIES = {
    "qwen": Family("Qwen", "Qwen", others=("-Instruct", "-Base"), version="3"),
    "llama": Family("meta-llama", "Llama", "-", version="3.2"),
    "tinyllama": Family("TinyLlama", "TinyLlama", "-", others=("-Chat-v1.0",)),
    "gemma": Family("google", "gemma", "-", others=("-it", "-pt"), size=str.lower),
    "smollm": Family("HuggingFaceTB", "SmolLM"),
    "mistral": Family("mistralai", "Mistral", "-", others=("-Instruct-v0.3", "-v0.3")),
    "ministral": Family("mistralai", "Ministral", "-"),
    "phi": Family("microsoft", "Phi", "-", others=("-instruct",)),
    "olmo": Family("allenai", "OLMo", "-"),
    "granite": Family("ibm-granite", "granite", "-", others=("-instruct", "-base"), size=str.lower),
    "falcon": Family("tiiuae", "Falcon"),
    "pythia": Family("EleutherAI", "pythia", "-", others=("-deduped",), size=str.lower),
    "deepseek": Family("deepseek-ai", "DeepSeek", "-", others=("-Chat",)),
    "lfm": Family("LiquidAI", "LFM", others=()),
    "opt": Family("facebook", "opt", "-", others=(), size=str.lower),
    "bloom": Family("bigscience", "bloom", "-", others=(), size=str.lower),
    "stablelm": Family("stabilityai", "stablelm", "-", others=(), size=str.lower),
    "exaone": Family("LGAI-EXAONE", "EXAONE", "-"),
    "gpt2": Family("openai-community", "gpt2", "-", others=("-medium", "-large")),
    "gpt-oss": Family("openai", "gpt-oss", "-", others=(), size=str.lower),
}
"""Beginning of a model's name -> its family; a rule for names, no list of models."""

_SIZE = r"\d+(?:\.\d+)?[bm]"
_ENDINGS = r"\d+k|instruct|base|chat|it|pt|mini|small|medium|large|xl|coder|math|thinking"
_TAIL = rf"(?:a?{_SIZE}|{_ENDINGS}|v?\d[\d.]*\d|v?\d)(?![a-z0-9])"
_KEYS = "|".join(sorted(map(re.escape, FAMILIES), key=len, reverse=True))
_BARE = re.compile(rf"(?<![\w/.-])(?:{_KEYS})(?:[ _-]?{_TAIL})*(?![\w/])(?!\.\w)", re.IGNORECASE)
_SIZED = re.compile(rf"(?<![a-z0-9.]){_SIZE}(?![a-z0-9])", re.IGNORECASE)
_CASED = {
    "instruct": "Instruct",
    "base": "Base",
    "chat": "Chat",
    "coder": "Coder",
    "math": "Math",
    "thinking": "Thinking",
}


def drafted(sentence: str) -> Draft:
    """The sentence with a sign for each name; a name that is quoted is a name, other quoted text is not read."""
    draft = Draft(_UNSAFE.sub(" ", sentence).translate(_APOSTROPHES), {})
    _each(draft, _QUOTED, lambda found: _quoted(found[0]))
    for kind, shape in _SHAPES:
        pattern = re.compile(rf"(?<![\w@{GAP}/\\]){shape}" if shape[0] != "\\" else rf"(?<!\w){shape}")
        _each(draft, pattern, lambda found, kind=kind: _shaped(kind, found))  # type: ignore[misc]
    _each(draft, _BARE, lambda found: bare_model(found[0]))
    return draft


def _each(draft: Draft, pattern: re.Pattern[str], name: Callable[[re.Match[str]], Name | None]) -> None:
    """Put a sign, and room beside it, where a name stands."""

    def sign(found: re.Match[str]) -> str:
        made = name(found)
        if made is None or len(draft.names) >= MOST_NAMES:
            return found[0]
        sign = chr(0xE000 + len(draft.names))
        draft.names[sign] = made
        return f" {sign} "

    draft.text = pattern.sub(sign, draft.text)


def _quoted(text: str) -> Name:
    inner = text.strip("`\"“”«»' \t\n>")
    for kind, shape in _SHAPES:
        if (found := re.fullmatch(shape, inner)) and (name := _shaped(kind, found)):
            return name
    return bare_model(inner) or Name(inner, inner, "quoted")


def _shaped(kind: Kind, found: re.Match[str]) -> Name | None:
    text = found[0]
    value = found[1] if found.re.groups and found[1] else text.rstrip("/\\") or text
    parts = value.split("/")
    if kind == "hub" and (
        text.lower() in _NO_NAMES or all(part.upper() in METHODS or part.isdigit() for part in parts)
    ):
        return None
    if kind == "hub" and text.startswith("http") and parts[0] in {"spaces", "docs", "blog", "papers", "collections"}:
        return Name(text, text, "quoted")
    return Name(text, value, kind)


def is_of_family(name: str) -> bool:
    """Whether an id looks like a model of a known family: a family and a size, or the family of an owner."""
    last = name.rstrip("/").rsplit("/", 1)[-1]
    return _BARE.match(last) is not None and _SIZED.search(last) is not None


def bare_model(text: str) -> Name | None:
    """A model named without its owner, by the rule of its family; None if it says no size.

    >>> bare_model("qwen3 0.6b").candidates
    ('Qwen/Qwen3-0.6B', 'Qwen/Qwen3-0.6B-Instruct', 'Qwen/Qwen3-0.6B-Base')
    >>> bare_model("Qwen 0.6B").value
    'Qwen/Qwen3-0.6B'
    >>> bare_model("Llama 3.2 1B Instruct").value, bare_model("gemma3 270M").value, bare_model("Qwen")
    ('meta-llama/Llama-3.2-1B-Instruct', 'google/gemma-3-270m', None)
    """
    if not _BARE.fullmatch(text):
        return None
    key = next(key for key in sorted(FAMILIES, key=len, reverse=True) if text.lower().startswith(key))
    family, words = FAMILIES[key], re.findall(_TAIL, text[len(key) :], re.IGNORECASE)
    if not (key == "gpt2" or any(_SIZED.fullmatch(word) or word.lower() == "mini" for word in words)):
        return None
    version = not _SIZED.fullmatch(words[0]) and words[0][0].isdigit() if words else False
    if not version and family.version:
        words, version = [family.version, *words], True
    glue = family.glue if version else "-"
    tail = "-".join(_cased(family, word) for word in words)
    spelled = f"{family.owner}/{family.spelled}" + (f"{glue}{tail}" if tail else "")
    ended = any(word.lower() in {*_CASED, "it", "pt"} or word[0] in "vV" for word in words)
    return Name(text, spelled, "model", (spelled, *(() if ended else (spelled + other for other in family.others))))


def _cased(family: Family, word: str) -> str:
    lower = word.lower()
    if re.fullmatch(rf"a?{_SIZE}", lower):
        return family.size(lower)
    return lower if family.size is str.lower else _CASED.get(lower, lower)
