"""The parts of the export script that need no model: progress, reasons, tokenizer repair, keeping files."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from hfft_widgets.core.run.events import parse
from hfft_widgets.scripts.gguf import answers, exporting, folders, repairs, verifying
from hfft_widgets.scripts.gguf import subprocess_steps as stepping
from hfft_widgets.scripts.gguf.extras import quantizer, repository
from hfft_widgets.scripts.gguf.subprocess_steps import BAR, BARS, ExportProgress, StepFailedError, blame


def told(capsys):
    """The progress events printed so far."""
    return [event.data for line in capsys.readouterr().out.split("\n") if (event := parse(line))]


# ---- progress ------------------------------------------------------------------------------------


def test_steps_count_as_the_seconds_they_take(capsys):
    ExportProgress.expect({"merge": 30, "convert": 10})
    ExportProgress.tell("merge", 0.0, "Merging")
    ExportProgress.finish("merge")
    ExportProgress.tell("convert", 0.0, "Converting")
    first, second = told(capsys)
    assert (first["fraction"], second["fraction"]) == (0.0, 0.75)
    assert (second["stage"], second["message"]) == ("convert", "Converting")


def test_progress_never_goes_back_and_does_not_flood(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(stepping.time, "monotonic", lambda: now[0])
    ExportProgress.expect({"merge": 1})
    for i in range(1001):
        now[0] += 0.01
        ExportProgress.tell("merge", i / 1000, "Merging")
    ExportProgress.tell("merge", 0.2, "Merging")
    fractions = [data["fraction"] for data in told(capsys)]
    assert fractions == sorted(fractions)
    assert 20 < len(fractions) < 40  # 10 seconds, at most three a second
    assert fractions[-1] > 0.96


@pytest.mark.parametrize(
    ("line", "label", "percent"),
    [
        ("Writing:  47%|████▋     | 3.21M/6.82M [00:00<00:00, 44.7Mbyte/s]", "Writing", 47),
        ("Loading weights: 100%|██████████| 310/310 [00:01<00:00]", "Loading weights", 100),
        ("Unloading and merging model:   5%|▌ | 1/20", "Unloading and merging model", 5),
        ("Writing model shards:   0%|          | 0/1 [00:00<?, ?it/s]", "Writing model shards", 0),
    ],
)
def test_bars_are_read(line, label, percent):
    found = BAR.match(line)
    assert found["label"] in BARS
    assert (found["label"], int(found["percent"])) == (label, percent)


@pytest.mark.parametrize("line", ["INFO:hf-to-gguf:blk.0.attn_q.weight", "50% of it", "a 10% | table"])
def test_other_lines_are_no_bars(line):
    assert BAR.match(line) is None


def test_quantizer_log_counts_bytes(capsys):
    log = quantizer.QuantizerLog(256 * 768 * 2 + 256 * 4 + 256 * 128 * 2)
    pieces = [
        "[   1/  39] output.weight                        - [   256,    768,      1,      1], type =   bf16, ",
        "converting to q6_K .. ",
        "size =     0.38 MiB ->     0.15 MiB\n",
        "[   2/  39] output_norm.weight                   - [   256,      1,      1,      1], type =    f32, ",
        "[   3/  39] blk.0.attn_k.weight                  - [   256,    128,      1,      1], type =    f16, ",
    ]
    for piece in pieces:
        log(2, piece)
    news = [json.loads(line.removeprefix("@step ")) for line in capsys.readouterr().out.split("\n") if line]
    assert [round(entry["share"], 3) for entry in news] == [0.0, 0.855, 0.857]
    assert news[2]["message"] == "Quantizing tensor 3 of 39: blk.0.attn_k.weight"
    assert log.read_bytes == log.total_bytes
    log(4, "llama_model_quantize: failed to quantize: unknown model architecture: 'llamX'\n")
    assert log.reason == "llama_model_quantize: failed to quantize: unknown model architecture: 'llamX'"


# ---- reasons -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "said", "tail", "words", "remedy"),
    [
        (1, {}, ["INFO:x", "ERROR:hf-to-gguf:Model X is not supported"], "Model X is not supported", "another base"),
        (1, {"error": "OSError: [Errno 28] No space left on device", "kind": "OSError"}, [], "No space", "Free disk"),
        (
            -6,
            {},
            ["llama-hparams.cpp:35: GGML_ASSERT(x) failed", "bye"],
            "aborted by llama.cpp: llama-hparams",
            "report it",
        ),
        (-9, {}, ["Loading"], "killed, most likely because the machine ran out of memory", "memory"),
        (-11, {}, [], "crashed (segmentation fault): It said nothing.", "report it"),
        (1, {"error": "ModuleNotFoundError: No module named 'peft'"}, [], "No module named 'peft'", "pip install"),
        (0, {}, ["odd"], "exit code 0", "report it"),
        (1, {"error": "no", "remedy": "Do this."}, [], "failed: no", "Do this."),
    ],
)
def test_blame(code, said, tail, words, remedy):
    error = blame("convert", code, said, tail)
    assert words in str(error)
    assert "'convert'" in str(error)
    assert remedy in error.remedy


# ---- the tokenizer -------------------------------------------------------------------------------

SENTENCEPIECE = {
    "model": {"type": "BPE", "byte_fallback": True},
    "pre_tokenizer": {"type": "Metaspace"},
    "decoder": None,
    "added_tokens": [{"id": 3, "content": "<|im_start|>", "special": True}],
}
BYTES = {"model": {"type": "BPE"}, "pre_tokenizer": {"type": "ByteLevel"}, "decoder": None, "added_tokens": []}


def folder_with(path, **files):
    path.mkdir(exist_ok=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (path / name.replace("__", ".")).write_text(text, "utf-8")
    return path


def test_sentencepiece_folder_gets_what_the_converter_needs(tmp_path):
    trained = folder_with(
        tmp_path / "trained", tokenizer__json=SENTENCEPIECE, tokenizer_config__json={"eos_token": "x"}
    )
    (trained / "chat_template.jinja").write_text("{{ trained }}", "utf-8")
    base = folder_with(tmp_path / "base", tokenizer__model="pieces", tokenizer__json=BYTES)
    target = folder_with(tmp_path / "target", added_tokens__json={"other": 1}, vocab__json={})
    done = repairs.repair_tokenizer(target, [trained, None, base])
    assert done == ["tokenizer.model copied", "1 added tokens listed"]
    assert (target / "tokenizer.model").read_text("utf-8") == "pieces"
    assert (target / "chat_template.jinja").read_text("utf-8") == "{{ trained }}"
    config = json.loads((target / "tokenizer_config.json").read_text("utf-8"))
    assert config == {"eos_token": "x", "added_tokens_decoder": {"3": {"content": "<|im_start|>", "special": True}}}
    assert not (target / "added_tokens.json").exists()  # of another tokenizer
    assert "added_tokens_decoder" not in (trained / "tokenizer_config.json").read_text("utf-8")


def test_wrong_list_of_added_tokens_is_replaced(tmp_path):
    wrong = {"added_tokens_decoder": {"7": {"content": "<|im_start|>"}}}
    trained = folder_with(
        tmp_path / "t", tokenizer__json=SENTENCEPIECE, tokenizer_config__json=wrong, tokenizer__model="p"
    )
    target = folder_with(tmp_path / "target")
    repairs.repair_tokenizer(target, [trained])
    assert list(json.loads((target / "tokenizer_config.json").read_text("utf-8"))["added_tokens_decoder"]) == ["3"]


def test_byte_level_tokenizer_needs_no_sentencepiece_file(tmp_path):
    trained = folder_with(tmp_path / "trained", tokenizer__json=BYTES, tokenizer_config__json={})
    base = folder_with(tmp_path / "base", tokenizer__model="another model's")
    target = folder_with(tmp_path / "target")
    assert repairs.repair_tokenizer(target, [trained, base]) == []
    assert not (target / "tokenizer.model").exists()


def test_missing_tokenizers_are_refused(tmp_path):
    empty = folder_with(tmp_path / "empty")
    target = folder_with(tmp_path / "target")
    with pytest.raises(StepFailedError, match="No tokenizer is in"):
        repairs.repair_tokenizer(target, [empty])
    trained = folder_with(tmp_path / "trained", tokenizer__json=SENTENCEPIECE)
    with pytest.raises(StepFailedError, match=r"tokenizer\.model is not in") as caught:
        repairs.repair_tokenizer(target, [trained, empty])
    assert "tokenizer.model" in caught.value.remedy


def test_equal_scores_are_refused():
    verifying.refuse_equal_scores([-1000.0, -3.0])
    with pytest.raises(StepFailedError, match="same score"):
        verifying.refuse_equal_scores([-1000.0] * 5)


def test_place_of_the_first_other_token():
    error = verifying.other_tokens("some text", [1, 2, 3], [1, 2])
    assert "from token 2 on [] instead of [3]" in str(error)


# ---- template and configuration ------------------------------------------------------------------

MARKED = "{% for m in messages %}{%- generation -%} {{ m }}{% endgeneration %}{% endfor %}"
UNMARKED = "{% for m in messages %}{%- if true -%} {{ m }}{% endif %}{% endfor %}"


def test_template_of_the_file_is_the_one_that_transformers_uses(tmp_path):
    folder = folder_with(tmp_path, tokenizer_config__json={"chat_template": "old"}, chat_template__jinja=MARKED)
    assert len(repairs.repair_template(folder)) == 2
    config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    assert config["chat_template"] == UNMARKED
    assert not (folder / "chat_template.jinja").exists()


def test_named_templates_become_the_default_one(tmp_path):
    named = [{"name": "tool_use", "template": "b"}, {"name": "default", "template": "a"}]
    folder = folder_with(tmp_path, tokenizer_config__json={"chat_template": named})
    repairs.repair_template(folder)
    assert json.loads((folder / "tokenizer_config.json").read_text("utf-8"))["chat_template"] == "a"


@pytest.mark.parametrize("template", [UNMARKED, "", "{{ 'generation' }}"])
def test_plain_template_stays(tmp_path, template):
    folder = folder_with(tmp_path, tokenizer_config__json={}, chat_template__jinja=template)
    assert repairs.repair_template(folder) == []
    assert (folder / "chat_template.jinja").read_text("utf-8") == template


@pytest.mark.parametrize(
    ("config", "key", "value"),
    [
        ({"model_type": "gpt_neox", "rope_parameters": {"partial_rotary_factor": 0.25}}, "rotary_pct", 0.25),
        ({"model_type": "cohere2", "rope_parameters": {"rope_theta": 1e4}}, "rotary_pct", 1.0),
        ({"model_type": "gpt2", "n_positions": 1024}, "n_ctx", 1024),
        ({"model_type": "mistral", "max_position_embeddings": 8192}, "max_position_embeddings", 4096),
    ],
)
def test_configuration_is_written_as_the_converter_reads_it(tmp_path, config, key, value):
    folder = folder_with(tmp_path, config__json=config)
    assert repairs.repair_config(folder, 4096)
    assert json.loads((folder / "config.json").read_text("utf-8"))[key] == value
    assert repairs.repair_config(folder, 4096) == []


# ---- answers -------------------------------------------------------------------------------------


def asked(*trained, expected=None):
    return [{"after": one, "expected": expected or one} for one in trained]


def test_same_answers_are_counted():
    found = answers.judge(asked("a", "b"), [" a", "b\n"], "Q4_K_M")
    assert (found["count"], found["same"], found["alike"], found["right"], found["trained_right"]) == (2, 2, 2, 2, 2)


def test_long_answers_may_part_ways_after_their_beginning():
    long = "one two three four five six seven eight nine"
    found = answers.judge(asked(long), [long + " ten"], "BF16")
    assert (found["same"], found["alike"]) == (0, 1)


@pytest.mark.parametrize(("quantization", "others"), [("BF16", 4), ("Q8_0", 4), ("Q4_K_M", 9), ("Q3_K_M", 13)])
def test_too_many_other_answers_are_refused(quantization, others):
    rows = asked(*(f"answer {n}" for n in range(20)), expected="something else")
    said = [row["after"] if n >= others else "no" for n, row in enumerate(rows)]
    with pytest.raises(StepFailedError, match=f"{others} of 20 begin with other words"):
        answers.judge(rows, said, quantization)
    said[0] = rows[0]["after"]
    assert answers.judge(rows, said, quantization)["alike"] == 20 - others + 1


def test_one_of_two_answers_may_be_a_tie_but_not_the_only_one():
    rows = asked("yes", "no", "", expected="else")
    assert answers.judge(rows, ["yes", "nothing", ""], "Q8_0")["alike"] == 2
    with pytest.raises(StepFailedError, match="1 of 1 begin with other words"):
        answers.judge(asked("yes", "", "", expected="else"), ["no", "", ""], "Q8_0")


def test_lost_right_answers_are_refused_before_half_are_others():
    rows = asked(*(f"answer {n}" for n in range(20)))
    said = [row["after"] if n >= 8 else "no" for n, row in enumerate(rows)]
    with pytest.raises(StepFailedError, match="8 right answers are lost and 0 gained"):
        answers.judge(rows, said, "Q4_K_M")


@pytest.mark.parametrize(("bad", "words"), [("", "1 are empty and 0 do not"), (None, "0 are empty and 1 do not come")])
def test_an_empty_or_endless_answer_is_refused_where_the_trained_model_answers(bad, words):
    with pytest.raises(StepFailedError, match=words):
        answers.judge(asked("a", "b", "c"), ["a", "b", bad], "Q2_K")
    many = asked(*(f"answer {n}" for n in range(20)))
    assert answers.judge(many, [bad, *(row["after"] for row in many[1:])], "Q4_K_M")["alike"] == 19


def test_the_trained_model_may_be_silent_itself():
    found = answers.judge(asked("", expected="x"), [""], "Q4_K_M")
    assert (found["same"], found["telling"]) == (1, 0)
    assert answers.judge(asked("", "a"), ["", "a"], "Q4_K_M")["telling"] == 1


class Speaker:
    """A file that answers with so many words, and ends or does not."""

    def __init__(self, words, stops):
        self.words, self.stops = words, stops

    def answer(self, text, most):
        return " ".join(["word"] * self.words), self.stops

    def ids(self, text, *, as_server=False):
        return text.split()


class Undecided(Speaker):
    """A file to which one word is less likely than its own, by so many nats."""

    def __init__(self, word, lost):
        super().__init__(2, stops=True)
        self.word, self.lost = word, lost
        self.model = SimpleNamespace(n_ctx_train=100)

    def losses(self, ids, start):
        return (self.lost if word == self.word else 0.0 for word in ids[start:])


@pytest.mark.parametrize(("lost", "tied"), [(0.2, {0}), (3.0, set())])
def test_words_that_are_nearly_as_likely_are_a_tie(lost, tied):
    rows = [{"asked": "How many? ", "after": "It is 4 in all", "expected": "It is 3 in all"}]
    found = answers.ties(Undecided("4", lost), rows, ["It is 3 in all"])
    assert found == tied
    if found:
        assert answers.judge(rows, ["It is 3 in all"], "Q8_0", found)["alike"] == 1


def test_an_answer_without_end_counts_only_where_the_trained_one_ended():
    rows = [{"asked": "?", "after": "word " * count} for count in (3, 40)]
    assert answers.ask_all(Speaker(40, stops=False), rows, 40) == [None, " ".join(["word"] * 40)]
    assert answers.ask_all(Speaker(2, stops=True), rows, 40) == ["word word"] * 2


@pytest.mark.parametrize(
    ("answer", "stopped", "spoken", "words"),
    [
        (" ", True, {"tokens": 7, "stopped": True}, "empty: the trained model answers with 7 tokens"),
        ("a a a", False, {"tokens": 7, "stopped": True}, "did not come to an end within 96 tokens"),
        ("a a a", False, {"tokens": 96, "stopped": False}, ""),
        ("", True, {"tokens": 0, "stopped": True}, ""),
        ("", True, None, ""),
    ],
)
def test_the_file_answers_where_the_trained_model_does(answer, stopped, spoken, words):
    with pytest.raises(StepFailedError, match=words) if words else nullcontext():
        verifying.refuse_no_answer(answer, stopped, spoken, 96)


# ---- files ---------------------------------------------------------------------------------------


def test_gathered_folder_takes_no_disk_and_leaves_the_original_alone(tmp_path):
    model = folder_with(tmp_path / "model", config__json={}, model__safetensors="weights", notes__md="mine")
    folders.gather(model, tmp_path / "work" / "model")
    made = tmp_path / "work" / "model"
    assert sorted(file.name for file in made.iterdir()) == ["config.json", "model.safetensors"]
    assert (made / "model.safetensors").samefile(model / "model.safetensors")
    assert not (made / "config.json").samefile(model / "config.json")
    exporting.discard(made)
    assert (model / "model.safetensors").read_text("utf-8") == "weights"


def test_gathering_copies_where_links_are_not_allowed(tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError("privilege not held")

    monkeypatch.setattr(folders.os, "symlink", refuse)
    monkeypatch.setattr(folders.os, "link", refuse)
    model = folder_with(tmp_path / "model", config__json={}, model__safetensors="weights")
    folders.gather(model, tmp_path / "made")
    assert (tmp_path / "made" / "model.safetensors").read_text("utf-8") == "weights"


def test_workspace_goes_away_whatever_happens(tmp_path):
    def canceled():
        with exporting.workspace(tmp_path, [], {"merge": 1}) as work:
            (work / "model").mkdir()
            (work / "model" / "big").write_text("x", "utf-8")
            raise stepping.CanceledError(15)

    with pytest.raises(stepping.CanceledError):
        canceled()
    assert list(tmp_path.iterdir()) == []


def test_workspace_of_a_killed_run_is_taken_over(tmp_path):
    folder_with(tmp_path / "work", model__safetensors="half")
    (tmp_path / "work" / exporting.MADE_HERE).touch()
    with exporting.workspace(tmp_path, [], {}) as work:
        assert [file.name for file in work.iterdir()] == [exporting.MADE_HERE]


@pytest.mark.parametrize("same", [True, False])
def test_what_a_killed_run_had_finished_is_used_for_the_same_models_only(tmp_path, same):
    model = folder_with(tmp_path / "trained", config__json={})
    with exporting.workspace(tmp_path / "out", [model, None], {"merge": 1}) as work:
        ExportProgress.finish("merge")
        (work / "model").mkdir()
        found = exporting.keep_whole(work / "model", {"dtype": "bfloat16"})
        folder_with(work, truth__npz="truth", half__gguf="half")
        killed = tmp_path / "killed"
        shutil.copytree(work, killed)
    shutil.move(killed, tmp_path / "out" / "work")
    if not same:
        (model / "config.json").write_text('{"other": 1}', "utf-8")
    with exporting.workspace(tmp_path / "out", [model, None], {"merge": 1}) as work:
        assert (work / "truth.npz").exists() is same
        assert not (work / "half.gguf").exists()
        assert exporting.made_before(work / "model") == (found if same else None)
        assert exporting.made_before(work / "model", work / "other.gguf") is None
        assert ExportProgress.done == float(same)


def test_finished_means_made_from_this_very_model(tmp_path, capsys):
    model = folder_with(tmp_path / "model", config__json={})
    draft, exported = tmp_path / "x.part", tmp_path / "X-Q8_0.gguf"
    draft.write_text("GGUF", "utf-8")
    sources = [str(model), None]
    assert exporting.finished(exported, sources) is None
    found = {"verified": True, "weights": 21, "ollama": {"template": None, "params": {"stop": ["</s>"]}}}
    exporting.done([exporting.keep(draft, exported, sources, "Hi", found)])
    assert exported.with_suffix(".Modelfile").read_text("utf-8") == 'FROM ./X-Q8_0.gguf\nPARAMETER stop "</s>"\n'
    assert not draft.exists()
    file, proof = exporting.finished(exported, sources)
    assert file == exported
    assert proof["weights"] == 21  # what the steps before the check found is still known
    assert [data["file"] for data in told(capsys)] == [str(exported)] * 2
    (model / "config.json").write_text("[]", "utf-8")
    assert exporting.finished(exported, sources) is None
    exporting.note_of(exported).write_text("{", "utf-8")
    assert exporting.finished(exported, sources) is None


# ---- the card on the Hub -------------------------------------------------------------------------

TOLD = {
    "bytes": 397_000_000,
    "strings": 23,
    "numbers": {"kl": 2e-5},
    "questions": {"trained_right": 17, "right": 16, "same": 18, "count": 20, "telling": 20},
    "lost": {"Q4_K": 0.071, "Q6_K": 0.02},
}
TRAINED_CARD = """---
license: mit
language:
- en
- de
tags: ["trl", "sft", "hfft-widgets"]
datasets:
  - me/rows
