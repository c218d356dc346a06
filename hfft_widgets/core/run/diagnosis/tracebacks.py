"""Which exceptions ended a script, read from its log: the root of a chain, the rank that failed first.

A log holds more tracebacks than one: of errors that were survived, of every process that trains, of the launcher that
only reports that a process failed. What else stands in a log (rows, answers, other people's texts) is never taken for
the program's own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hfft_widgets.core.run.journal import GOING_ON

MARK = "Traceback (most recent call last)"
_LINES = 4000  # of the end of a log that are looked at
_MESSAGE_LINES = 24
_TRACEBACK_LINES = 600  # and the message under it
_MESSAGE_CHARACTERS = 4000
_NEAR_THE_END = 12  # lines: where nothing tells how a script ended, an error farther from the end was survived
_CHAIN = re.compile(r"The above exception was the direct cause|During handling of the above exception")
_IGNORED = re.compile(r"^Exception ignored |^--- Logging error ---")
# who only reports that another process failed
_POINTER = re.compile(
    r"(ChildFailedError|CalledProcessError|RayTaskError|EngineDeadError|ProcessExitedException|SystemExit)\b"
    r"|\w+: (Engine core initialization failed|Engine process failed to start|One or more processes)"
)
_EXCEPTION = re.compile(r"((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(?:: ?(.*))?$", re.DOTALL)
_FRAME = re.compile(r'\s*File "([^"]*)", line \d+, in (.*)')
_RICH_FRAME = re.compile(r"[│|] (/\S+\.py):\d+ in (\S+)")
_FIRST_RANK = re.compile(r"Root Cause \(first observed failure\):\n(?:.*\n){0,4}? *rank *: (\d+)")
# what tools put before each line: torch's ranks, torchrun --tee, Ray, vLLM, containers, time stamps
_PREFIX = re.compile(
    r"\[(?:rank|default)(?P<rank>\d+)\]: ?"
    r"|\([A-Za-z_][\w.-]*(?: [\w=.-]+)? pid=\d+(?:, ip=[\d.]+)?\) ?"
    r"|(?:ERROR|CRITICAL|WARNING|INFO) \d\d-\d\d \d\d:\d\d:\d\d \[[^\]]{1,60}\] ?"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?(?: (?:stdout|stderr) [FP])? ?(?:[|] ?)?"
    r"|\[\d+\] (?=\[rank)| *\d+: (?=\[rank)"
    r"|[\w.-]{1,40} +\| "
)
_LIKE_A_TYPE = re.compile(r"(Error|Exception|Interrupt|Exit|Invalid|Timeout|Killed|Found)$")
_CELL = re.compile(r"(\w+) {2,}Traceback \(most recent")  # how a notebook prints one
_GOES_ON = re.compile(GOING_ON + r"|^@hfft[ :]|\{'(loss|eval_loss|reward|train_runtime)'|^\s*\d{1,3}%\|")
_STOP = re.compile(
    rf"{re.escape(MARK)}|{_CHAIN.pattern}|^[WEIF]\d{{4}} |^@hfft[ :]|^\"\"\"$|\d{{1,3}}%\||^wandb: |^Exception ignored "
)
_QUOTED = re.compile(r"""(?<!\w)(['"])((?:\\.|(?!\1(?!\w))[^\n])*)(?:\1(?!\w)|$)""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Raised:
    """One exception.

    Attributes:
        type: Its class, without its module.
        text: Its message.
        frames: (file, function) of the calls that led to it, the innermost last; empty: not known.
        rank: Of the process among those that train together, or None.
    """

    type: str
    text: str
    frames: tuple[tuple[str, str], ...] = ()
    rank: int | None = None

    @property
    def words(self) -> str:
        """As Python prints it."""
        return f"{self.type}: {self.text}" if self.text else self.type

    @property
    def own_words(self) -> str:
        """What the program says itself: quoted data is cut out, the quotes stay."""
        return without_quotes(self.words)

    @property
    def points(self) -> bool:
        """Whether it only says that another process failed."""
        return bool(_POINTER.match(self.words))

    @property
    def place(self) -> str:
        """Where it was raised, as `file:function`; "" if that is not known."""
        return ":".join(self.frames[-1]) if self.frames else ""


def without_quotes(text: str) -> str:
    r"""A message without what it quotes; a quote that was cut off reaches to the end of its line.

    >>> without_quotes("ValueError: reward 'f' got \"it's full\" and can't go on")
    'ValueError: reward \'\' got "" and can\'t go on'
    """
    return _QUOTED.sub(r"\1\1", text)


def plain_lines(log: str) -> list[tuple[int | None, str]]:
    """The end of a log as (rank, line), without what tools put before each line."""
    return [_plain(line) for line in log.split("\n")[-_LINES:]]


def _plain(line: str) -> tuple[int | None, str]:
    rank = None
    for _ in range(4):
        found = _PREFIX.match(line)
        if not found:
            break
        rank = int(found["rank"]) if found["rank"] else rank
        line = line[found.end() :]
    return rank, line


def fatal(log: str, exit_code: int | None) -> list[Raised]:
    """The exceptions that may have ended a script, the root first; none if it was something else.

    Python leaves with code 1 on an exception, and a compiled library that gives up meanwhile with a signal of its
    own. Any other code means that what was raised before had been survived; where the code is not known, what stands
    at the very end counts.
    """
    if exit_code not in {None, 1, 255, 134, -6}:
        return []
    lines = plain_lines(log.rpartition(GOING_ON)[2])  # what ended it before is over
    chains = list(_chains(lines))
    if exit_code is None and chains and _survived(lines, chains[-1]):
        return []
    taken = _last(chains)
    first = _FIRST_RANK.search(log)
    taken.sort(key=lambda chain: (first is None or chain.rank != int(first[1]), chain.start))
    return [raised for chain in taken for raised in chain.raised]


def passed_on(raised: Sequence[Raised]) -> int | None:
    """The exit code of another process, as a launcher reports it; None if nothing is said of one."""
    words = "\n".join(one.words for one in raised if one.points)
    found = re.search(r"exitcode *: (-?\d+)|Signals\.SIG\w+: (\d+)|non-zero exit status (\d+)", words)
    if found is None:
        return None
    return -int(found[2]) if found[2] else int(found[1] or found[3])


def ending(log: str, count: int) -> list[str]:
    """The last lines in which a script says something, at most `count`, none from before it went on."""
    lines = [line for _, line in plain_lines(log)]
    went_on = max((at for at, line in enumerate(lines) if _GOES_ON.search(line)), default=-1)
    return [line.strip() for line in lines[went_on + 1 :] if line.strip() and not line.startswith("frame #")][-count:]


@dataclass
class _Chain:
    """Exceptions that led to each other, in one process.

    Attributes:
        raised: The root first.
        rank: The process, or None.
        start: Line at which it begins.
        end: Line behind the last exception's first one.
    """

    rank: int | None
    start: int
    end: int = 0
    raised: list[Raised] = field(default_factory=list)

    @property
    def points(self) -> bool:
        """Whether it only says that another process failed."""
        return self.raised[-1].points


def _survived(lines: list[tuple[int | None, str]], chain: _Chain) -> bool:
    after = [line for _, line in lines[chain.end :] if line.strip()]
    far = len(after) > _NEAR_THE_END and not chain.points  # a launcher's report is long
    return far or any(_GOES_ON.search(line) for line in after)


def _last(chains: list[_Chain]) -> list[_Chain]:
    """The last chain, with those it points to and those of the other ranks."""
    taken: list[_Chain] = []
    for chain in reversed(chains):
        enough = taken and not taken[-1].points and (chain.rank is None or taken[-1].rank is None)
        if enough:
            break
        taken.append(chain)
    return [chain for chain in taken if not chain.points] or taken


def _chains(lines: list[tuple[int | None, str]]) -> Iterator[_Chain]:
    """All chains, in the order of their ends; lines of several ranks may be mixed."""
    streams: dict[int | None, list[tuple[int, str]]] = {}
    for at, (rank, line) in enumerate(lines):
        streams.setdefault(rank, []).append((at, line))
    found = [chain for rank, stream in streams.items() for chain in _stream_chains(rank, stream)]
    yield from sorted(found, key=lambda chain: chain.end)


def _stream_chains(rank: int | None, stream: list[tuple[int, str]]) -> Iterator[_Chain]:
    chain: _Chain | None = None
    last_end = 0
    marks = [k for k, (_, line) in enumerate(stream) if MARK in line]
    for k in marks:
        raised, end, head = _one(stream, k, rank)
        between = [line for _, line in stream[max(last_end, k - 6) : k]]
        if raised is None or any(_IGNORED.match(line) for line in between[-2:]):
            continue
        linked = chain is not None and any(_CHAIN.search(line) for line in between)
        if not linked:
            if chain is not None:
                yield chain
            chain = _Chain(rank, stream[k][0])
        assert chain is not None
        chain.raised.append(raised)
        chain.end = stream[head][0] + 1
        last_end = end
    if chain is not None:
        yield chain


def _one(stream: list[tuple[int, str]], mark: int, rank: int | None) -> tuple[Raised | None, int, int]:
    """The exception under a mark (None if it is cut off), the place behind its message, and its first line's."""
    head_line = stream[mark][1]
    prefix = head_line[: head_line.index(MARK)]
    lines = [_unprefixed(line, prefix) for _, line in stream[mark : mark + _TRACEBACK_LINES]]
    at, frames = _body(lines, _CELL.match(head_line))
    head = _EXCEPTION.match(lines[at]) if at < len(lines) else None
    if head is None:
        return None, mark + at, mark + at
    end = at + 1
    while end < min(len(lines), at + _MESSAGE_LINES) and not _STOP.search(lines[end]):
        end += 1
    words = "\n".join([head[2] or "", *lines[at + 1 : end]]).strip()[:_MESSAGE_CHARACTERS]
    return Raised(head[1].rpartition(".")[2], words, tuple(frames), rank), mark + end, mark + at


def _unprefixed(line: str, prefix: str) -> str:
    """A line without what a tool put before each of a traceback."""
    return line[len(prefix) :] if prefix.strip() and line.startswith(prefix) else line


def _body(lines: list[str], cell: re.Match[str] | None) -> tuple[int, list[tuple[str, str]]]:
    """Where the exception under a traceback's calls stands, and the calls; some tools take their indentation away."""
    frames: list[tuple[str, str]] = []
    flat = len(lines) > 1 and lines[1].startswith('File "')
    for at, line in enumerate(lines[1:], 1):
        if found := _FRAME.match(line) or _RICH_FRAME.match(line):
            frames.append((found[1], found[2].strip()))
        elif cell and re.match(rf"(\w+\.)*{cell[1]}(:|$)", line):
            return at, frames
        elif cell or not line.strip() or line[0] in " \t│╭╰|+":
            continue
        elif not flat or ((head := _EXCEPTION.match(line)) and _LIKE_A_TYPE.search(head[1])):
            return at, frames
    return len(lines), frames
