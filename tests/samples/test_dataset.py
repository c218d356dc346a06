import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest

from hfft_widgets import samples
from hfft_widgets.errors import DataError, HfftError

COLUMNS = {
    "messages": {"messages"},
    "prompt_completion": {"prompt", "completion"},
    "preference": {"prompt", "chosen", "rejected"},
    "verifiable": {"prompt", "answer"},
}


def texts(value):
    if isinstance(value, str):
        yield value
    elif value is not None:
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


def test_the_kinds_are_those_promised():
    assert set(samples.KINDS) == set(COLUMNS)


@pytest.mark.parametrize("kind", samples.KINDS)
def test_shape(kind, filled_home):
    data = samples.dataset(kind)
    assert len(data) >= 2200
    assert set(data.column_names) == COLUMNS[kind]
    assert data.info.dataset_name == f"python-docs-{kind.replace('_', '-')}"
    assert data.train_test_split(test_size=0.1, seed=42)["train"].info.dataset_name == data.info.dataset_name
    assert all(text.strip() for row in data for text in texts(row))


@pytest.mark.parametrize("kind", samples.KINDS)
def test_no_row_holds_an_address_or_a_path(kind, filled_home):
    """Patterns of the test's own, wider than those of the package where that costs no row."""
    forbidden = re.compile(
        r"https?:|ftp:|file:|://|www\.|\w@\w|[A-Za-z]:\\|\\\\|0x[0-9a-f]{5}|(?:^|[\s'\"(=`])(?:~|\.\.?)?/[A-Za-z]"
        r"|/(?:usr|home|root|tmp|etc|var|bin|opt|Users|Library)\b",
        re.IGNORECASE,
    )
    machine = [sysconfig.get_path("stdlib"), str(Path.home()), str(Path.cwd()), tempfile.gettempdir(), sys.prefix]
    private = [text for text in machine if len(text) > 1]
    for row in samples.dataset(kind):
        for text in texts(row):
            assert not forbidden.search(text), text
            assert not any(part in text for part in private), text


def test_messages_are_one_question_and_one_answer(filled_home):
    from hfft_widgets.samples.stdlib import MODULES

    answers = Counter()
    for row in samples.dataset("messages"):
        user, assistant = row["messages"]
        assert (user["role"], assistant["role"]) == ("user", "assistant")
        assert user["content"].startswith("Which module is this from?\n")
        answers[assistant["content"]] += 1
    assert set(answers) == set(MODULES)
    assert answers.most_common(1)[0][1] < 0.12 * answers.total(), "always naming one module must not be a way to win"


def test_no_documentation_text_is_in_two_rows_so_that_a_split_holds_out_what_it_says(filled_home):
    summaries = [row["messages"][0]["content"].split("\n")[2] for row in samples.dataset("messages")]
    assert len(set(summaries)) == len(summaries)


def test_the_same_symbols_in_the_same_order_for_each_kind(filled_home):
    rows = zip(*(samples.dataset(kind) for kind in samples.KINDS), strict=True)
    for messages, completion, preference, verifiable in rows:
        question, answer = (message["content"] for message in messages["messages"])
        assert completion == {"prompt": f"{question}\nModule:", "completion": f" {answer}"}
        assert verifiable == {"prompt": messages["messages"][:1], "answer": answer}
        assert preference["prompt"] + preference["chosen"] == messages["messages"]


def test_the_rejected_answer_is_that_of_another_module_and_no_telltale(filled_home):
    rows = samples.dataset("preference")
    chosen, rejected = ([row[name][0]["content"] for row in rows] for name in ("chosen", "rejected"))
    assert not any(right == wrong for right, wrong in zip(chosen, rejected, strict=True))
    assert set(rejected) == set(chosen)
    for module, times in Counter(chosen).items():  # how often a module is right says nothing about which one to prefer
        assert abs(Counter(rejected)[module] - times) <= 0.15 * times + 3, module


def test_an_unknown_kind(home):
    with pytest.raises(
        DataError, match=r"no sample dataset 'chat'.*messages, prompt_completion, preference, verif"
    ) as e:
        samples.dataset("chat")
    assert isinstance(e.value, HfftError)
    assert not any(home.iterdir())


MAKE = """
import sys, time
from hfft_widgets import samples
while time.time() < float(sys.argv[1]):  # start together
    time.sleep(0.001)
for kind in samples.KINDS:
    print(kind, len(samples.dataset(kind)))
"""


def make(home, *, hash_seed="random", at=0.0):
    environment = {**os.environ, "HFFT_HOME": str(home), "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", MAKE, str(at)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def digests(home):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in home.rglob("*.parquet")}


@pytest.mark.full
def test_the_same_bytes_whatever_the_hash_seed_and_who_else_is_making(tmp_path):
    at = time.time() + 6
    homes = [tmp_path / "one", tmp_path / "two", tmp_path / "two"]
    makers = [make(home, hash_seed=seed, at=at) for home, seed in zip(homes, ("0", "1", "2"), strict=True)]
    for maker in makers:
        output, problems = maker.communicate(timeout=120)
        assert maker.returncode == 0, problems
        assert len(output.splitlines()) == 4
    one, two = digests(homes[0]), digests(homes[1])
    assert len(one) == 4
    assert one == two
    assert {path.suffix for path in homes[1].rglob("*") if path.is_file()} == {".parquet"}, "something was left behind"


def test_the_second_call_reads_what_the_first_made(filled_home, monkeypatch):
    from hfft_widgets.samples import rows

    first = samples.dataset("messages")
    monkeypatch.setitem(rows.MAKERS, "messages", lambda symbols: pytest.fail("made again"))
    second = samples.dataset("messages")
    assert second.info.dataset_name == "python-docs-messages"
    assert second._fingerprint == first._fingerprint
    assert second[:] == first[:]


def test_the_place_tells_the_python_and_changes_with_the_code(home, monkeypatch):
    from hfft_widgets.samples import keep

    first = samples.dataset("messages")
    (file,) = home.rglob("*.parquet")
    python = ".".join(map(str, sys.version_info[:3]))
    assert file.name == "python-docs-messages.parquet"
    assert re.fullmatch(rf"[a-z]+{re.escape(python)}\w*-[0-9a-f]{{8}}", file.parent.name)
    monkeypatch.setattr(keep, "_content_version", lambda: "another")
    assert samples.dataset("messages")._fingerprint != first._fingerprint
    assert len(list(home.rglob("*.parquet"))) == 2


@pytest.mark.parametrize("damage", [b"", b"PAR1 cut short"])
def test_a_damaged_file_is_made_again(home, damage):
    rows = samples.dataset("verifiable")[:]
    (file,) = home.rglob("*.parquet")
    whole = file.read_bytes()
    file.write_bytes(damage or whole[: len(whole) // 2])
    assert samples.dataset("verifiable")[:] == rows
    assert file.read_bytes() == whole


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("HFFT_HOME", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"could not be kept in .* Free some disk space, or set HFFT_HOME"):
        samples.dataset("messages")
