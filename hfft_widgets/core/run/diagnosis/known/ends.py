"""Ends from outside: a limit, a shutdown, a signal."""

from __future__ import annotations

from hfft_widgets.core.run.diagnosis.failure import Failure

_AGAIN = "Go on from its last checkpoint, if it made one, with run.resume(); or launch it again, from the start."

FAILURES = (
    Failure(
        "stalled",
        "It was stopped: nothing moved.",
        "Its log shows where it stood still. Go on from its last checkpoint, if it made one, with run.resume(); where "
        "it was only slow (a download, a long evaluation), launch it with a longer stall_minutes.",
        "own",
        raised=(r"Stalled\b",),
        place=r"nothing moved for",
    ),
    Failure(
        "time_limit",
        "It was stopped at its time limit.",
        "Launch it again with a longer limit or fewer steps; here, run.resume() goes on from its last checkpoint.",
        "Hugging Face Jobs; slurm; timeout(1): exit code 124",
        line=r"DUE TO TIME LIMIT",
        place=r"(?i)time.?(limit|out)|DeadlineExceeded",
        codes=(124,),
    ),
    Failure(
        "preempted",
        "The machine was taken away for somebody else (preempted), or shut down.",
        _AGAIN,
        "slurm; Kubernetes; spot machines",
        line=r"DUE TO PREEMPTION|DUE TO NODE FAILURE|spot instance interruption",
        place=r"(?i)preempt|evict|node (was )?lost|interrupted by the host",
    ),
    Failure("restarted", "The machine was restarted while it ran.", _AGAIN, "own", place=r"machine was restarted"),
    Failure(
        "interrupted",
        "The run was interrupted from outside.",
        _AGAIN,
        "CPython; signal(7) SIGHUP, SIGINT, SIGTERM; Windows Ctrl-C",
        raised=(r"KeyboardInterrupt\b",),
        codes=(-1, -2, -15, 0xC000013A),
    ),
    Failure(
        "interrupted",
        "The run was interrupted from outside; the step under way took longer than the time it had to save.",
        _AGAIN,
        "own scripts: exit code 142",
        codes=(-14,),
    ),
    Failure(
        "killed",
        "The script was killed from outside (signal 9). Most often the machine ran out of memory (RAM) and the system "
        "chose the largest program.",
        "Choose a smaller batch size, a smaller max_length, LoRA instead of full tuning, or a smaller model; close "
        "other programs, or use a machine with more memory.",
        "signal(7) SIGKILL",
        place=r"ended from outside",
        codes=(-9,),
        memory=True,
    ),
    Failure(
        "crashed",
        "The script crashed in a compiled library: it touched memory that was not its own (segmentation fault or "
        "access violation), a fault of a library.",
        "Update torch and the libraries in use, or try on another machine.",
        "signal(7) SIGSEGV; Windows 0xC0000005",
        line=r"^Fatal Python error: Segmentation fault|^Segmentation fault|^Windows fatal exception: access violation",
        codes=(-11, 0xC0000005, 0xC0000374),
    ),
    Failure(
        "shared_memory",
        (
            "The script lost a part of its memory (bus error). Most often the disk or the shared memory "
            "(/dev/shm) is full."
        ),
        "Free some disk, or give the container more shared memory (--shm-size).",
        "signal(7) SIGBUS",
        codes=(-7, -10),
    ),
    Failure(
        "processor_old",
        "A compiled library uses an instruction that this processor does not have.",
        "Install builds of torch and of the other libraries that fit this processor.",
        "Windows 0xC000001D",
        codes=(0xC000001D,),
    ),
    Failure(
        "aborted",
        "A compiled library gave up (abort).",
        "The last lines of the log show which, and why.",
        "signal(7) SIGABRT",
        codes=(-6,),
    ),
)
