"""A Modelfile: how Ollama reads a conversation, where it would choose a template by likeness, and where it stops.

Ollama keeps a list of templates and takes the one whose text is nearest; of the model's own template it knows only in
its newest versions (ollama#6371, #8363). So the template is written in Ollama's language, and only if it renders
conversations as the model's own does.
"""

import json
import os

TEXTS = ("qzfirst", "qzsecond", "qzthird", "qzfourth", "qzfifth")  # no template holds them
SYSTEM = "qzsystem"
SAMPLING = {
    "temperature": "temperature", "top_k": "top_k", "top_p": "top_p", "min_p": "min_p",
    "repetition_penalty": "repeat_penalty",
}  # fmt: skip
ROLES = ("user", "assistant")


def for_ollama(render, stops, sampling, begin=""):
    """What Ollama needs to know besides the file.

    Args:
        render: Gives the text of a conversation: texts, user first, and a system text or None. None: the model has no
            template.
        stops: Texts that end a turn.
        sampling: Values of generation_config.json.
        begin: What llama.cpp puts before every text itself.

    Returns:
        template (in Ollama's language, or None) and parameters (name -> value), as the Hub's files of these names hold
        them.
    """
    found = {ours: sampling[theirs] for theirs, ours in SAMPLING.items() if usable(sampling, theirs)}
    template = go_template(render, begin) if render else None
    return {"template": template, "params": {"stop": [stop for stop in dict.fromkeys(stops) if stop], **found}}


def modelfile(file_name, found, *, adapter=False):
    """The text of a Modelfile beside the file, from what `for_ollama` found; that of an adapter names its base."""
    lines = [f"FROM ./{file_name}"]
    if adapter:
        lines = ["# The base model of the adapter, as GGUF or by its name in Ollama:", "FROM ./base.gguf"]
        lines.append(f"ADAPTER ./{file_name}")
    if found["template"]:
        lines.append(f'TEMPLATE """{found["template"]}"""')
    for name, value in found["params"].items():
        values = value if isinstance(value, list) else [value]
        lines += [f"PARAMETER {name} {json.dumps(one, ensure_ascii=False)}" for one in values]
    return "\n".join(lines) + "\n"


def usable(sampling, name):
    """Whether a value says something: of a model that always takes the likeliest word, none does."""
    value = sampling.get(name)
    return bool(sampling.get("do_sample", True)) and isinstance(value, (int, float)) and not isinstance(value, bool)


def go_template(render, begin=""):
    """The model's chat template in Ollama's language; None if it is of no regular form."""
    try:
        parts = parts_of(render)
    except Exception:  # noqa: BLE001 - a template may refuse in any way it likes
        return None
    if parts is None or not renders_alike(parts, render):
        return None
    opening, spoken = parts["opening"].removeprefix(begin), parts["system"]
    head = quoted(opening)
    if spoken:
        before, after = spoken
        head = f"{{{{ if .System }}}}{quoted(before.removeprefix(begin))}{{{{ .System }}}}{quoted(after)}"
        head += f"{{{{ else }}}}{quoted(opening)}{{{{ end }}}}"
    turns = "".join(
        f'{{{{ {"if" if n == 0 else "else if"} eq .Role "{role}" }}}}{quoted(parts[role][0])}{{{{ .Content }}}}'
        f"{quoted(parts[role][1])}"
        for n, role in enumerate(ROLES)
    )
    return f"{head}{{{{ range .Messages }}}}{turns}{{{{ end }}}}{{{{ end }}}}{quoted(parts['asks'])}"


def parts_of(render):
    """What stands around the texts: opening, (before, after) of each role, and what asks for an answer.

    None if no text comes back as it was given.
    """
    short, long = split(render(TEXTS[:1], None), TEXTS[:1]), split(render(TEXTS[:3], None), TEXTS[:3])
    if short is None or long is None or short[0] != long[0]:
        return None
    (opened, between, again), asked = long[:3], short[1]
    led = with_system(render)
    user = common_end([opened, again, *([led[1]] if led else [])])
    after = again.removesuffix(user)
    ended = common_start([between, asked])
    if ended.startswith(after):  # most end every turn the same way; the rest begins the answer
        ended = after
    return {
        "opening": opened.removesuffix(user), "user": (user, ended), "asks": asked[len(ended) :],
        "assistant": (between[len(ended) :], after),
        "system": (led[0], led[1].removesuffix(user)) if led else None,
    }  # fmt: skip


def with_system(render):
    """What stands before a system text and between it and the user's; None for a template that takes none."""
    try:
        pieces = split(render(TEXTS[:1], SYSTEM), (SYSTEM, TEXTS[0]))
    except Exception:  # noqa: BLE001 - so it says
        return None
    return pieces and pieces[:2]


def common_start(texts):
    """What all of them begin with."""
    return os.path.commonprefix(texts)  # noqa: RUF071 - of texts, which are no paths


def common_end(texts):
    """What all of them end with."""
    return common_start([text[::-1] for text in texts])[::-1]


def split(text, words):
    """The pieces around the words, which must come in this order and once each."""
    pieces = []
    for word in words:
        before, found, text = text.partition(word)
        if not found or word in text:
            return None
        pieces.append(before)
    return [*pieces, text]


def renders_alike(parts, render):
    """Whether the parts, put together, are what the model's template writes, for conversations of any length."""
    systems = (None, SYSTEM) if parts["system"] else (None,)
    talks = [(TEXTS[:count], system) for count in (1, 3, 5) for system in systems]
    return all(put_together(parts, turns, system) == render(turns, system) for turns, system in talks)


def put_together(parts, turns, system):
    """A conversation as Ollama will write it."""
    head = parts["opening"] if system is None else system.join(parts["system"])
    return head + "".join(text.join(parts[ROLES[n % 2]]) for n, text in enumerate(turns)) + parts["asks"]


def quoted(text):
    """Text as it stands in Ollama's language: its own braces, and three quotes, which would end it, as texts."""
    if "{{" in text or '"""' in text or "}}" in text:
        return f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}"
    return text
