"""Calls between two processes: one runs code that a model wrote, the other the tests that judge it.

Only plain data travel. What the code returns is compared where it cannot reach, so redefining `==`, printing what it
likes or leaving early gains nothing; and it never sees a test, only the values that it is called with.
"""

import builtins
import importlib
import io
import json
import operator
import struct
import sys
import types

MOST_BYTES = 2**21  # of one message
SEQUENCES = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
OPERATORS = (
    "add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow", "neg", "and_", "or_", "xor", "getitem",
    "setitem", "delitem",
)  # fmt: skip
COMPARISONS = ("eq", "lt", "le", "gt", "ge")


def doings():
    """What one process may ask the other to do with an object that it lent."""
    named = {name: getattr(operator, name) for name in (*OPERATORS, *COMPARISONS)}
    plain = {"get": getattr, "set": setattr, "len": len, "iter": iter, "next": next, "str": str, "repr": repr}
    return {**named, **plain, "call": call, "is": lambda kind, value: isinstance(value, kind)}


def call(function, *values, named=(), **more):
    """Call it; names of arguments arrive as pairs."""
    return function(*values, **dict(named))


class Line:
    """One end of the line. It lends objects by number, and does with them what the other end asks for.

    Args:
        incoming: Binary file to read from.
        outgoing: Binary file to write to.
        does: What the other end may ask for: name -> function of an object and values.
    """

    def __init__(self, incoming, outgoing, does):
        self._files, self._does, self.output = (incoming, outgoing), does, io.StringIO()
        self._lent, self._numbers, self._borrowed, self._errors = [], {}, {}, {}

    def send(self, *message):
        """Send one message of plain data."""
        data = json.dumps(message).encode()
        self._files[1].write(struct.pack("!I", len(data)) + data)
        self._files[1].flush()

    def receive(self):
        """The next message; raises ConnectionError if the other end has ended or says too much."""
        size = struct.unpack("!I", self._exactly(4))[0]
        if size > MOST_BYTES:
            raise ConnectionError("too much was said")
        return json.loads(self._exactly(size))

    def _exactly(self, size):
        data = self._files[0].read(size)
        if len(data) < size:
            raise ConnectionError("the other end has ended")
        return data

    def lend(self, value):
        """The number of an object that the other end may ask about."""
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self._lent)
            self._lent.append(value)
        return self._numbers[id(value)]

    def pack(self, value):
        """A value as JSON: plain data by value, anything else by number."""
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (bytes, bytearray)):
            return ["bytes", value.hex()]
        if isinstance(value, complex):
            return ["complex", [value.real, value.imag]]
        if isinstance(value, dict):
            return ["dict", [[self.pack(key), self.pack(item)] for key, item in value.items()]]
        kind = next((kind for kind, made in SEQUENCES.items() if isinstance(value, made)), None)
        return [kind, [self.pack(item) for item in value]] if kind else self._pack_object(value)

    def _pack_object(self, value):
        if isinstance(value, Borrowed):
            return ["yours", value._number]
        if isinstance(value, types.ModuleType):
            return ["module", value.__name__]
        if isinstance(value, type) and issubclass(value, Exception):
            return ["error", [value.__name__, known_base(value).__name__]]
        return ["mine", self.lend(value)]

    def unpack(self, packed):
        """The value of what was packed at the other end: plain data, or something to ask that end about."""
        if not isinstance(packed, list):
            return packed
        kind, content = packed
        if kind in SEQUENCES:
            return SEQUENCES[kind](map(self.unpack, content))
        if kind == "dict":
            return {self.unpack(key): self.unpack(item) for key, item in content}
        if kind == "mine":
            return self._borrowed.setdefault(content, Borrowed(self, content))
        return {
            "bytes": bytes.fromhex,
            "complex": lambda parts: complex(*parts),
            "yours": lambda number: self._lent[number],
            "module": library,
            "error": lambda names: self.error(*names),
        }[kind](content)

    def error(self, name, base):
        """A class of errors of the other end, the same each time."""
        known = getattr(builtins, name, None)
        if isinstance(known, type) and issubclass(known, Exception):
            return known
        if name not in self._errors:
            self._errors[name] = type(name, (getattr(builtins, base, Exception),), {})
        return self._errors[name]

    def ask(self, what, target, *values, **named):
        """Have the other end do something with an object of its own; raises what it raised."""
        packed = [self.pack(value) for value in (target, *values)]
        self.send("ask", what, packed, [[name, self.pack(value)] for name, value in named.items()])
        while True:
            kind, *content = self.receive()
            if kind == "ask":  # a function that was given to it
                self.do(*content)
                continue
            result, changed, said = content
            sys.stdout.write(said)
            if kind == "raised":
                raise self.unpack(result[0])(*self.unpack(result[1]))
            for value, new in zip(values, map(self.unpack, changed), strict=True):
                write_back(value, new)
            return self.unpack(result)

    def do(self, what, packed, named):
        """Do what the other end asks for, and tell it what came of it, and what was printed meanwhile."""
        values = []
        try:
            values = [self.unpack(value) for value in packed]
            more = {"named": [(name, self.unpack(value)) for name, value in named]} if named else {}
            kind, result = "returned", self.pack(self._does[what](*values, **more))
        except ConnectionError:
            raise
        except BaseException as error:  # noqa: BLE001 - it is raised at the other end
            kind = "raised"
            result = [self._pack_object(known_error(error)), ["list", [str(error)[:1000]]]]
        changed = [self.pack(value) if isinstance(value, (list, dict, set)) else None for value in values[1:]]
        self.send(kind, result, changed, self._printed())

    def _printed(self):
        """What was printed to `output` since the last answer."""
        said = self.output.getvalue()[:10_000]
        self.output.seek(0)
        self.output.truncate()
        return said


