"""Which rows stay: what a cell that a trainer reads must hold."""

ROLES = ("assistant", "system", "tool", "user")
# A text says nothing if it has no letter or digit, or is a word that stands for no answer; long ones say something.
NOTHING_BYTES = 16
PLACEHOLDERS = ("n/a", "na", "none", "null", "nan", "nil", "todo", "tbd", "undefined", "[deleted]", "[removed]")


def first_of_each(items, key):
    """Those items whose key, as Python writes it, no earlier one has."""
    seen = set()
    for item in items:
        written = repr(key(item))
        if written not in seen:
            seen.add(written)
            yield item


def is_text(cell):
    """Whether it is text."""
    return isinstance(cell, str)


def has_text(cell):
    """Whether it is text, and not blank."""
    return isinstance(cell, str) and cell.strip() != ""


def are_turns(cell):
    """Whether it is a list of nothing but turns."""
    return isinstance(cell, list) and all(isinstance(turn, dict) for turn in cell)


def has_turns(cell):
    """Whether it is a list of turns, or missing."""
    return cell is None or are_turns(cell)


def is_conversation(cell):
    """Whether it holds turns, each with its role."""
    return are_turns(cell) and cell != [] and all("role" in turn for turn in cell)


def has_contents(cell):
    """Whether each turn says something or calls a tool."""
    return are_turns(cell) and all(turn.get("tool_calls") or has_text(turn.get("content")) for turn in cell)


def has_roles(cell):
    """Whether each turn has a role that chat templates know."""
    return are_turns(cell) and all(turn.get("role") in ROLES for turn in cell)


def ends_with_answer(cell):
    """Whether the last turn is the assistant's."""
    return are_turns(cell) and cell != [] and cell[-1].get("role") == "assistant"


def has_tool_calls(cell):
    """Whether tool calls are lists of records, where there are any."""
    calls = [turn.get("tool_calls") or [] for turn in cell] if are_turns(cell) else []
    return all(isinstance(each, list) and all(isinstance(call, dict) for call in each) for each in calls)


def says_nothing(text):
    """Whether a short text is no answer to anything."""
    if len(text.encode("utf-8", "surrogatepass")) > NOTHING_BYTES:
        return False
    return text.strip().lower() in PLACEHOLDERS or not any(letter.isalnum() for letter in text)


def says_something(cell):
    """Whether a text, or the last turn of a conversation, is an answer to something."""
    last = cell[-1] if isinstance(cell, list) and cell else None
    text = last.get("content") if isinstance(last, dict) else cell
    return not isinstance(text, str) or not says_nothing(text)


def is_label(cell):
    """Whether it is true or false, or 1 or 0."""
    return cell in [0, 1]


def is_number(cell):
    """Whether it is a number."""
    return isinstance(cell, (int, float))


def answers_differ(first, second):
    """Whether two answers are not the same."""
    return first != second


def share_a_start(first, second):
    """Whether two conversations begin with the same turn."""
    return isinstance(first, list) and isinstance(second, list) and first[:1] == second[:1] != []
