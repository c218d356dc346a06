"""From a dataset's cells to those a trainer reads, in four steps.

A path leads to a value (`row["chat"]`, `at(row["answers"], "text", 0)`), the next ones parse it, then turns are made of
it, and the last ones choose. What a cell does not fit raises an error.
"""

import ast
import itertools
import json
import math
import re

from hfft_widgets.scripts.rows.filters import are_turns, is_number

# ---- path ----------------------------------------------------------------------------------------


def at(cell, *way):
    """What lies there: fields by name, items by number. None where the way ends early."""
    for key in way:
        if isinstance(key, int):
            cell = cell[key] if isinstance(cell, list) and -len(cell) <= key < len(cell) else None
        else:
            cell = cell.get(key) if isinstance(cell, dict) else None
    return cell


def each(cell, *way):
    """What lies there in each item of a list."""
    return [at(item, *way) for item in cell or []]


# ---- parse ---------------------------------------------------------------------------------------


def items(cell):
    """The items of a list; none of a missing one."""
    return cell or []


def from_json(cell):
    """The list that a text writes as JSON; nothing in a missing one."""
    return json.loads(cell) if cell else []


def parsed(text):
    """What a text writes as JSON or as Python, also as numpy prints it; anything else stays as it is."""
    if not isinstance(text, str):
        return text
    spaced = re.sub(r"\}\s*\n\s*\{", "}, {", text)
    for read, written in ((json.loads, text), (ast.literal_eval, text.strip()), (ast.literal_eval, spaced)):
        try:
            return read(written)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return text


def each_parsed(texts):
    """What each text of a list writes."""
    return [parsed(text) for text in texts or []]


def decoded(cell):
    """Bytes as text."""
    return cell.decode("utf-8") if isinstance(cell, bytes) else cell


