"""Which name is the dataset, which the model, and where a result goes: told by the words beside it and by its form."""

from __future__ import annotations

import re

from hfft_widgets.sentence.asked import Found
from hfft_widgets.sentence.choices import METHOD
from hfft_widgets.sentence.draft import GAP, SIGNS, Draft
from hfft_widgets.sentence.names import is_of_family
from hfft_widgets.sentence.orders import EXPORT, PLAN, VALIDATE
from hfft_widgets.sentence.words import pattern

_NAME = f"[{SIGNS}]"
_HUB = (
    r"(?:hugging ?face|hf|the hub|hub|my|the|a|an|new|private|public|repo(?:sitory)?|account|as|under|at|called|named"
    r"|in|to|on|model)"
)
_PUSH = r"(?:push|upload|publish|save|send|put|store|release|deploy)(?:ing|ed|es|s)?"
_WHAT = (
    r"(?:it|the|this|that|them|everything|results?|models?|adapters?|weights|files?|gguf|and|tuned|fine-?tuned"
    r"|trained|merged|quanti[sz]ed"
    r"|final|my|all|back|output|finished|resulting)"
)
_PUSHED = rf"\b{_PUSH}\b(?P<what>(?:\s+{_WHAT}\b)*)(?:\s+{_HUB}\b)*\s*[:=]?\s*(?P<sign>{_NAME})"
_DESTINATION = (
    r"\b(?:destination|(?:output|target|result|hub) repo(?:sitory)?|push[_ ]to|hub_model_id"
    r"|(?P<what>(?:the )?gguf(?: file)?)\s+to)\b(?:\s+(?:is|to|in|as|called|named))*"
    rf"\s*[:=]?\s*(?P<sign>{_NAME})"
)
_NOT_PUSHED = (
    rf"\b(?:don'?t|do not|never|without|no|not)\s+(?:(?:ever|please|to|want|any)\s+)*(?:{_PUSH}|shar(?:e|ing))\b"
    rf"(?:\s+(?:it|them|anything|anywhere|this|that|to|the|hub|results?|model|yet)\b)*"
)
_SOMEWHERE = (
    rf"\b{_PUSH}\b(?:\s+{_WHAT}\b)*\s+(?:to|on|at)\s+(?:the\s+|my\s+)?(?:hub|hugging ?face(?: hub)?|hf(?: hub)?"
    r"|account)\b"
)

_TRAINED = (
    r"\b(?:my|the|our|this|that|of)\s+(?:own\s+)?(?:newly\s+|just\s+|freshly\s+)?(?:fine-?[ ]?tuned|trained|tuned|new"
    r"|resulting|finished|last|latest)\s+"
    r"(?:model|run|adapter|checkpoint|weights|one)\b|\b(?:the |my )?(?:sft |dpo |base )?model\s+(?:that\s+"
    r"|which\s+)?(?:i|we)(?:'ve"
    r"|\s+have)?\s+(?:just\s+)?(?:fine-?[ ]?tuned|trained|tuned)\b"
    r"|\bmy\s+(?:last|latest)\s+(?:training\s+)?run\b|\bwhat (?:i|we) (?:just )?(?:trained|tuned|fine-?tuned)\b"
)
_REPORTED = (
    r"\b(?:i|we)(?:'ve|\s+have)?\s+(?:already|just)\s+(?:fine-?[ ]?tuned|trained|tuned)\s+(?:the|a|my|our"
    r"|this)\s+model\b"
)

# what tells of a name: the dataset or the model, by the words before it and behind it; the surest first
_THE = r"(?:(?:the|my|full|whole|entire|complete)\s+)*"
_TOLD = (
    ("dataset", r"\b(?:data|data ?sets?|files?)(?:\s+(?:called|named|is|in|at|of|from))?\s*[:=]?\s*$", ""),
    ("dataset", "", r"\s*(?:data ?sets?|data|file|rows)\b"),
    ("model", r"\b(?:models?|checkpoint|base|adapter|folder)(?:\s+(?:called|named|is|in|at|from))?\s*[:=]?\s*$", ""),
    ("model", "", r"\s*(?:model|checkpoint|adapter)\b"),
    ("dataset", rf"\b(?:rows|split|config(?:uration)?|preferences)\s+(?:of|from|in)\s*{_THE}$", ""),
    ("model", rf"\b(?:based on|start(?:ing|ed)?\s+(?:at|from|with)|continue from|on top of)\s*{_THE}$", ""),
)
_TOLD_AS = tuple((role, pattern(before), pattern(behind)) for role, before, behind in _TOLD)
_ON = pattern(rf"\b(?:on|over|against|whether|if)\s+(?:{_THE}rows\s+(?:of|from|in)\s+)*{_THE}$")
_JOINED = pattern(rf"({_NAME})\s*(?:and|or|&|plus)\s*{_THE}$")
_WITH = pattern(rf"\b(?:with|using|from|via|use|take|of|in)\s+{_THE}$")
_BACK = pattern(r"\b(?:it|that|this|them)\b")
_THE_RESULT = pattern(r"\b(?:it|(?:the|my|this|our) (?:model|results?|adapter|run))\b")


