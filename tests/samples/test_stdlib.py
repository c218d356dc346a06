import ast
import sys
import textwrap

import pytest

from hfft_widgets.errors import DataError
from hfft_widgets.samples import stdlib

SOURCE = textwrap.dedent('''
    """The module's own docstring is no symbol."""
    import os

    def load(path, /, mode: str = "r", *names, key: int, flag=True, **rest) -> None:
        """Load what
        is there.

        Second paragraph.
        """
        def inner():
            """Inside a function nothing is public."""

    async def wait(x=(1, 2)):
        """wait(x) -> None

        Wait for it."""

    def _hidden():
        """Private."""

    def silent():
        pass

    class Box(dict):
        """A box."""

        def __len__(self):
            """Private too."""

        @classmethod
        def make(cls, size):
            """Make a box."""

        def close(self):
            """Close it."""

        def many(self, a_rather_long_argument_name, another_rather_long_argument_name, and_one_more_argument_name=None):
            """Take many."""
''')


def test_public_documented_symbols_with_their_calls():
    found = {(symbol.name, symbol.signature, symbol.summary) for symbol in stdlib.parse(SOURCE, "m")}
    assert found == {
        ("load", "load(path, /, mode='r', *names, key, flag=True, **rest)", "Load what is there."),
        ("wait", "wait(x=(1, 2))", "Wait for it."),
        ("Box", "class Box", "A box."),
        ("Box.make", "Box.make(size)", "Make a box."),
        ("Box.close", "Box.close()", "Close it."),
        ("Box.many", "Box.many(...)", "Take many."),
    }


@pytest.mark.parametrize(
    "text",
    [
        "See https://docs.python.org for all of it.",
        "Visit www.python.org for all of it.",
        "Written by someone@example.org long ago.",
        "Reads /etc/mime.types at the start.",
        "Reads ~/.netrc at the start.",
        "Reads ../data/file at the start.",
        "The default is '/bin/sh' on this system.",
        r"The default is C:\Windows on this system.",
        r"A share such as \\server is no file.",
        "Shown as <object at 0x7f3a2c10> in the list.",
        "Schlüssel und Schloss gehören zusammen.",
        "Too short.",
        "Too long. " * 30,
    ],
)
def test_a_summary_that_must_not_be_in_a_row(text):
    good = stdlib.Symbol("m", "f", "f(a, /, b)", "Return the value and/or its text/html, at 50% or 0x1F.")
    assert stdlib._fits(good)
    assert not stdlib._fits(stdlib.Symbol("m", "f", "f()", text))
    if len(text) <= stdlib._SIGNATURE_CHARACTERS and len(text) > 20:
        assert not stdlib._fits(stdlib.Symbol("m", "f", f"f({text!r})", good.summary))


def test_the_real_library():
    symbols = stdlib.symbols()
    by_name = {(symbol.module, symbol.name): symbol for symbol in symbols}
    assert len(symbols) >= 2200
    assert len({symbol.summary for symbol in symbols}) == len(symbols)
    assert {symbol.module for symbol in symbols} == set(stdlib.MODULES)
    assert by_name["json", "JSONEncoder.encode"].signature == "JSONEncoder.encode(o)"
    assert by_name["math", "hypot"].summary.startswith("Multidimensional Euclidean distance")
    assert by_name["builtins", "str.casefold"].signature == "str.casefold()"
    assert "self" not in {symbol.signature.partition("(")[2].partition(",")[0] for symbol in symbols}


def test_nothing_is_imported():
    """A module of the list whose import would be felt must not be loaded by reading its documentation."""
    import subprocess

    code = (
        "import sys; from hfft_widgets.samples import stdlib; before = set(sys.modules);"
        "stdlib.symbols(); print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    new = set(ast.literal_eval(done.stdout))
    assert not {name.partition(".")[0] for name in new} & (set(stdlib.MODULES) - {"collections"}), new


def test_a_python_without_sources(tmp_path, monkeypatch):
    monkeypatch.setattr(stdlib.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(DataError, match="sources of Python's standard library were not found"):
        stdlib.symbols(["json"])


def test_a_library_below_a_folder_named_test(tmp_path, monkeypatch):
    root = tmp_path / "test" / "lib"
    (root / "json" / "tests").mkdir(parents=True)
    (root / "json" / "__init__.py").write_text("def dumps(obj):\n    'Serialize obj to a formatted string.'\n")
    (root / "json" / "tests" / "helper.py").write_text("def helper():\n    'This one is about tests alone.'\n")
    monkeypatch.setattr(stdlib.sysconfig, "get_path", lambda name: str(root))
    assert [symbol.name for symbol in stdlib.symbols(["json"])] == ["dumps"]