def written(cell):
    """A number as text, without the point of 7.0; of true and false yes and no."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    whole = isinstance(cell, float) and cell.is_integer()
    return None if cell is None else str(int(cell) if whole else cell)


def transposed(record):
    """A record of lists as a list of records."""
    return [dict(zip(record, values, strict=True)) for values in zip(*record.values(), strict=False)] if record else []


def listed(cell):
    """A single turn as a conversation; a list stays one."""
    return [cell] if isinstance(cell, dict) else cell or []


# ---- turn: conversations as chat templates read them ---------------------------------------------

OTHER_ROLES = {
    "developer": "system", "human": "user", "gpt": "assistant", "model": "assistant", "function_call": "assistant",
    "function": "tool", "observation": "tool", "tool_response": "tool", "function_response": "tool",
}  # fmt: skip


def turns(items, keys, roles=None):
    """Turns that name speaker and text by these keys, e.g. "from" and "value", and their speakers by other roles."""
    speaker, text = keys
    roles = roles or {}
    return [{"role": roles.get(turn[speaker], turn[speaker]), "content": turn[text]} for turn in items]


def rename_roles(turns, roles):
    """The same turns with the roles by their usual names: {"human": "user"}."""
    return [{**turn, "role": roles.get(turn["role"], turn["role"])} for turn in turns]


def without_marks(turns):
    """The same turns without `<image>`: the trainer puts its own mark beside each picture."""
    return [{**turn, "content": turn["content"].replace("<image>", "").strip()} for turn in turns]


def one_turn(role, content):
    """A conversation of one turn."""
    return [{"role": role, "content": content}]


def exchanges(items, asked, answered):
    """Questions and answers, which a list holds in pairs under these keys, as turns."""
    said = (("user", asked), ("assistant", answered))
    return [{"role": role, "content": item[key]} for item in items for role, key in said]


def alternating(texts):
    """Texts that user and assistant say by turns."""
    return [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(texts)]


def present(*cells):
    """Those cells that say something."""
    return [cell for cell in cells if cell is not None and str(cell).strip()]


def conversation(*parts):
    """Turns one behind the other. Of all but the last part those that say nothing are left out."""
    earlier = [turn for part in parts[:-1] for turn in part or []]
    return [*(turn for turn in earlier if turn.get("tool_calls") or present(turn["content"])), *parts[-1]]


def newest_branch(nodes):
    """The turns of a tree of messages, as ChatGPT exports them, from the first to the newest: a last child is newer."""
    known = {name: node for name, node in (nodes or {}).items() if node}
    node = next((node for node in known.values() if node["parent"] not in known), None)
    turns = []
    while node:
        parts = at(node, "message", "content", "parts") or []
        text = "\n\n".join(part for part in parts if isinstance(part, str) and part.strip())
        turns += [{"role": at(node, "message", "author", "role"), "content": text}] if text else []
        node = known.get((node["children"] or [None])[-1])
    return turns


def dialogue(text, marks):
    """The turns of a dialogue that a text writes with marks, e.g. {"Human:": "user", "Assistant:": "assistant"}.

    What stands before the first mark is the system's. Marks of small letters begin a line.
    """
    anywhere = "|".join(re.escape(mark) for mark in marks if mark == mark.upper()) or "(?!)"
    begins = "|".join(re.escape(mark) for mark in marks if mark != mark.upper()) or "(?!)"
    mark = rf"((?:(?:^|(?<=\s)|(?<=>))(?:{anywhere}))|(?:^[ \t]*(?:{begins})))"
    start, *rest = re.split(mark, text or "", flags=re.MULTILINE)
    said = [("system", start), *((marks[rest[n].strip()], rest[n + 1]) for n in range(0, len(rest), 2))]
    ends = r"\s*(</?s>|<\|endoftext\|>|<\|im_end\|>|<\|eot_id\|>)\s*$"
    turns = []
    for role, parts in itertools.groupby(said, key=lambda pair: pair[0]):
        content = joined(*(re.sub(ends, "", words).strip() for _, words in parts))
        if content or role != "system":
            turns.append({"role": role, "content": content})
    return turns


def usual_turns(turns):
    """Turns as chat templates read them: parts become text, blocks and function calls tool calls, developer system.

    What is no list of turns stays as it is; a part that is neither text nor a tool's is a ValueError.
    """
    return [made for turn in turns for made in _usual(turn)] if are_turns(turns) else turns


def _usual(turn):
    content = next((turn[key] for key in ("content", "parts", "value", "text") if turn.get(key) is not None), None)
    role = turn.get("role") or turn.get("from")
    own = ("role", "from", "content", "parts", "value", "text", "function_call")
    kept = {key: cell for key, cell in turn.items() if key not in own and cell is not None}
    calls = [_call(call) for call in turn.get("tool_calls") or []]
    if turn.get("function_call"):
        calls.append(_call(turn["function_call"]))
    if role == "function_call" and isinstance(parsed(content), dict):
        calls, content = [_call(parsed(content))], None
    parts = [_part(part) for part in (content if isinstance(content, list) else [content]) if part]
    texts, thoughts, more, results = (
        [value for kind, value in parts if kind == wanted] for wanted in ("text", "thought", "call", "result")
    )
    calls += more
    thought = {"reasoning_content": "\n\n".join(thoughts)} if thoughts else {}
    called = {"tool_calls": calls} if calls else {}
    said = {"role": OTHER_ROLES.get(role, role), "content": "\n\n".join(texts), **kept, **thought, **called}
    return [*results, *([said] if texts or calls or thoughts or not results else [])]


def _part(part):
    """What a part of a turn is, and the value that stands for it."""
    if isinstance(part, str):
        return "text", part
    if not isinstance(part, dict):
        raise TypeError(f"a part that is {type(part).__name__}")
    if call := part.get("functionCall") or (part if part.get("type") == "tool_use" else None):
        return "call", _call(call)
    if result := part.get("functionResponse") or (part if part.get("type") == "tool_result" else None):
        content = result.get("content", result.get("response"))
        said = [inner.get("text") for inner in content] if isinstance(content, list) else [content]
        words = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in said)
        return "result", {"role": "tool", "content": words}
    if part.get("thinking"):
        return "thought", part["thinking"]
    if isinstance(part.get("text"), str):
        return "text", part["text"]
    raise ValueError(f"a part of type {part.get('type')!r}")


def _call(call):
    """A tool call, without arguments that have no value: Arrow fills them in for tools that do not take them."""
    call = {**call, **(call.get("function") or {})}
    given = parsed(next((call[key] for key in ("arguments", "args", "input") if call.get(key) is not None), None)) or {}
    return {"type": "function", "function": {"name": call["name"], "arguments": without_null(given)}}


def without_null(cell):
    """The same without the fields of records that have no value, at any depth."""
    if isinstance(cell, dict):
        return {key: without_null(value) for key, value in cell.items() if value is not None}
    return [without_null(item) for item in cell] if isinstance(cell, list) else cell


def merge_system(turns):
    """A conversation with its system turn at the start of the first question."""
    if not isinstance(turns, list) or len(turns) < 2 or turns[0]["role"] != "system":
        return turns
    system, question, *rest = turns
    return [{**question, "content": joined(system["content"], question["content"])}, *rest]


def gathered(rows, group, column):
    """Rows that are one turn each as conversations: those of one group, in their order, in a list."""
    rows = list(rows)
    first = {row[group]: -n for n, row in enumerate(reversed(rows))}
    alike = itertools.groupby(sorted(rows, key=lambda row: first[row[group]]), key=lambda row: row[group])
    bare = ((value, [{k: cell for k, cell in row.items() if k != group} for row in turns]) for value, turns in alike)
    return [{group: value, column: turns} for value, turns in bare]


# ---- choose --------------------------------------------------------------------------------------


def joined(*texts):
    """Those texts that are there, with an empty line between them."""
    return "\n\n".join(str(text) for text in texts if text)


def filled(template, names, *cells):
    """A template with these cells in place of "{name}"."""
    said = dict(zip(names, ("" if cell is None else cell for cell in cells), strict=True))
    return re.sub(r"\{([^{}]+)\}", lambda found: str(said.get(found[1], found[0])), template)


def _choices(cell):
    """Texts to choose from, with what they are called: a list, or a record of texts and labels."""
    texts = cell.get("text", cell.get("choices")) if isinstance(cell, dict) else cell
    labels = cell.get("label") if isinstance(cell, dict) else None
    return dict(zip(labels or "ABCDEFGHIJKLMNOPQRSTUVWXYZ", texts or [], strict=False))


def options(cell):
    """Texts to choose from, one a line behind a letter."""
    return "\n".join(f"{name}. {text}" for name, text in _choices(cell).items())


def option(cell, answer):
    """The text that an answer means, by its letter or by its number from 0."""
    found = _choices(cell)
    if isinstance(answer, (int, float)):
        return at(list(found.values()), int(answer))
    return found.get(str(answer).strip().rstrip(".").upper(), found.get(answer))


def last_text(turns, key):
    """The text of the last turn; None of no turn."""
    return (turns or [{key: None}])[-1][key]


def one_of(cell, values):
    """Whether the cell is one of these values; None where there is none: no answer is not a no."""
    return None if cell is None else cell in values


def side(cell, first, second):
    """Whether the cell says the first; None where it says neither: a tie is no choice."""
    return True if cell in first else False if cell in second else None


def same(text, first, second):
    """Whether a text is that of the first; None where it is neither's, or both say the same."""
    said, *others = (cell.strip() if isinstance(cell, str) else cell for cell in (text, first, second))
    return said == others[0] if (said == others[0]) != (said == others[1]) else None


