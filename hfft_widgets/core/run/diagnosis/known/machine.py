"""The machine: its disk, its folders, its ports, its processor."""

from __future__ import annotations

from hfft_widgets.core.run.diagnosis.failure import Failure

FAILURES = (
    Failure(
        "disk_full",
        "The disk is full.",
        "Delete files or delete old runs, or set HFFT_HOME (and HF_HOME for downloads) to a larger disk.",
        "errno(3) ENOSPC, EDQUOT; mmdetection#12069; torch/caffe2/serialize/inline_container.cc",
        raised=(
            r"(OSError|IOError|FileNotFoundError|\w*IOError|HfHubHTTPError): \[Errno (28|69|122)\]",
            (
                r"(?s)(SafetensorError|OSError|RuntimeError|XetError|HfHubHTTPError|ArrowInvalid|\w*IOError):"
                r"[^'\"]{0,200}(\(os error (28|122)\)|No space left on device|Disk quota exceeded)"
            ),
            r"SafetensorError: [^'\"]*\bcode: (28|122)\b",
            r"RuntimeError: \[enforce fail at inline_container\.cc:\d+\]",
            r"RuntimeError: (PytorchStreamWriter failed|write\(\): fd \d+ failed with No space)",
            r"\w+: Not enough (free )?(disk )?space",
            r"OperationalError: database or disk is full",
        ),
        line=r"\(os error (28|122)\)$|^\s*(Caused by: )?No space left on device|write failed: No space left on device"
        r"|^\S+: (cannot|error writing)[^:]*: No space left on device",
    ),
    Failure(
        "network_disk",
        "A file on a network disk or a failing disk could not be read or written.",
        "Look whether the disk is still mounted, then launch again; keep runs and caches (HFFT_HOME, HF_HOME) on a "
        "disk of the machine itself.",
        "errno(3) ESTALE, EIO, ENOTCONN; Colab's mounted Drive",
        raised=(r"OSError: \[Errno (5|107|116|121)\]", r"RuntimeError: write\(\): fd \d+ failed with Input/output"),
    ),
    Failure(
        "too_many_files",
        "The system lets this process open no more files.",
        "Raise the limit before the start: ulimit -n 65535; or use fewer processes that load data.",
        "errno(3) EMFILE; torch/multiprocessing/reductions.py",
        raised=(r"OSError: \[Errno (23|24)\]", r"RuntimeError: (Too many open files|received \d+ items of ancdata)"),
    ),
    Failure(
        "no_permission",
        "No permission: a file or folder cannot be read or written here.",
        "Make it writable for whoever runs this, or set HFFT_HOME and HF_HOME to a folder that is.",
        "errno(3) EACCES, EPERM, EROFS; containers that run without a home",
        raised=(r"PermissionError\b", r"OSError: \[Errno (1|13|30)\]", r"\w+: [^'\"\n]{0,80}\(os error (13|30)\)"),
        line=r"\(os error (13|30)\)$",
        value=r"Errno \d+\] [^:]*: ['\"]([^'\"]+)['\"]",
        naming="No permission: {value} cannot be read or written here.",
    ),
    Failure(
        "port_in_use",
        "The port through which the processes of a training find each other is taken by another program.",
        "End the other training, or choose another port (accelerate launch --main_process_port 0).",
        "torch/csrc/distributed/c10d/socket.cpp; accelerate/commands/launch.py",
        raised=(
            (
                r"(?s)(DistNetworkError|RuntimeError|ConnectionError|OSError): .{0,300}(EADDRINUSE"
                r"|[Aa]ddress already in use)"
            ),
            r"ConnectionError: Tried to launch distributed communication on port",
        ),
    ),
    Failure(
        "processor_old",
        "A compiled library uses an instruction that this processor does not have.",
        "Install builds of torch and of the other libraries that fit this processor, or take another machine.",
        "signal(7) SIGILL",
        codes=(-4,),
    ),
)