def write_back(value, new):
    """Give a list, dict or set that was changed at the other end its new content."""
    if isinstance(value, list) and isinstance(new, list):
        value[:] = new
    elif isinstance(value, (dict, set)) and type(value) is type(new) and value != new:
        value.clear()
        value.update(new)


def known_error(error):
    """The class of an error that can be raised at the other end: an exit there is only an error here."""
    return type(error) if isinstance(error, Exception) else RuntimeError


def known_base(kind):
    """The nearest class of Python's own that a class of errors comes from."""
    return next(base for base in kind.__mro__ if getattr(builtins, base.__name__, None) is base)


def library(name):
    """A module of Python's own; raises ImportError for any other."""
    if name.partition(".")[0] not in sys.stdlib_module_names:
        raise ImportError(name)
    return importlib.import_module(name)


class Borrowed:
    """An object of the other process: whatever is done with it is done there.

    It is equal only to what comes from there too: one that called itself equal to everything would pass any test.
    """

    def __init__(self, line, number):
        self.__dict__.update(_line=line, _number=number)

    def __call__(self, *values, **named):
        """Call it at the other end."""
        return self._line.ask("call", self, *values, **named)

    def __getattr__(self, name):
        return self._line.ask("get", self, name)

    def __setattr__(self, name, value):
        self._line.ask("set", self, name, value)

    def __instancecheck__(self, value):
        return isinstance(value, Borrowed) and bool(self._line.ask("is", self, value))

    def __len__(self):
        return self._line.ask("len", self)

    def __iter__(self):
        return self._line.ask("iter", self)

    def __next__(self):
        return self._line.ask("next", self)

    def __str__(self):
        return str(self._line.ask("str", self))

    def __repr__(self):
        return str(self._line.ask("repr", self))

    def __bool__(self):
        return True

    __hash__ = object.__hash__


def operation(name):
    """A method that has an operator applied at the other end."""
    return lambda self, *values: self._line.ask(name, self, *values)


def comparison(name):
    """The same for a comparison, which only objects of the other end take part in."""
    return lambda self, other: (
        bool(self._line.ask(name, self, other)) if isinstance(other, Borrowed) else NotImplemented
    )


def give_operators():
    """Give borrowed objects their operators."""
    for name in OPERATORS:
        setattr(Borrowed, f"__{name.strip('_')}__", operation(name))
    for name in COMPARISONS:
        setattr(Borrowed, f"__{name}__", comparison(name))


def serve(line):
    """Run the code that the other end sends, then do what it asks for, until it has ended."""
    answer = types.ModuleType("answer")
    sys.modules["answer"] = answer
    line.output = sys.stdout = sys.stderr = io.StringIO()

    def run(code):
        exec(compile(code, "answer", "exec"), answer.__dict__)  # noqa: S102 - behind walls
        return {name: value for name, value in answer.__dict__.items() if not name.startswith("__")}

    line.lend(run)
    while True:
        try:
            _, *asked = line.receive()
            line.do(*asked)
        except ConnectionError:
            return


def usable(names):
    """What the tests may take from the answer: nothing that would change what `abs` or `math` mean in them."""
    own = {*dir(builtins), *sys.stdlib_module_names}
    modules = {name for name, value in names.items() if isinstance(value, types.ModuleType)}
    return {name: value for name, value in names.items() if name in modules or name not in own}


def judge(line, code, tests):
    """How many of the tests pass with what the code defines at the other end."""
    give_operators()
    passed = 0
    try:
        space = usable(line.ask("call", Borrowed(line, 0), code))
    except Exception:  # noqa: BLE001 - whatever it raises, it passes nothing
        return 0
    space["__name__"] = "tests"
    for test in tests:
        try:
            exec(compile(test, "test", "exec"), space)  # noqa: S102 - behind walls
            passed += 1
        except BaseException:  # noqa: BLE001, S110 - whatever it raises, it does not pass
            pass
    return passed