def higher(first, second):
    """Whether the first number is higher; None of equal ones, and where one is missing."""
    fine = all(is_number(cell) and not math.isnan(cell) for cell in (first, second))
    return None if not fine or first == second else first > second


def ranked(items, scores, lowest=False):
    """Items from the best to the worst by their scores; None where scores are missing or all the same."""
    if not isinstance(items, list) or not isinstance(scores, list) or len(items) != len(scores):
        return None
    known = [(score, n) for n, score in enumerate(scores) if is_number(score) and not math.isnan(score)]
    if not known or min(known)[0] == max(known)[0]:
        return None
    return [items[n] for _, n in sorted(known, key=lambda pair: (pair[0] if lowest else -pair[0], pair[1]))]


def named(items, name, start=None):
    """1 for the item of this name, or of this number counted from a start, and 0 for the others."""
    return [int(name == (one if start is None else start + n)) for n, one in enumerate(items or [])]


def at_least(cell, least):
    """Whether the cell is at least so much."""
    return cell >= least


def choose(first, second, first_wins):
    """The first if it wins, else the second; neither if nobody chose."""
    return None if first_wins is None else first if first_wins else second


def best(records, score):
    """The record with the highest score under this key."""
    return max(records, key=lambda record: record[score])


def worst(records, score):
    """The record with the lowest score under this key."""
    return min(records, key=lambda record: record[score])
