"""The orders there are: which verbs ask for which step, and what must follow them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hfft_widgets.sentence.choices import BY_WORD, METHOD_WORDS
from hfft_widgets.sentence.draft import GAP, SIGNS
from hfft_widgets.sentence.words import any_of, pattern, whole

VALIDATE, PLAN, EXPORT = "validate", "plan", "export"

NAME = f"[{SIGNS}]"
METHODS = "|".join((*METHOD_WORDS.values(), *(name for name in METHOD_WORDS if name not in BY_WORD)))
_TUNING = any_of("(?:re)?training / (?:fine|post|instruction)[ -]?tun(?:ing|e) / tuning / finetun(?:ing|e) / alignment")
TRAINING = rf"(?:{_TUNING}|{METHODS})"
GGUF = any_of(
    r"gguf / ggml / llama\.?cpp / ollama / lm ?studio / quanti[sz]\w* / i?q\d[ _-]?k?(?:[ _-]?[sml0])?\b /"
    r" \d+[ -]?bits?\b"
    r" / b?f(?:p)?16"
)
DATA = pattern(rf"{NAME}|\b(?:data(?:sets?)?|csv|file|this|it|rows?|columns?)\b")
TRAINS = pattern(rf"\b(?:{TRAINING}|train|tuned?|run)\b")
_ANYTHING = pattern("")


@dataclass(frozen=True)
class Order:
    """Verbs that ask for a step.

    Attributes:
        step: What they ask for.
        verbs: In the base form.
        needs: What must be found behind them.
        not_with: What must not.
    """

    step: str
    verbs: re.Pattern[str]
    needs: re.Pattern[str] = _ANYTHING
    not_with: re.Pattern[str] | None = None

    def stands(self, text: str, at: int) -> re.Match[str] | None:
        """The verb, if the order is given at this place of a clause."""
        verb = self.verbs.match(text, at)
        if verb is None or _NOTHING.match(text, verb.end()):
            return None
        rest = text[verb.end() :]
        ruled_out = self.not_with and self.not_with.search(rest)
        return verb if self.needs.search(rest) and not ruled_out else None


_NOTHING = pattern(r"\s+(?:not|no|never|nothing|none|nobody|neither|anything but)\b")


def _verbs(words: str) -> re.Pattern[str]:
    return pattern(rf"(?<!\w){any_of(words)}(?!['\w])(?!-\w)")


# what is checked, but is no dataset
_OF_A_RUN = pattern(
    r"^\s+(?:(?:my|the|a|an|this|our|that|how|last|current|status of|progress of)\s+)*"
    + any_of(
        "runs? / jobs? / training / progress / status / loss / logs? / curves? / gpus? / account / token /"
        " balance / credits? /"
        " email / weather / news / gguf / export / models? / adapters? / internet / server"
    )
    + r"\b"
)
_COSTS = pattern(
    r"^\s+(?:me\s+|out\s+)?(?:the\s+|a\s+)?"
    + any_of(
        "costs? / prices? / how much / how long / how expensive / what .{0,30}(?:cost|take) / time / estimate /"
        " memory / budget"
    )
    + rf"\b.*\b(?:{TRAINING}|train|tune)\b"
)
# a few words that do not turn it round, then a training as a thing
_A_TRAINING = pattern(
    r"^(?:\s+(?!(?:not|no|except|but|without|instead|before|after|than|from|if|until)\b)[\w-]+"
    rf"|[\s{GAP}]|{NAME}){{0,5}}?\s*\b{TRAINING}\b"
)
_SOMETHING_TO_TRAIN = pattern(rf"{NAME}|\bmodel\b|\bllm\b|\bit\b(?=\s*(?:on|with|for|$))")
_SOMEBODY = pattern(r"^\s+(?:me|us|yourself|him|her|them|how)\b")
_TRAINED = pattern(
    r"\b(?:fine-?[ ]?tuned|trained|tuned)\s+(?:on|with|using|for)\b"
    rf"|^\s*{NAME}\s*(?:(?:be |become |get )?better (?:at|in|with)|answer|respond|speak|talk|write|sound|behave)\b"
)
_CHECKED = pattern(
    rf"^\s+(?:the |my )?(?:data ?set |data |file )?{NAME}\s*(?:to be )?(?:checked|validated|verified|inspected)\b"
)
_A_MODEL = pattern(rf"{GGUF}|\bmodel\b|\bit\b|\badapter\b|\brun\b|\bresults?\b|{NAME}")
_OTHER_FORMATS = pattern(
    r"\bto (?:csv|json|jsonl|parquet|excel|pdf|onnx|mlx|awq|gptq|a (?:chat|prompt)\w*)\b|\bdata(?:set)?\b|\brows?\b"
)

# a method and a name may also be the beginning of a report
_REPORTED = whole(
    "failed / fails / crashed / crashes / went / was / is / were / are / has / had / finished / stopped / took / takes"
    " / looks /"
    " seems / never / not / nicht / kein\\w* / pas"
)
_A_CHECK = pattern(r"^\s+(?:an?\s+|the\s+)?(?:\w+\s+)?(?:validation|check|audit|sanity check)\b")

_COUNT = _verbs("plan / estimate / calculate / compute / show(?: me)? / tell me / preview / check / give me / see")
_PLAN = _verbs("plan / estimate / price / calculate / compute / forecast / budget / prepare")
_PERFORM = _verbs("run / do / perform / make / give me")
_CHECK = _verbs(
    "check(?: out)? / validate / verify / inspect / examine / audit / review / analy[sz]e / preview / lint / test"
    " / assess /"
    " look (?:at|over|into|through|whether|if) / (?:see|find out|tell me|evaluate) (?:if|whether)"
)
_BEGIN = _verbs(
    "run / start / begin / launch / do / perform / set up / prepare / make / kick off / try / give me / create / get"
)
_TRAIN = _verbs(
    "(?:re-?)?train / (?:fine|post|instruction|instruct)[ -]?tune / finetune /"
    " (?:sft|dpo|grpo|kto|rloo)[ -](?:fine-?)?(?:tune|train)"
)
_BY_METHOD = _verbs("sft / dpo / grpo / kto / rloo")
_TRAIN_A_THING = _verbs("tune / teach / adapt / align / improve / speciali[sz]e / customi[sz]e")
_WANT = _verbs("want / need / like / get / have / make / help")
_MAKE = _verbs(
    "make / create / build / produce / generate / give me / get / need / want / turn / transform / package / convert"
    " / change /"
    " bring / write / save / like / have / compress / shrink / prepare / do / run / start"
)
_EXPORT = _verbs("export / quanti[sz]e / convert")

# the first that stands is what a clause asks for
ORDERS = (
    Order(PLAN, _COUNT, _COSTS),
    Order(PLAN, _PLAN, TRAINS, _OF_A_RUN),
    Order(VALIDATE, _PERFORM, _A_CHECK),
    Order(VALIDATE, _CHECK, DATA, _OF_A_RUN),
    Order(PLAN, _BEGIN, _A_TRAINING),
    Order(PLAN, _TRAIN),
    Order(PLAN, _BY_METHOD, pattern(rf"^\s*{NAME}"), _REPORTED),
    Order(PLAN, _TRAIN_A_THING, _SOMETHING_TO_TRAIN, _SOMEBODY),
    Order(PLAN, _WANT, _TRAINED),
    Order(VALIDATE, _WANT, _CHECKED),
    Order(EXPORT, _MAKE, pattern(GGUF)),
    Order(EXPORT, _EXPORT, _A_MODEL, _OTHER_FORMATS),
)

# ---- what takes an order back --------------------------------------------------------------------

# this takes back every plan and export behind it in the sentence, till a word of contrast
NEGATED = whole(
    "don'?t / do not / doesn'?t / does not / didn'?t / did not / never / not / no / nothing / none / nobody /"
    " neither / nor /"
    " without / instead of / rather than / except / avoid / refrain / ignore / disregard / skip / stop / cancel /"
    " abort / quit /"
    " pause / halt / kill / hold / postpone / delay / cannot / can'?t / won'?t / wouldn'?t / shouldn'?t /"
    " mustn'?t / isn'?t /"
    " aren'?t / unable / impossible / forbid\\w* / prohibit\\w* / prevent / undo / revert / refuse / pretend /"
    " unless / until /"
    " nicht / kein\\w* / pas / jamais / niet / nein / nunca"
)
CONTRAST = whole("but / just / only / instead / rather / simply")
# before a verb of the same clause: it is no order
ASIDE = whole(
    "if / whether / when / once / while / before / after / because / since / as soon as / in case / unless /"
    " until / why / how to /"
    " how do / how does / what if / explain / describe / mean(?:s|ing)? / suppose / imagine / maybe / perhaps /"
    " might / may /"
    " could / afraid / sure / wonder\\w* / think\\w* / said / says / told / asked / heard / read that / used to /"
    " about to / tried"
)
# anywhere in the sentence: not now
LATER = whole(
    r"yet / later(?! on) / tomorrow / tonight / next (?:week|month|year|time) / some ?day / eventually /"
    r" one day / soon /"
    r" in the future / not (?:now|today) / after (?:lunch|work|the \w+|my \w+)"
)
# behind an order: it hangs on something that no sentence can know
DEPENDS = whole(
    "unless / until / only (?:if|when|after|once) / once (?:i|we|the|it|you|my) / as soon as /"
    " when(?:ever)? (?:i|we|you|the|it|my) / provided / in case / (?:is|was) what"
)
# behind an order, in whatever sentence
TAKEN_BACK = pattern(
    r"\b"
    + any_of(
        "never ?mind / scratch that / forget (?:it|that|about it) / (?:just )?kidding / on second thoughts? /"
        " cancel (?:that|it) /"
        " not (?:now|yet|today|really|sure) / no,? wait / wait,? no / actually,? (?:no|don'?t|not) /"
        " changed my mind /"
        " (?:or|maybe|better|rather) not / don'?t (?:do (?:it|that)|bother) / hold (?:on|off) /"
        " tak(?:e|ing) (?:that|it|this) back /"
        " i (?:don'?t|do not) (?:think so|want|know|mean)"
    )
    + r"\b|(?:^|[.;!?,\n]\s*)(?:no|nope|nah|wait|stop|maybe|perhaps|hm+|i guess)\s*(?:[.;!?,\n]|$)"
    + r"|\b(?:not|don'?t|never|nicht|pas)\s*(?:[.;!?,\n)]|$)"
)