def read_destination(draft: Draft, found: Found) -> None:
    """Where the results go; one that is negated, or not sure, is none."""
    for taken in draft.take_all(_NOT_PUSHED):
        draft.values.pop("push_to", None)
        if sign := re.match(rf"\s*({_NAME})", draft.text[taken.end() :]):
            draft.refuse(sign[1], "not to be pushed")
            draft.names.pop(sign[1], None)
    export = found.asked.get(EXPORT)
    for words in (_PUSHED, _DESTINATION):
        for taken in draft.take_all(words):
            late = PLAN not in found.asked or (export is not None and taken.start() > export[0])
            gguf = "gguf" in (taken["what"] or "").lower()
            _send(draft, taken["sign"], "push_gguf_to" if export and (gguf or late) else "push_to")
    if draft.take(_SOMEWHERE) and not {"push_to", "push_gguf_to"} & set(draft.values):
        draft.refuse("push to the Hub", "name the repository: “push to you/a-new-name”")


def _send(draft: Draft, sign: str, field: str) -> None:
    name = draft.names.pop(sign)
    if name.kind != "hub":
        draft.refuse(name.text, "a result goes to a repository on the Hub: owner/name")
    elif draft.values.get(field, name.value) != name.value:
        draft.refuse(f"{draft.values.pop(field)}, {name.value}", "two destinations: name one")
    else:
        draft.set(field, name.value)


def read_names(draft: Draft, found: Found) -> None:
    """Dataset and model."""
    export_only = EXPORT in found.asked and PLAN not in found.asked
    trained = [taken[0] for words in (_REPORTED, _TRAINED) for taken in draft.take_all(words)]
    claims = {sign: _claim(draft, found, sign) for sign in _usable(draft, found)}
    for role in ("dataset", "model"):
        _assign(draft, role, [sign for sign, claimed in claims.items() if claimed == role])
    for sign in claims:
        if sign in draft.names:
            _place(draft, found, sign, alone=len(claims) == 1)
    if trained and EXPORT not in found.asked and "model" not in draft.values:
        draft.refuse(trained[0], "name its folder, or its id on the Hub")
    if export_only and "model" not in draft.values and (trained or _THE_RESULT.search(draft.text)):
        draft.set("trained", True)
    draft.take(r"\b(?:my|the|this) model\b")


def _usable(draft: Draft, found: Found) -> list[str]:
    """The names that are meant: none of quoted text, and of a negated clause only where an order refers back to it."""
    for sign in [sign for sign in draft.text if sign in draft.names and draft.names[sign].kind == "quoted"]:
        draft.refuse(draft.names.pop(sign).text, "quoted text is not read")
    inside = {at for start, end in found.negated for at in range(start, end)}
    if not _BACK.search("".join(one for at, one in enumerate(draft.text) if at not in inside)):
        for at in sorted(inside):
            if (sign := draft.text[at]) in draft.names:
                draft.refuse(draft.names.pop(sign).text, "it stands where something is ruled out")
    return [sign for sign in draft.text if sign in draft.names]


def _claim(draft: Draft, found: Found, sign: str) -> str:
    """Whether a name is the dataset or the model; "" where nothing tells."""
    name, at = draft.names[sign], draft.text.index(sign)
    # a reward model is a method, not the model
    before = re.sub(METHOD, " ", draft.text[:at].replace(GAP, " "), flags=re.IGNORECASE)
    behind = draft.text[at + 1 :].replace(GAP, " ")
    told = (role for role, ahead, after in _TOLD_AS if ahead.search(before) and after.match(behind))
    if name.kind in {"dataset", "model"}:
        return name.kind
    if (role := next(told, "")) and (role == "model" or set(found.asked) != {EXPORT}):
        return role
    if set(found.asked) == {EXPORT} or is_of_family(name.value):
        return "model"
    if joined := _JOINED.search(before):
        at = draft.text.index(joined[1])
        return "dataset" if _ON.search(draft.text[:at].replace(GAP, " ")) else ""
    return "dataset" if _ON.search(before) else ""


def _assign(draft: Draft, role: str, signs: list[str]) -> None:
    """Fill it in; two different names for one thing are for the person to choose from."""
    if len({draft.names[sign].value for sign in signs}) > 1:
        for sign in signs:
            draft.refuse(draft.names.pop(sign).text, f"one of several that could be the {role}: name one")
        return
    for sign in signs:
        _fill(draft, role, sign)


def _fill(draft: Draft, role: str, sign: str) -> None:
    name = draft.names.pop(sign)
    if name.candidates:
        why = f"\u201c{name.text}\u201d names no owner; by its family it is {name.value}"
        draft.set(role, name.value, why, name.candidates)
    else:
        draft.set(role, name.value)


def _place(draft: Draft, found: Found, sign: str, *, alone: bool) -> None:
    """What nothing told: beside its verb a model is trained and a dataset checked; else the role that is free."""
    before = draft.text[: draft.text.index(sign)].replace(GAP, " ")
    checked = VALIDATE in found.asked and PLAN not in found.asked
    roles = ("dataset", "model") if checked or _WITH.search(before) else ("model", "dataset")
    role = next((role for role in roles if role not in draft.values), "")
    if not role:
        draft.refuse(draft.names.pop(sign).text, "dataset and model are named already")
        return
    _fill(draft, role, sign)
    if alone and role == "model":
        draft.assumed.setdefault("model", (f"\u201c{draft.values['model']}\u201d stands where the model stands", ()))
