"""Cards: missing, too old, broken, or waiting for each other."""

from __future__ import annotations

from hfft_widgets.core.run.diagnosis.failure import Failure

FAILURES = (
    Failure(
        "driver_old",
        "The GPU's driver is too old for this torch, or this torch is not built for the GPU.",
        "Update the driver, or install a torch built for the CUDA version that `nvidia-smi` shows.",
        "torch/csrc/cuda/Module.cpp; torch/cuda/__init__.py; CUDA runtime errors 35, 209, 803, 804",
        raised=(
            r"\w+: The NVIDIA driver on your system is too old",
            r"\w+: (CUDA error: )?(CUDA driver version is insufficient|no kernel image is available)",
            (
                r"\w+: CUDA error: (the provided PTX was compiled with an unsupported"
                r"|system has unsupported display driver)"
            ),
            r"\w+: Failed to initialize NVML: Driver/library version mismatch",
            r"\w+: (Unexpected error from cudaGetDeviceCount|CUDA initialization: The NVIDIA driver)",
            r"\w+: CUDA error: (device kernel image is invalid|forward compatibility was attempted)",
        ),
    ),
    Failure(
        "card_old",
        "This GPU is too old for what the plan computes with (bfloat16, or flash attention).",
        "Compute in float16 or float32 and with the usual attention, or take a card of the Ampere family or newer.",
        "transformers/training_args.py; vllm/platforms/cuda.py; flash_attn",
        raised=(
            r"\w+: Bfloat16 is only supported on GPUs with compute capability",
            r"\w+: FlashAttention only supports Ampere GPUs or newer",
            r"\w+: Your setup doesn't support bf16/(gpu|tf32)[^\n]*Ampere\+? GPU with cuda",
        ),
    ),
    Failure(
        "gpu_missing",
        "A GPU was asked for, but torch cannot use one here.",
        "Check `nvidia-smi` and that this torch fits the driver, or plan the run for a machine without a GPU.",
        "torch/cuda/__init__.py; transformers/training_args.py",
        raised=(
            (
                r"\w+: (CUDA error: )?(No CUDA GPUs are available|no CUDA-capable device is detected"
                r"|invalid device ordinal)"
            ),
            r"\w+: (Torch not compiled with CUDA enabled|Found no NVIDIA driver|Cannot access accelerator device)",
            r"\w+: (Your setup doesn't support bf16/gpu|FP16 Mixed precision training|fp16 mixed precision requires)",
            r"\w+: [^'\n]{0,80}torch cannot see one",
            r"\w+: Attempting to deserialize object on a CUDA device but",
            r"\w+: No GPU found",
        ),
        line=r"^This run was given a GPU, but torch cannot see one",
    ),
    Failure(
        "gpu_broken",
        "The GPU, as hardware, failed: the card is broken or was lost. It is not the training's fault.",
        "Launch again on another machine, and tell whoever owns this one. `nvidia-smi -q` and the system's log (Xid) "
        "say more.",
        "NVIDIA Xid errors 48, 63, 74, 79, 94; CUDA runtime errors 214, 713",
        raised=(
            r"(?s)\w+: (.{0,200}CUDA error: )?(uncorrectable (ECC|NVLink) error|GPU is lost|hardware stack error)",
            r"\w+: CUDA error: (unknown error|the launch timed out|an uncorrectable|device not ready|GPU has fallen)",
            r"\w+: Unable to determine the device handle for GPU",
            r"(?s)DistBackendError: NCCL error.{0,400}(uncorrectable ECC|NVLink)",
        ),
        line=r"NVRM: Xid \(PCI|GPU has fallen off the bus|^Unable to determine the device handle for GPU",
    ),
    Failure(
        "token_id",
        "A token or label has a number that the model does not have: the tokenizer does not fit the model, or lacks a "
        "token.",
        "Use the tokenizer that belongs to the model; after adding tokens, resize the model's embeddings. With "
        "CUDA_LAUNCH_BLOCKING=1, or on the processor, the message names the place.",
        "transformers#1848, #22778; torch/aten/src/ATen/native/cuda/Indexing.cu",
        raised=(
            r"(?s)\w+: (CUDA error: )?device-side assert triggered",
            r"IndexError: (index out of range in self|Target -?\d+ is out of bounds)",
            r"\w+: (All )?[Tt]oken ids? .{0,40}out of (range|vocabulary)",
        ),
        line=r"Assertion `?(srcIndex < srcSelectDimSize|t >= 0 && t < n_classes|-?ind >= 0 &&|index out of bounds)",
    ),
    Failure(
        "cuda_fault",
        "A kernel on the GPU touched memory that is not its own: a fault of a library or of the driver, not of the "
        "plan's memory.",
        "Update torch, the attention library in use and the driver; try without flash attention or compilation, and "
        "on another machine.",
        "CUDA runtime errors 700, 715, 716, 719",
        raised=(
            r"(?s)\w+: (.{0,200}CUDA error: )?(an illegal memory access|an illegal instruction|misaligned address)",
            r"(?s)\w+: (.{0,200}CUDA error: )?unspecified launch failure",
            r"\w+: CUDA error: CUBLAS_STATUS_(EXECUTION_FAILED|INTERNAL_ERROR|INVALID_VALUE)",
            r"RuntimeError: Triton Error \[CUDA\]",
        ),
    ),
)

# What the other GPUs say once one has failed: only if nothing else is known it is the cause.
CONSEQUENCES = (
    Failure(
        "gpus_waited",
        "The GPUs waited for each other (NCCL) until the time was up: one of them was slow, stuck, or had ended.",
        "Look in the log for the process that stopped first. Most often the processes took different paths (another "
        "number of batches, a long step on one of them), or the network between the machines failed.",
        "torch/csrc/distributed/c10d/ProcessGroupNCCL.cpp; trl#1099",
        raised=(
            (
                r"(?s)(DistBackendError|RuntimeError|DistStoreError|DistNetworkError|TimeoutError): .*"
                r"(Watchdog caught collective operation timeout|ran for \d+ milliseconds before timing out"
                r"|Timed out waiting \d+ms|wait timeout after \d+ms|Timed out after \d+ seconds waiting for)"
            ),
        ),
        line=r"Watchdog caught collective operation timeout|ran for \d+ milliseconds before timing out"
        r"|Some NCCL operations have failed or timed out",
    ),
    Failure(
        "gpus_apart",
        "The GPUs of this training cannot talk to each other (NCCL).",
        "Set NCCL_DEBUG=INFO and launch again to see which part fails; NCCL_P2P_DISABLE=1, NCCL_IB_DISABLE=1 or a "
        "single GPU help most often. In a container, raise the shared memory (/dev/shm).",
        "torch/csrc/distributed/c10d/NCCLUtils.cpp; pytorch#108861",
        raised=(
            r"(DistBackendError|RuntimeError): (\[\d+\] is setting up NCCL communicator|NCCL error|NCCL Error)",
            r"(DistNetworkError|DistStoreError): ",
            r"RuntimeError: (\[\S+\] )?(Connection closed by peer|Connection reset by peer|Socket Timeout|Broken pipe)",
        ),
    ),
)