model_name: y
---

# `Mine`

LoRA adapters of `me/base` learned from `me/rows`: SFT with TRL.

## Results on held-out rows

| metric | step 0 | step 8 |
|---|---|---|
| `loss` | 3 | 1 |

## Settings

| setting | value |
|---|---|
| learning_rate | `0.0002` |

## Use

from transformers import pipeline
"""


def test_card_says_what_was_found_of_each_file():
    first = repository.gguf_card("Tiny-Q4_K_M.gguf", "me/Tiny-GGUF", ["me/Tiny"], TOLD)
    found = "| `Tiny-Q4_K_M.gguf` | 397 MB | 2.0e-05 (16-bit file) | 17 and 16 of 20 | 18 of 20 | 7.10% | 23 |"
    assert found in first
    assert 'base_model: "me/Tiny"' in first
    other = repository.card_row("Tiny-Q8_0.gguf", {"bytes": 6e8})
    both = repository.with_row(first, "Tiny-Q8_0.gguf", other)
    assert found in both  # a second file keeps the first one's row
    assert "| `Tiny-Q8_0.gguf` | 600 MB | not computed | not asked |" in both
    assert "llama-server -hf me/Tiny-GGUF:Q4_K_M\nollama run hf.co/me/Tiny-GGUF:Q4_K_M\n" in both
    again = repository.with_row(both, "Tiny-Q8_0.gguf", repository.card_row("Tiny-Q8_0.gguf", {"bytes": 7e8}))
    assert again.count("Tiny-Q8_0.gguf`") == 1
    assert "700 MB" in again
    assert again.count(repository.ROWS_HEAD[0]) == 1


def test_rows_of_an_earlier_table_stay():
    head = "| file | size | next words, KL to the trained model | right answers: trained, file |\n|---|---|---|---|"
    earlier = f"# Mine\n{repository.ROWS_BEGIN}\n{head}\n| `a.gguf` | 1 MB | x | y |\n\nMy words\n"
    both = repository.with_row(earlier, "b.gguf", "| `b.gguf` | 2 MB |")
    rows = [*repository.ROWS_HEAD, "| `a.gguf` | 1 MB | x | y |", "| `b.gguf` | 2 MB |"]
    assert both == "\n".join(["# Mine", repository.ROWS_BEGIN, *rows, "", "My words", ""])


def test_card_says_that_blank_answers_prove_nothing():
    blank = {**TOLD, "questions": {"trained_right": 0, "right": 0, "same": 20, "count": 20, "telling": 0}}
    card = repository.gguf_card("Tiny-Q4_K_M.gguf", "me/Tiny-GGUF", ["me/Tiny"], blank)
    assert "| 2.0e-05 (16-bit file) | blank: they prove nothing | blank: they prove nothing |" in card


def test_card_keeps_what_the_trained_model_s_own_says(tmp_path):
    folder_with(tmp_path / "model", README__md=TRAINED_CARD)
    cards = [repository.card_of(tmp_path / "model")]
    card = repository.gguf_card("Tiny-Q8_0.gguf", "me/Tiny-GGUF", [str(tmp_path / "model")], TOLD, cards)
    header, body = card.split("---\n")[1], card.split("---\n", 2)[2]
    assert "license: mit\nlanguage:\n- en\n- de\ndatasets:\n  - me/rows\n" in header
    assert "model_name" not in header
    assert header.count("tags:") == 1
    assert "## How it was trained\n\nLoRA adapters of `me/base` learned from `me/rows`: SFT with TRL.\n" in body
    assert "### Results on held-out rows" in body
    assert "| learning_rate | `0.0002` |" in body
    assert "transformers import" not in body


def test_somebodys_own_words_are_not_taken_for_how_it_was_trained():
    theirs = TRAINED_CARD.replace(', "hfft-widgets"', "")
    assert repository.training_told(theirs) == repository.training_told("# No header") == []
    assert repository.kept_facts([theirs])[0] == "license: mit"


def test_somebodys_own_card_stays():
    assert repository.with_row("# My own words", "Tiny-Q8_0.gguf", repository.card_row("Tiny-Q8_0.gguf", TOLD)) is None
