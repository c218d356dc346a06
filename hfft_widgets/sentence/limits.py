"""Numbers in a sentence: dollars, time, how many rows, settings."""

from __future__ import annotations

import re
from typing import Any

from hfft_widgets.core.plan.settings import SETTINGS
from hfft_widgets.core.plan.settings.setting import Setting
from hfft_widgets.sentence.draft import NUMBER, Draft, number

_MONEY = (
    rf"\$\s?(?P<before>{NUMBER})\s?(?P<k>k\b)?|(?P<after>{NUMBER})\s?(?P<unit>us\$|\$|us dollars?|dollars?|usd\b"
    r"|bucks?\b|cents?\b)"
)
_PER_HOUR = r"\s*(?:/|per\b|an\b|a\b|every\b)\s*(?:h\b|hr\b|hour|min|month|day)"
_NEVER_MORE = (
    r"(?:\b(?:do|should|must|may|can|shall|to|it)\s+)*\b(?:no|not|never|don't|dont|without|mustn't|shouldn't|can't"
    r"|cannot)\b[^.;!?,]{0,25}?"
    r"\b(?:more than|over|above|beyond|exceed(?:ing)?)\W*$"
)
_LIMITED = (
    r"\b(?:under|below|at most|max(?:imum)?|up to|no more than|not more than|less than|within|budget|limit|limited|cap"
    r"|capped|ceiling|max_usd|for|only|most|spend|cost|pay|exceed|around|about)\b"
    r"[^.;!?,\w]*(?:(?:is|of|at|it|to|a|an|the|my|me|us|most|cost|costs|total)\b[^.;!?,\w]*){0,3}$"
)
_LIMITED_AFTER = r"\s*(?:at (?:the )?most|max(?:imum)?|tops|budget|limit|or less|in total|total)\b"
_NO_LIMIT = r"\b(?:at least|minimum|over|above|more than|paid|costs? (?:me|us)|was|were|left|worth)\W*$"
_UNLIMITED = (
    r"\b(?:(?:without (?:a |any )?|ignor\w+ (?:the |any |my )?|rais\w+ (?:the |my )?|no )(?:budget|spending|cost"
    r"|price)? ?"
    r"(?:limits?|caps?|ceilings?|budget)|unlimited(?: budget)?|whatever it costs|money is no object)\b"
)
_OTHER_MONEY = rf"[€£¥]\s?{NUMBER}|{NUMBER}\s?(?:[€£¥]|euros?\b|eur\b|pounds?\b|gbp\b|yen\b)"

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TIME = (
    rf"(?P<n>{NUMBER})[\s-]?(?P<unit>hours?|hrs?|h|minutes?|mins?|seconds?|secs?|days?)\b"
    rf"(?:\s*(?:and\s*)?(?P<more>\d+)\s*(?:minutes?|mins?|m)\b)?"
)
_UNTIL = (
    r"(?:\b(?:in|within|under|below|at most|max(?:imum)?|less than|no more than|not more than|no longer than|up to"
    r"|about"
    r"|around|roughly|for|than|takes?|taking|run|runs)\b\s*(?:an?\s+)?)*"
)

_ROWS = r"(?:rows?|examples?|samples?|records?|items?|conversations?|pairs?|prompts?|lines?|entries|dialogues?)\b"
_HOLDS = r"\b(?:has|have|holds?|contains?|there are|consists of|comprises|is)\s+(?:about\s+|around\s+|roughly\s+)?"
_FEW = r"(?:\b(?:only|just|the|a|an|first|random(?:ly)?|subset of|sample of|subsample of|of|use|top)\b\s*)*"

