"""What went wrong, in words."""

import pytest

from hfft_widgets.core.run.diagnosis import diagnose
from hfft_widgets.core.run.stage import Stage


def of(type_="", text="", **more):
    return diagnose(Stage.ERROR, **({"exit_code": 1, "error": {"type": type_, "message": text}} | more))


# error texts as torch 2.13, transformers 5.23, TRL 1.16, datasets 5.2 and Python 3.11 write them
@pytest.mark.parametrize(
    ("type_", "message", "words", "remedy"),
    [
        (
            "OutOfMemoryError",
            "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has ...",
            "GPU's memory",
            "batch size",
        ),
        (
            "RuntimeError",
            "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried",
            "this machine's memory",
            "batch size",
        ),
        ("MemoryError", "", "this machine's memory", "batch size"),
        ("OSError", "[Errno 28] No space left on device", "disk is full", "HFFT_HOME"),
        (
            "SafetensorError",
            "Error while serializing: I/O error: No space left on device (os error 28)",
            "disk is full",
            "HF_HOME",
        ),
        ("ModuleNotFoundError", "No module named 'trl'", "'trl' is not installed", '"hfft-widgets[train]"'),
        (
            "ModuleNotFoundError",
            "No module named 'math_verify.parser'",
            "'math_verify' is not",
            "pip install math_verify",
        ),
        (
            "ImportError",
            "LlamaConverter requires the protobuf library but it was not found",
            "'protobuf' is not",
            "hfft-widgets",
        ),
        (
            "ValueError",
            "Your setup doesn't support bf16/gpu. You need to assign use_cpu",
            "GPU was asked for",
            "nvidia-smi",
        ),
        ("RuntimeError", "No CUDA GPUs are available", "GPU was asked for", "nvidia-smi"),
        ("AssertionError", "Torch not compiled with CUDA enabled", "GPU was asked for", "nvidia-smi"),
        (
            "ValueError",
            "Cannot use chat template functions because tokenizer.chat_template is not set",
            "chat template",
            "instruction-tuned",
        ),
        (
            "TemplateError",
            "Conversation roles must alternate user/assistant/user/assistant/...",
            "chat template",
            "alternate",
        ),
        ("ValueError", "Asking to pad but the tokenizer does not have a padding token.", "tokenizer", "pad token"),
        ("IndexError", "index out of range in self", "tokenizer", "belongs to the model"),
        ("ValueError", "The loss is nan at step 12", "diverged", "learning rate"),
        ("FloatingPointError", "Loss became nan", "diverged", "learning rate"),
        ("KeyError", "'messages'", "looked for 'messages'", "Validate the dataset"),
        ("KeyError", "\"Unexpected input keys in examples: ['images']\"", "is not there", "map its columns"),
        ("ValueError", "Column 'prompt' doesn't exist.", "looked for 'prompt'", "map its columns"),
        (
            "GatedRepoError",
            "401 Client Error. Cannot access gated repo for url ...",
            "is gated",
            "hf auth login",
        ),
        (
            "LocalEntryNotFoundError",
            "An error happened while trying to locate the file",
            "network",
            "connection",
        ),
        ("ConnectError", "[Errno -3] Temporary failure in name resolution", "network", "connection"),
        ("KeyboardInterrupt", "", "interrupted", "run.resume()"),
    ],
)
def test_known_errors(type_, message, words, remedy):
    found = of(type_, message)
    assert words in found.cause
    assert remedy in found.remedy
    said = f"The script said: {found.evidence}" if found.evidence else ""
    assert str(found) == " ".join(part.removesuffix(".") + "." for part in (found.cause, said, found.remedy) if part)
    # the same from a traceback in the log, if the script could not tell it
    if message:
        log = f"before\nTraceback (most recent call last):\n  File 'x.py', line 3, in main\n    x()\n{type_}: {message}"
        assert words in diagnose(Stage.ERROR, exit_code=1, log=log).cause


