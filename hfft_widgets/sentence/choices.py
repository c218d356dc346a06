"""What a sentence chooses: machine, method, goal, adapters, quantization, configuration and split."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from hfft_widgets.core.export.quantizations import QUANTIZATIONS, USUAL
from hfft_widgets.core.method import METHODS
from hfft_widgets.core.plan.hardware import CPU_FLAVORS, FLAVORS, GPUS, gpu_machine
from hfft_widgets.core.plan.settings import SETTINGS
from hfft_widgets.sentence.draft import NUMBER, SIGNS, Draft, number

_NAMED_FLAVORS = "|".join(sorted((re.escape(f.name) for f in (*FLAVORS, *CPU_FLAVORS)), key=len, reverse=True))
_CARDS = "|".join(sorted((re.escape(name).replace(r"\ ", "[ -]?") for name in GPUS), key=len, reverse=True))
_AT = r"\b(?:on|with|using|via|by|in|at|use)\s+"
_OWN = (
    r"(?:(?:this|my|our)\s+(?:own\s+)?(?:\w+\s+)?(?:machine|laptop|computer|pc|mac(?:book)?|workstation|notebook|desktop"
    r"|gpu|card|server)|(?:my|our)\s+(?:own\s+)?(?:nvidia|rtx|gtx|geforce|radeon|titan)\b(?:\s+[\w-]+)?)"
)
_HERE = (
    rf"{_AT}{_OWN}\b|\b(?:locally|on-?device|right here)\b|{_AT}(?:here|localhost|cpu here)\b"
    r"|\bflavor\s*[=:]?\s*local\b"
)
_JOBS = (
    r"(?:\b(?:on|with|using|via|as|in|by)\s+)?(?:a\s+|the\s+)?\b(?:(?:hf|hugging ?face) jobs?|cloud|rented (?:gpu"
    r"|hardware|machine))\b"
    r"|\b(?:with|as|in|using|via) a job\b(?: on)?"
)

METHOD_WORDS: Mapping[str, str] = {
    "SFT": r"supervised[ -]fine-?[ ]?tun\w+",
    "DPO": r"direct[ -]preference[ -]optimi[sz]ation",
    "GRPO": r"group[ -]relative[ -]policy[ -]optimi[sz]ation",
    "KTO": r"kahneman[ -]tversky(?:[ -]optimi[sz]ation)?",
    "RLOO": r"reinforce[ -]leave[ -]one[ -]out",
    "Reward": r"reward[ -]model(?:l?ing|s)?",
}
BY_WORD = {"Reward"}  # an everyday word: only "reward model" names it
METHOD = "|".join(
    rf"(?P<{name}>\b(?:{words}{'' if name in BY_WORD else '|' + name})\b)" for name, words in METHOD_WORDS.items()
)
_OTHER_METHODS = (
    r"\b(?:PPO|ORPO|CPO|SimPO|IPO|GKD|XPO|PRM|RLHF|RLAIF|DoRA|(?:continued |domain )?pre-?training"
    r"|(?:knowledge )?distill(?:ation)?)\b"
)
_GOALS = {
    "instruction following": (
        r"\b(?:for |on |in |at |to |its )*(?:follow(?:ing)? (?:the |my |user )?instructions?(?: better)?"
        r"|instruction[ -]following"
        r"|instruction[ -]tun\w+|instruct(?:ion)? tuning|(?:for|as) (?:a |an )?(?:chat(?:ting)?|chat ?bot"
        r"|(?:chat )?assistant)\b)"
    ),
    "preferences": (
        r"\b(?:for |to |by |with |on )*(?:(?:human|user|my|our|people'?s?) )?(?:preferences?(?: (?:tuning|alignment"
        r"|learning|optimi[sz]ation))?)\b"
    ),
    "verifiable reasoning": (
        r"\b(?:for |at |in |on |to )*(?:(?:(?:math\w*|logical|verifiable|better) )*reason(?:ing)?\b(?: step by step)?"
        r"|math(?:s|ematics)?\b"
        r"|verifiable (?:rewards?|answers?)\b)"
    ),
}
_ITS = r"\b(?:the |its |with |in |from )*"
_FLAVOR = (
    rf"(?:{_AT}|\bflavor\s*[=:]?\s*)?(?:an?\s+|the\s+)?(?<![\w-])(?P<name>{_NAMED_FLAVORS})(?![\w-])"
    r"(?:\s+(?:gpu|flavor|machine|job))?"
)
_CARD = (
    rf"(?:{_AT}|\bor\s+)(?:(?P<own>my|our|this)\s+)?(?:an?\s+|one\s+|the\s+|single\s+)*(?:(?P<n>{NUMBER})\s*x?\s*)?(?:nvidia\s+)?"
    rf"(?P<card>{_CARDS})s?\b(?:[\s-]*\d+\s?gb)?(?:\s+(?:gpus?|cards?))?"
)
_QUANTIZATION = (
    r"\b(?:as |to |in |with |at )*(?P<q>i?q\d(?:[ _-]?k)?(?:[ _-]?[a-z0-9]{1,3})?|b?f(?:p)?16)\b"
    r"(?: quanti[sz]ation| quant)?"
)
_BITS = r"\b(?:in |as |to |with |an? )*(?P<bits>[34568]|16)[ -]?bits?\b(?: quanti[sz]ation)?"
_BY_BITS = {"3": "Q3_K_M", "4": USUAL, "5": "Q5_K_M", "6": "Q6_K", "8": "Q8_0", "16": "F16"}
_STOPS = {
    *(
        "a",
        "an",
        "the",
        "my",
        "its",
        "this",
        "that",
        "which",
        "of",
        "and",
        "in",
        "all",
        "any",
        "some",
        "with",
        "is",
        "it",
    ),
    *("each", "every", "no", "called", "named", "small", "whole", "full", "random", "right", "for", "on", "from", "to"),
}


def read_place(draft: Draft) -> None:
    """Where it shall run: here, on rented hardware, on one kind of machine."""
    places = {where: found[0] for where, words in (("local", _HERE), ("jobs", _JOBS)) for found in _meant(draft, words)}
    flavors = {found["name"].lower(): found[0] for found in _meant(draft, _FLAVOR)}
    for found in _meant(draft, _CARD):
        if found["own"]:
            places["local"] = found[0]
        elif (flavor := _rented(draft, found)) is not None:
            flavors[flavor] = found[0]
    draft.decide("where", places)
    draft.decide("flavor", flavors)
    if "flavor" in draft.values:
        draft.set("where", "jobs")


def _meant(draft: Draft, words: str) -> Iterator[re.Match[str]]:
    """Every place of these words, but for those that other words rule out."""
    for found in draft.take_all(words):
        if draft.ruled_out(found.start()):
            draft.refuse(found[0], "it is ruled out; say what shall be instead")
        else:
            yield found


def _rented(draft: Draft, found: re.Match[str]) -> str | None:
    """The cheapest flavor with these cards, if one has them."""
    card, cards = re.sub(r"[ -]", "", found["card"]).lower(), int(number(found["n"] or "1"))
    name = next(name for name in GPUS if re.sub(r"[ -]", "", name).lower() == card)
    machine = gpu_machine(name, cards) if cards >= 1 else None
    if machine is None or not machine.usd_per_hour:
        draft.refuse(found[0], "no flavor of Hugging Face Jobs has it")
        return None
    same = tuple(f.name for f in FLAVORS if (f.gpu, f.gpus) == (machine.gpu, machine.gpus) and f.name != machine.name)
    draft.assumed["flavor"] = f"the cheapest flavor with {machine.where}", (machine.name, *same)
    return machine.name


def read_part(draft: Draft) -> None:
    """Configuration and split of a dataset."""
    value = rf"(?P<v>[{SIGNS}]|[\w.-]*\w)"
    for name, words in (("config", r"config(?:uration)?(?: name)?|subset"), ("split", r"split")):
        before = rf"{_ITS}(?<![\w.-]){value}\s+(?:{words})\b(?!\s*(?:=|:|called|named))(?:\s+of\b)?"
        behind = rf"{_ITS}(?:{words})\s*(?:=|:|called|named|is)?\s*{value}"
        _ = _take_part(draft, name, before) or _take_part(draft, name, behind)
    in_brackets = draft.search(rf"[{SIGNS}]\s*\(\s*(?P<v>\w[\w.-]*)\s*\)")
    if in_brackets and "config" not in draft.values and in_brackets["v"].upper() not in METHODS:
        draft.blank(in_brackets.start("v"), in_brackets.end("v"))
        draft.set("config", in_brackets["v"], "it stands in brackets behind the dataset")
    if found := draft.take(r"\b(?:the |its |on )*(?P<v>train|test|validation|eval|dev) set(?: of)?\b", keep="rows"):
        draft.values.setdefault("split", found["v"].lower())


def _take_part(draft: Draft, name: str, pattern: str) -> bool:
    found = draft.search(pattern)
    if not found or found["v"].lower() in _STOPS:
        return False
    draft.blank(*found.span(), keep="rows")
    sign = draft.names.pop(found["v"], None)
    draft.set(name, sign.value if sign else found["v"])
    return True


def read_adapters(draft: Draft) -> None:
    """Whether all weights learn, or adapters."""
    if draft.take(
        r"\b(?:without|no|not|don't|do not|never|instead of|rather than)\s+(?:(?:us(?:e|ing)|with|any"
        r"|train)\s+)*(?:lora|peft|adapters?)(?:\s+adapters?)?\b"
    ) or draft.take(
        r"\ball (?:of )?(?:the |its )?(?:weights|parameters)(?: of)?\b|\bfull(?:y|[ -]parameters?)?(?=[ -](?:fine|tun"
        r"|train|sft))"
    ):
        draft.set("peft", "none")
    if draft.take(
        r"\b(?:with |using |via |by |and |in )*(?:(?:4[ -]?bits?|nf4)[ ,-]*)?qlora(?: adapters?)?\b"
    ) or draft.take(r"\b(?:with |using |in )*(?:4[ -]?bits?[ -](?:weights|lora)|nf4)\b"):
        draft.set("peft", "qlora")
    elif draft.take(
        r"\b(?:with |using |via |by |and |a |use )*(?:lora|peft)(?: adapters?)?\b|\b(?:with "
        r"|using )(?:an? )?adapters?\b"
    ):
        draft.set("peft", "lora")
    if "peft" not in draft.values and any(
        "none" not in SETTINGS[name].pefts for name in draft.values.get("settings", ())
    ):
        draft.set("peft", "lora")


def read_method(draft: Draft) -> None:
    """The method, if one is named; what is no method here is said."""
    for found in draft.take_all(rf"\b(?:with |using |via |by |and |or )*{_OTHER_METHODS}"):
        draft.refuse(found[0].split()[-1], f"the methods here are {', '.join(METHODS)}")
    draft.take(r"\b(?:my |the |an? )*(?:sft|dpo|grpo|kto|rloo)[ -](?:tuned |trained )?(?:model|checkpoint|adapter)\b")
    draft.decide("method", {str(found.lastgroup): found[0] for found in _meant(draft, METHOD)})


def read_goal(draft: Draft) -> None:
    """What the model shall get better at."""
    draft.decide("goal", {goal: found[0] for goal, words in _GOALS.items() for found in _meant(draft, words)})


def read_quantization(draft: Draft) -> None:
    """How small the file shall be; several names are several files."""
    known = {name.replace("_", ""): name for name in QUANTIZATIONS}
    named = []
    for found in _meant(draft, _QUANTIZATION):
        spelled = re.sub(r"[ _-]", "", found["q"]).upper().replace("FP16", "F16")
        if spelled not in known and spelled != "Q4":
            draft.refuse(found["q"], f"the quantizations here are {', '.join(QUANTIZATIONS)}")
            continue
        if spelled not in known:
            draft.assumed["quantization"] = "the usual one with 4 bits", ()
        named.append(known.get(spelled, USUAL))
    for found in _meant(draft, _BITS):
        if not named:
            named.append(_BY_BITS[found["bits"]])
            draft.assumed["quantization"] = f"the usual one with {found['bits']} bits", ()
    draft.take(r"\bquanti[sz](?:ation|ed|ing)\b")
    if named:
        draft.set("quantization", tuple(dict.fromkeys(named)))
