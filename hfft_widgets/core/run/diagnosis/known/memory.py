"""Too little memory: of a card, of the machine, of what processes share."""

from __future__ import annotations

from hfft_widgets.core.run.diagnosis.failure import Failure, smaller_batch

SMALLER = "Choose a smaller batch size, a smaller max_length, LoRA instead of full tuning, or a smaller model"

FAILURES = (
    Failure(
        "shared_memory",
        "The shared memory (/dev/shm), through which processes hand each other data, is too small.",
        "Give the container more of it (docker run --shm-size=8g, or --ipc=host), or load data in the main process: "
        "dataloader_num_workers=0. The model's own memory is not the reason.",
        "pytorch#5040; LlamaFactory#7396; torch/utils/data/_utils/signal_handling.py",
        raised=(
            r"(?s)\w+: DataLoader worker .{0,80} Bus error",
            r"(?s)(DistBackendError|RuntimeError): NCCL error.*(shared memory segment|/dev/shm)",
            r"\w+: unable to (open|mmap|write to|allocate|resize) (shared memory|file) (object|<?/torch_|</?dev/shm)",
            r"(?s)OSError: \[Errno 28\].*/dev/shm",
        ),
        line=r"^ERROR: Unexpected bus error encountered in worker|Error while creating shared memory segment /dev/shm",
    ),
    Failure(
        "vllm_memory",
        "Out of memory: vLLM, which writes the answers, found too little of the GPU's memory left for its cache.",
        "Change vLLM's share of the card (vllm_gpu_memory_utilization), shorten prompts and answers "
        "(max_completion_length), or choose a card with more memory.",
        "vllm/v1/core/kv_cache_utils.py; vllm/v1/worker/gpu_worker.py",
        raised=(
            r"\w+: No available memory for the cache blocks",
            r"\w+: (To serve at least one request with|The model.s max seq len)[^\n]*KV cache",
            r"\w+: Free memory on device[^\n]*is less than desired GPU memory utilization",
        ),
        memory=True,
    ),
    Failure(
        "gpu_memory",
        "Out of memory: the GPU's memory did not suffice.",
        f"{SMALLER}, or a larger machine.",
        "torch/c10/cuda/CUDACachingAllocator.cpp; torch/mps; cuBLAS",
        raised=(
            (
                r"(OutOfMemoryError|RuntimeError|AcceleratorError): (CUDA|HIP|XPU"
                r"|MPS backend)( driver)?( error:)? out of memory"
            ),
            r"OutOfMemoryError: (?!DefaultCPU)",
            r"\w+: (CUDA error: )?(CUBLAS|CUDNN|HIPBLAS)_STATUS_(ALLOC_FAILED|NOT_INITIALIZED)",
            r"\w+: cuDNN error: CUDNN_STATUS_(ALLOC_FAILED|NOT_INITIALIZED)",
            r"\w+: Caught OutOfMemoryError in replica",
            r"(XlaRuntimeError|JaxRuntimeError): RESOURCE_EXHAUSTED",
        ),
        line=(
            r"^(torch\.)?(cuda\.)?OutOfMemoryError: CUDA out of memory"
            r"|^Error out of memory at line \d+ in file /src/csrc"
        ),
        value=r"\bGPU (\d+) has a total|device (\d+)",
        naming="Out of memory: the GPU's memory did not suffice (GPU {value}).",
        of_export="Choose a smaller model, or close other programs.",
        memory=True,
        change=smaller_batch,
    ),
    Failure(
        "loader_memory",
        "Out of memory: a process that loads or prepares data was killed; most often this machine's memory (RAM) did "
        "not suffice.",
        "Use fewer processes (dataloader_num_workers, num_proc), shorter rows or a part of the data, or a machine with "
        "more memory. The GPU's memory is not the reason.",
        "torch/utils/data/dataloader.py; datasets/utils/py_utils.py",
        raised=(
            r"\w+: DataLoader worker \(pid(\(s\))?[^)]*\) (is killed by signal: Killed|exited unexpectedly)",
            r"\w+: One of the subprocesses has abruptly died during map operation",
            r"BrokenProcessPool\b",
        ),
        memory=True,
    ),
    Failure(
        "host_memory",
        "Out of memory: this machine's memory (RAM) did not suffice.",
        f"{SMALLER}; close other programs, or use a machine with more memory.",
        "CPython; numpy/_core/_exceptions.py; torch/c10/core/impl/alloc_cpu.cpp; Linux oom_kill.c",
        raised=(
            r"(_?ArrayMemoryError|MemoryError|ArrowMemoryError)\b",
            (
                r"(?s)RuntimeError: (\[enforce fail at alloc_cpu\.cpp[^\n]*)?"
                r".{0,40}DefaultCPUAllocator: (not enough|can't allocate)"
            ),
            r"\w+: \[Errno 12\]",
            r"\w+: (std::)?bad_alloc",
            r"\w+: Unable to allocate [\d.]+ \w+ for an array",
            r"\w+: (realloc|malloc) of size \d+ failed",
        ),
        line=r"^terminate called after throwing an instance of 'std::bad_alloc'|[Oo]ut of memory: Kill(ed)? process"
        r"|oom[-_]kill|^slurmstepd: error: Detected \d+ oom|OOMKilled|^memory allocation of \d+ bytes failed",
        place=r"(?i)OOM.?Killed|out of memory|memory limit",
        of_export="Choose a smaller model, or close other programs.",
        memory=True,
        change=smaller_batch,
    ),
)