# what people say beside a setting's own names
_ALSO = {
    "learning_rate": ("lr",),
    "num_train_epochs": ("epochs", "epoch", "passes over the data"),
    "max_steps": ("training steps", "optimizer steps", "steps"),
    "batch_size": ("batch",),
    "accumulation": ("gradient accumulation steps", "gradient accumulation"),
    "max_length": (
        "maximum length",
        "context length",
        "sequence length",
        "max seq length",
        "max sequence length",
        "tokens",
    ),
    "lora_r": ("rank", "r"),
    "lora_alpha": ("alpha",),
    "lr_scheduler_type": ("learning rate schedule", "learning rate", "lr schedule", "lr", "scheduler"),
    "num_generations": ("generations", "answers per prompt"),
}
_BEFORE = {"num_train_epochs", "max_steps", "num_generations", "learning_rate", "max_length"}  # "3 epochs"
# "checkpoint every 500 steps"
_EVERY = {
    "save_steps": r"(?:check-?point(?:s|ing)?|sav(?:e|es|ed|ing))",
    "eval_steps": r"(?:evaluat(?:e|es|ed|ing|ions?)|eval|held-out check)",
    "logging_steps": r"log(?:s|ged|ging)?",
}

# a switch by other words: on, off
_SWITCHED = {
    "private": (r"privately|(?:in|to|as) a private repo(?:sitory)?", r"publicly|(?:in|to|as) a public repo(?:sitory)?")
}


def read_money(draft: Draft) -> None:
    """The most it may cost: the lowest that is named; a sentence never lifts a limit."""
    for found in draft.take_all(_UNLIMITED):
        draft.refuse(found[0], "a limit is only ever lifted by hand, in its field")
    for found in draft.take_all(_OTHER_MONEY):
        draft.refuse(found[0], "limits are in dollars")
    for found in draft.take_all(rf"(?:{_MONEY})(?P<rate>{_PER_HOUR})?"):
        _take_amount(draft, found)
    if draft.values.get("max_usd") == 0:
        del draft.values["max_usd"]
        draft.set("where", "local", "only this machine costs nothing")
    if draft.take(r"\b(?:for free|without paying|at no cost|free of charge)\b"):
        draft.set("where", "local", "only this machine costs nothing")


def _take_amount(draft: Draft, found: re.Match[str]) -> None:
    before, after = draft.text[: found.start()], draft.text[found.end() :]
    never_more, later = re.search(_NEVER_MORE, before, re.IGNORECASE), re.match(_LIMITED_AFTER, after, re.IGNORECASE)
    limited = never_more or re.search(_LIMITED, before, re.IGNORECASE)
    floor = never_more is None and re.search(_NO_LIMIT, before, re.IGNORECASE)
    if found["rate"] or floor or not (limited or later):
        return draft.refuse(found[0], "no limit: say “at most $5”")
    draft.blank(limited.start() if limited else found.start(), found.end() + (later.end() if later else 0))
    usd = number(found["before"] or found["after"]) * (1000 if found["k"] else 1)
    if (found["unit"] or "").lower().startswith("cent"):
        usd /= 100
    known = draft.values.get("max_usd")
    if known is not None and known != usd:
        draft.assumed["max_usd"] = "the lower of two limits", ()
        usd = min(usd, known)
    draft.set("max_usd", usd)
    return None


def read_time(draft: Draft) -> None:
    """How long it may take: the shortest that is named."""
    draft.take(r"\bhalf an hour\b(?=\s+ago)")
    for found in draft.take_all(rf"{_UNTIL}(?:(?P<half>half an hour)|{_TIME})(?P<past>\s+ago\b)?"):
        if found["past"]:
            draft.refuse(found[0])
            continue
        unit = (found["unit"] or "m")[0].lower()
        seconds = 1800 if found["half"] else round(number(found["n"]) * _SECONDS[unit])
        seconds += 60 * int(found["more"] or 0)
        if seconds > 0:
            draft.set("seconds", min(seconds, draft.values.get("seconds", seconds)))


