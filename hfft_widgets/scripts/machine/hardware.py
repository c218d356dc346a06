"""What the hardware found can do: number formats, flash attention, and one process for each GPU."""

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from typing import NamedTuple

import torch

from hfft_widgets.scripts.events import tell
from hfft_widgets.scripts.machine.threads import thread_environment


class Precision(NamedTuple):
    """How numbers are kept: the weights' dtype, and whether the maths runs in a 16-bit format."""

    dtype: torch.dtype
    bf16: bool
    fp16: bool


def choose_precision(*, trains_all_weights, in_16_bits=False):
    """Decide by the hardware found: bfloat16 from Ampere on, float16 on older cards, float32 on a CPU.

    `torch.cuda.is_bf16_supported()` would say yes on a T4, where bfloat16 is emulated and about ten times slower.
    Weights that are trained stay in float32 (autocast does the 16-bit maths); frozen ones may be 16-bit.

    Args:
        trains_all_weights: Whether all of them learn.
        in_16_bits: Whether they learn in bfloat16 all the same; where there is none they stay in float32: small steps
            vanish in float16.
    """
    if not torch.cuda.is_available():
        if os.environ.get("HFFT_NEEDS_GPU"):
            raise RuntimeError(
                "This run was given a GPU, but torch cannot see one: its driver does not fit this torch. "
                "Training on the CPU would cost the GPU's price."
            )
        return Precision(torch.bfloat16 if in_16_bits else torch.float32, bf16=False, fp16=False)
    bf16 = torch.cuda.get_device_capability() >= (8, 0)
    frozen = torch.bfloat16 if bf16 else torch.float16
    if in_16_bits and not bf16:
        tell("progress", message="This GPU has no bfloat16: the weights learn in float32, in twice the memory")
        in_16_bits = False
    return Precision(torch.float32 if trains_all_weights and not in_16_bits else frozen, bf16=bf16, fp16=not bf16)


FLASH_ATTENTION = "kernels-community/flash-attn2"


def attention_for_packing(precision):
    """The attention that keeps packed rows apart, or None where rows must not be packed.

    Any other attention would let a row look into its neighbours in the same sequence, without a word.
    """
    if precision.bf16 and find_spec("kernels"):
        return FLASH_ATTENTION
    tell("progress", message="Rows are not packed: this machine has no flash attention, which keeps them apart")
    return None


def one_process_per_gpu():
    """With several GPUs, start this script once for each of them through `accelerate launch`, and wait.

    A plain `python script.py` would leave all GPUs but one to torch's slow DataParallel. `HFFT_PROCESSES` overrides
    the number, for instance to use one GPU only.
    """
    count = int(os.environ.get("HFFT_PROCESSES") or torch.cuda.device_count())
    if count < 2 or "HFFT_LAUNCHED" in os.environ or "LOCAL_RANK" in os.environ:
        return
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_machines", "1"]
    command += ["--num_processes", str(count), "--main_process_port", "0"]
    command += ["--mixed_precision", "no", "--dynamo_backend", "no"]  # the recipe says which precision
    launched = {**thread_environment(count), "HFFT_LAUNCHED": "1"}
    launched["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"] = os.environ.get("HFFT_GRACE", "60")
    if not torch.cuda.is_available():  # several processes on a CPU, to try it out
        launched["ACCELERATE_USE_CPU"] = "true"
    # an own session: a Ctrl-C reaches the processes once, through here, and not a second time from the terminal
    launcher = subprocess.Popen(
        [*command, *sys.argv], env={**os.environ, **launched}, start_new_session=os.name != "nt"
    )
    asked = []

    def pass_on(signum, frame):
        asked.append(signum)
        launcher.send_signal(signum)

    for name in ("SIGTERM", "SIGINT"):
        signal.signal(getattr(signal, name), pass_on)
    code = launcher.wait()
    sys.exit(128 + asked[0] if asked and code else code)