def test_an_unknown_error_is_said_to_be_unknown():
    found = of("OddError", "nobody has seen this")
    assert "OddError: nobody has seen this" in found.evidence
    assert "not one that is known" in found.cause
    assert not found.name
    assert "log" in found.remedy


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-9, "killed from outside"),
        (137, "killed from outside"),
        (-15, "interrupted"),
        (143, "interrupted"),
        (130, "interrupted"),
        (142, "had to save"),
        (-11, "crashed"),
        (139, "crashed"),
        (-6, "gave up"),
        (-4, "processor"),
        (-7, "bus error"),
        (0xC0000005, "crashed"),
        (0xC0000005 - 2**32, "crashed"),
        (0xC000013A, "interrupted"),
        (3, "code 3; the reason is not known"),
        (200, "code 200"),
        (None, "nothing is known"),
    ],
)
def test_exit_codes(code, words):
    found = diagnose(Stage.ERROR, exit_code=code)
    assert words in str(found)
    assert found.remedy


def test_killed_names_memory_as_likely_only():
    assert "Most often the machine ran out of memory" in diagnose(Stage.ERROR, exit_code=-9).cause


OLD = "Traceback (most recent call last):\n  File 'a', line 1\nKeyError: 'survived'\n"


def test_a_traceback_that_was_survived_is_not_the_reason():
    assert "killed" in diagnose(Stage.ERROR, exit_code=-9, log=OLD + "and on\n" * 5).cause
    assert "KeyError" not in str(diagnose(Stage.ERROR, exit_code=3, log=OLD + "and on"))
    vanished = diagnose(Stage.ERROR, message="The machine was restarted while it ran.", log=OLD + "and on\n" * 20)
    assert vanished.cause == "The machine was restarted while it ran."
    assert "survived" not in str(vanished)


def test_the_root_of_a_chain_counts():
    log = (
        OLD + "During handling of the above exception, another exception occurred:\n" + OLD.replace("survived", "final")
    )
    assert "'survived'" in diagnose(Stage.ERROR, exit_code=1, log=log).cause


def test_a_traceback_behind_a_progress_bar():
    log = " 50%|##   | 5/10Traceback (most recent call last):\n  File 'a', line 1\n\n    x\nZeroDivisionError: by zero"
    assert "ZeroDivisionError: by zero" in diagnose(Stage.ERROR, exit_code=1, log=log).evidence


def test_a_script_that_left_with_a_sentence():
    log = "This run was given a GPU, but torch cannot see one: its driver does not fit this torch."
    assert "A GPU was asked for" in diagnose(Stage.ERROR, exit_code=1, log=log).cause
    assert "Nothing to do." in diagnose(Stage.ERROR, exit_code=1, log="Nothing to do.").evidence


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("The machine was restarted while it ran.", "launch it again"),
        ("It was stopped at its time limit (2 h).", "longer limit"),
        ("The script and its supervisor were ended from outside, without a word in the log.", "ran out of memory"),
        ("Something new.", "log"),
    ],
)
def test_what_the_place_says(message, words):
    found = diagnose(Stage.ERROR, message=message)
    assert found.cause.startswith(message)
    assert words in str(found)


def test_a_known_exception_says_more_than_the_place():
    message = "The script said that it was done, then ended with code 1."
    assert "disk is full" in of("OSError", "[Errno 28] No space left on device", message=message).cause
    unknown = of("OddError", "hm", message=message)
    assert (unknown.cause, unknown.evidence) == (message, "OddError: hm")


def test_an_export_gets_advice_for_exports():
    found = of("ModuleNotFoundError", "No module named 'llama_cpp'", kind="export")
    assert '"hfft-widgets[gguf]"' in found.remedy
    assert "LoRA" not in of("MemoryError", "", kind="export").remedy


@pytest.mark.parametrize("stage", [Stage.SCHEDULING, Stage.RUNNING, Stage.COMPLETED, Stage.CANCELED])
def test_nothing_went_wrong(stage):
    assert diagnose(stage, exit_code=143, error={"type": "X", "message": "y"}, log=OLD) is None


def test_deleted():
    assert "deleted" in diagnose(Stage.DELETED).cause


def test_texts_of_any_length_and_kind():
    assert len(str(of("ValueError", "x" * 100_000))) < 1000
    assert "line one line two" in of("ValueError", "line one\nline two").evidence
    assert diagnose(Stage.ERROR, exit_code=1, error={"type": None, "message": 7}).evidence == "7"


def test_a_job_that_its_own_script_stopped_for_standing_still_is_not_called_interrupted():
    told = {"type": "Stalled", "message": "nothing moved for 1800 seconds, the limit it was given"}
    found = diagnose(Stage.ERROR, exit_code=143, error=told)
    assert found.name == "stalled"
    assert "1800 seconds" in found.evidence
