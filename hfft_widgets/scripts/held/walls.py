"""The walls around a process that runs code which a model wrote: it builds them itself, before it runs any of it.

Whatever the way it is held, the kernel then refuses it: to open a file for writing or to change one, to reach the
network, to start a process, to look into one.
"""

import ctypes
import json
import os
import struct

from hfft_widgets.scripts.held.calls import Line, call, doings, judge, serve

# name -> its number on x86-64 and on 64-bit Arm; None: it has none there
REFUSED = {
    "socket": (41, 198), "io_uring_setup": (425, 425), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "keyctl": (250, 219), "add_key": (248, 217), "bpf": (321, 280),
    "userfaultfd": (323, 282), "perf_event_open": (298, 241), "mount": (165, 40), "umount2": (166, 39),
    "unshare": (272, 97), "setns": (308, 268), "fork": (57, None), "vfork": (58, None), "creat": (85, None),
    "openat2": (437, 437), "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None), "unlink": (87, None),
    "unlinkat": (263, 35), "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276), "link": (86, None),
    "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36), "truncate": (76, 45), "chmod": (90, None),
    "fchmodat": (268, 53), "mknod": (133, None), "mknodat": (259, 33), "chown": (92, None), "fchownat": (260, 54),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "shmget": (29, 194), "msgget": (68, 186), "utimensat": (280, 88),
}  # fmt: skip
# name -> (numbers, which argument holds flags, refused if one of these is set)
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
WRITING = {"open": ((2, None), 1, WRITES), "openat": ((257, 56), 2, WRITES)}
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # which number, and what the kernel calls it
CLONE, CLONE3, THREAD = (56, 220), 435, 0x10000  # a thread may be started, a process may not
EPERM, ENOSYS = 1, 38


def build_walls(way, folder, shown, limits, uid):
    """Shut this process in, for good.

    Args:
        way: "bubblewrap", "namespaces", "user", or "" for limits alone.
        folder: An empty folder, where a new root is put together.
        shown: Files and folders that stay readable there.
        limits: Name of a limit -> its value.
        uid: The user to become.
    """
    if way == "namespaces":
        new_root(folder, shown)
    elif way == "user":
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        os.chdir("/")
    try:
        import resource

        for name, limit in limits.items():
            resource.setrlimit(getattr(resource, name), (limit, limit))
    except ImportError:  # Windows has none
        pass
    if way:
        give_up_rights()
        refuse_calls()


def libc():
    """The C library, which sets `errno`."""
    return ctypes.CDLL(None, use_errno=True)


def check(result, what):
    """Raise OSError if a call of the C library failed."""
    if result:
        raise OSError(ctypes.get_errno(), what)


def new_root(folder, shown):
    """Make an empty, small root in which these files and folders can be read, and nothing else exists."""
    c, read_only, bind, recursive, private = libc(), 1, 4096, 16384, 1 << 18
    check(c.mount(None, b"/", None, recursive | private, None), "mount private")
    check(c.mount(b"tmpfs", folder.encode(), b"tmpfs", 6, b"size=1m,nr_inodes=2000,mode=755"), "mount tmpfs")
    for path in shown:
        inside = folder + path
        os.makedirs(os.path.dirname(inside), exist_ok=True)  # noqa: PTH103, PTH120 - a process that starts in no time
        if os.path.islink(path):  # noqa: PTH114
            os.symlink(os.readlink(path), inside)  # noqa: PTH115, PTH211
            continue
        if os.path.isdir(path):  # noqa: PTH112
            os.makedirs(inside, exist_ok=True)  # noqa: PTH103
        else:
            open(inside, "w").close()  # noqa: PTH123
        check(c.mount(path.encode(), inside.encode(), None, bind | recursive, None), path)
        kept = os.statvfs(path).f_flag & 0x0F  # what a mount forbids already cannot be allowed again
        check(c.mount(None, inside.encode(), None, bind | 32 | read_only | kept, None), path)
    os.chdir(folder)
    check(c.pivot_root(b".", b"."), "pivot_root")
    check(c.umount2(b".", 2), "umount the old root")
    os.chdir("/")


def give_up_rights():
    """Give up what a superuser may, also for later."""
    c = libc()
    for right in range(64):
        c.prctl(24, right, 0, 0, 0)  # PR_CAPBSET_DROP; refused where there is nothing to give up
    header, nothing = struct.pack("II", 0x20080522, 0), struct.pack("6I", *[0] * 6)
    check(c.capset(header, nothing), "capset")
    check(c.prctl(38, 1, 0, 0, 0), "no new privileges")


def refuse_calls():
    """Have the kernel refuse what a function that computes something does not need (seccomp)."""
    column, kind = MACHINES[os.uname().machine]
    program = [(0x20, 0, 0, 4), (0x15, 1, 0, kind), no(EPERM), (0x20, 0, 0, 0), (0x35, 0, 1, 0x40000000), no(EPERM)]
    for numbers in REFUSED.values():
        if numbers[column] is not None:
            program += [(0x15, 0, 1, numbers[column]), no(EPERM)]
    for numbers, argument, flags in WRITING.values():
        if numbers[column] is not None:
            program += [(0x15, 0, 4, numbers[column]), (0x20, 0, 0, 16 + 8 * argument), (0x45, 0, 1, flags), no(EPERM)]
            program += [(0x06, 0, 0, 0x7FFF0000)]
    program += [(0x15, 0, 1, CLONE3), no(ENOSYS)]
    program += [(0x15, 0, 3, CLONE[column]), (0x20, 0, 0, 16), (0x45, 1, 0, THREAD), no(EPERM)]
    program += [(0x06, 0, 0, 0x7FFF0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    whole = struct.pack("HP", len(program), ctypes.addressof(code))
    check(libc().prctl(22, 2, whole, 0, 0), "seccomp")


def no(errno):
    """An instruction that refuses a call with an error."""
    return (0x06, 0, 0, 0x00050000 | errno)


def inside(given):
    """What the process runs: walls, then its part.

    Args:
        given: JSON: the part ("judge" or "answer"), the arguments of `build_walls`, and for the judge two files.
    """
    job = json.loads(given)
    into, out = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    build_walls(**job["walls"])
    if job["part"] == "answer":
        return serve(Line(os.fdopen(into, "rb"), os.fdopen(out, "wb"), doings()))
    asked = json.loads(os.fdopen(into, "rb").read())
    line = Line(os.fdopen(job["line"][0], "rb"), os.fdopen(job["line"][1], "wb"), {"call": call})
    passed = judge(line, asked["code"], asked["tests"])
    return os.write(out, str(passed).encode())