def read_rows(draft: Draft) -> None:
    """Whether only a part of the rows is meant: so many, or a share."""
    for told in draft.take_all(rf"{_HOLDS}{NUMBER}\s?(?:[km]\b)?\s*(?:random |training )*{_ROWS}", keep="rows"):
        draft.refuse(told[0])  # how many there are is no wish
    found = draft.take(rf"{_FEW}(?P<n>{NUMBER})\s?(?P<k>[km]\b)?\s*(?:random |training |first )*{_ROWS}", keep="rows")
    if found:
        rows = number(found["n"]) * {"k": 1e3, "m": 1e6}.get((found["k"] or "").lower(), 1)
        if rows >= 1 and rows == int(rows) and found["n"].lower() not in {"a", "an", "one"}:
            draft.set("rows", int(rows))
    found = draft.take(rf"{_FEW}(?P<n>{NUMBER})\s?(?:%|percent\b)(?: of\b)?", keep="rows")
    if found and 0 < number(found["n"]) <= 100:
        draft.set("share", number(found["n"]) / 100)
    words = {"half": 0.5, "third": 1 / 3, "quarter": 0.25, "tenth": 0.1}
    if found := draft.take(rf"{_FEW}\b(?P<n>{'|'.join(words)}) of\b", keep="rows"):
        draft.set("share", words[found["n"].lower()])


def read_settings(draft: Draft) -> None:
    """Settings by TRL's names, by their labels, and by what people say; a value that is not allowed is not used."""
    settings: dict[str, Any] = {}
    for name, words in _EVERY.items():
        if found := draft.take(
            rf"\b(?:a |the |with )*{words}\s+(?:it |them |a checkpoint )?every\s+(?P<n>{NUMBER})\s+steps?\b"
        ):
            settings[name] = int(number(found["n"]))
    for name, setting in SETTINGS.items():
        if setting.kind in {"whole number", "number"}:
            _read_number(draft, settings, name, setting)
        elif setting.kind == "switch":
            _read_switch(draft, settings, name, setting)
        elif setting.kind == "choice":
            _read_choice(draft, settings, name, setting)
    if settings:
        draft.set("settings", settings)


def _read_choice(draft: Draft, settings: dict[str, Any], name: str, setting: Setting) -> None:
    choices, spelled = "|".join(sorted(setting.choices, key=len, reverse=True)), _spellings(name, setting)
    found = draft.take(rf"\b(?:{spelled})\s*(?:=|:|of|is)?\s*(?P<v>{choices})\b")
    found = found or draft.take(rf"\b(?:with |an? |and )*(?P<v>{choices})\s+(?:{spelled})\b")
    if found:
        settings[name] = found["v"].lower()


def _spellings(name: str, setting: Setting) -> str:
    forms = {name, setting.trl or "", setting.label, *_ALSO.get(name, ())}
    words = sorted(filter(None, forms), key=len, reverse=True)
    return "|".join(
        re.escape(word).replace(r"\ ", "[ _-]").replace("_", "[ _-]").replace("[ [ _-]-]", "[ _-]") for word in words
    )


def _read_number(draft: Draft, settings: dict[str, Any], name: str, setting: Setting) -> None:
    spelled = _spellings(name, setting)
    found = draft.take(
        rf"\b(?:{spelled})\s*(?:size|value)?\s*(?:=|:|of|to|at|is)?\s*(?P<n>-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?)(?![\w%])"
    )
    if found is None and name in _BEFORE:
        found = draft.take(rf"(?:\bfor )?(?<!every )(?P<n>{NUMBER})\s+(?:{spelled})\b")
    if found is None:
        return
    value: float = number(found["n"].lstrip("-")) * (-1 if found["n"].startswith("-") else 1)
    value = int(value) if value.is_integer() else value
    if setting.allows(value):
        settings[name] = value
    else:
        draft.refuse(found[0], setting.allowed)


def _read_switch(draft: Draft, settings: dict[str, Any], name: str, setting: Setting) -> None:
    words = rf"(?:{re.escape(name)}|{re.escape(name.replace('_', ' '))}|{re.escape(setting.label.lower())})"
    on, off = _SWITCHED.get(name, ("(?!)", "(?!)"))
    if found := draft.take(rf"\b{words}\s*[=:]\s*(?P<v>true|on|yes|false|off|no)\b"):
        settings[name] = found["v"].lower() in {"true", "on", "yes"}
    elif draft.take(rf"\b(?:{off})\b|\b(?:without|no|disable|turn off)\s+{words}\b"):
        settings[name] = False
    elif draft.take(rf"\b(?:{on})\b|\b(?:with|enable|turn on)\s+{words}\b(?!\s+repo)"):
        settings[name] = True
