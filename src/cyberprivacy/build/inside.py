"""The child of `sandbox`: hides the host, gives up every privilege over it, then runs the commands.

Run as a script (`python -I -S inside.py`), never imported: it needs the standard library only, and nothing
of the node's memory or environment comes with it. One JSON document on standard input says what to do; the
result leaves on standard output, messages on standard error. Three processes take part:

    helper (host pid namespace)  writes the user map of its child, waits, passes on its exit code
      └ pid 1 of the new namespaces: builds the view of files as real root, detaches the host's, then enters
        a user namespace in which it is root over nothing but that view, and reaps whatever the commands leave
          └ the commands, one after the other

Order matters. Mounts, network and process namespaces belong to the host's user namespace and are finished
before the child loses its privileges, so that nothing inside can undo them; only the last mount namespace
belongs to the child, and in it every inherited mount is locked (mount_namespaces(7), "Restrictions").
"""

# Calls of the kernel stand under their own names, and every path here is one of the view:
# ruff: noqa: PTH101, PTH102, PTH112, PTH123, PTH211, S103, S108

import ctypes
import json
import os
import resource
import signal
import stat
import sys
from collections.abc import Iterator
from typing import Any, Final

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x1000, 0x4000, 0x40000
MNT_DETACH, AT_FDCWD, AT_RECURSIVE, SYS_MOUNT_SETATTR = 2, -100, 0x8000, 442
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, KEYCTL_JOIN_SESSION_KEYRING = 1, 38, 1
OOM_SCORE: Final = "500"  # when memory is short, builds go before what serves people
IDS: Final = 65536
DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")
SETUP_FAILED, COMMAND_FAILED, NO_RESULT = 10, 11, 12  # exit codes that `sandbox` reads

LIBC = ctypes.CDLL(None, use_errno=True)


def check(answer: int, what: str) -> None:
    """Turn a libc failure into an OSError that says what was tried."""
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """Mount a file system, or bind what is mounted already to a second place."""
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, options)]
    check(LIBC.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]), f"mount {target}")


def lock_down(path: str, flags: int) -> None:
    """Add mount attributes to a mount and everything below it: mount_setattr(2), Linux 5.12."""
    attributes = (ctypes.c_uint64 * 4)(flags, 0, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    call = LIBC.syscall(
        SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(path), ctypes.c_uint(AT_RECURSIVE), attributes, size
    )
    check(call, f"mount_setattr {path}")


def forget_keys() -> None:
    """Leave the kernel keyring of whoever started us; its keys would be readable to its possessors."""
    number = {"x86_64": 250, "aarch64": 219}.get(os.uname().machine)
    if number is not None:
        LIBC.syscall(number, KEYCTL_JOIN_SESSION_KEYRING, None)  # kernels without keyrings have nothing to leave


def die_with_parent() -> None:
    """Ask the kernel to kill us when our parent is gone; a change of credentials clears it."""
    check(LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")


class View:
    """The file tree that the commands will see, built on a tmpfs of bounded size."""

    def __init__(self, root: str, owner: int, size: int) -> None:
        self.root, self.owner = root, owner
        mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, f"size={size},mode=0755,uid={owner},gid={owner}")

    def at(self, inside: str) -> str:
        """Where a path of the view is for now, with its parent directories made."""
        here = self.root
        for part in inside.strip("/").split("/")[:-1]:
            here = self._made(f"{here}/{part}")
        return f"{self.root}/{inside.strip('/')}"

    def _made(self, path: str) -> str:
        if not os.path.lexists(path):
            os.mkdir(path, 0o755)
            os.chown(path, self.owner, self.owner)
        return path

    def folder(self, inside: str, mode: int = 0o755) -> None:
        """An empty directory that the commands may write to."""
        os.chmod(self._made(self.at(inside)), mode)

    def text(self, inside: str, content: str) -> None:
        """A small file."""
        with open(self.at(inside), "x", encoding="utf-8") as file:
            file.write(content)

    def link(self, inside: str, target: str) -> None:
        """A symbolic link."""
        os.symlink(target, self.at(inside))

    def bind(self, source: str, inside: str, flags: int) -> None:
        """A file or directory of the host, with mount flags that nobody inside can take back."""
        target = self.at(inside)
        if os.path.isdir(source):
            self._made(target)
        else:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL, 0o644))
        mount(source, target, None, MS_BIND | MS_REC)
        lock_down(target, flags)

    def copy(self, source: str, inside: str, epoch: int) -> None:
        """A tree of the host, copied with the metadata that every builder gives it.

        Modes 0644 and 0755, all times `epoch`; only plain files and directories exist in a bundle.
        """
        target = self.at(inside)
        os.mkdir(target, 0o755)
        folders = [target]
        for entry, there in walk(source, target):
            if entry.is_dir(follow_symlinks=False):
                os.mkdir(there, 0o755)
                folders.append(there)
                continue
            if not entry.is_file(follow_symlinks=False):
                raise OSError(f"neither a file nor a directory: {entry.path}")
            runs = entry.stat(follow_symlinks=False).st_mode & stat.S_IXUSR
            with open(entry.path, "rb") as one, open(there, "xb") as other:
                while part := one.read(1 << 20):
                    other.write(part)
            os.chmod(there, 0o755 if runs else 0o644)
            os.chown(there, self.owner, self.owner)
            os.utime(there, (epoch, epoch))
        for folder in reversed(folders):
            os.chmod(folder, 0o755)
            os.chown(folder, self.owner, self.owner)
            os.utime(folder, (epoch, epoch))

    def enter(self) -> None:
        """Make the view the root, and let go of the host's tree; pivot_root(2), `pivot_root(".", ".")`."""
        os.chdir(self.root)
        check(LIBC.pivot_root(b".", b"."), "pivot_root")
        check(LIBC.umount2(b".", MNT_DETACH), "umount2")
        os.chdir("/")


def walk(source: str, target: str) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Every entry below `source` with its place below `target`, parents first."""
    with os.scandir(source) as entries:
        for entry in entries:
            there = f"{target}/{entry.name}"
            yield entry, there
            if entry.is_dir(follow_symlinks=False):
                yield from walk(entry.path, there)


def build_view(spec: dict[str, Any]) -> None:
    """Mounts and files, as real root in a mount namespace of our own."""
    check(LIBC.unshare(NEWNS), "unshare")
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    view = View(spec["root"], spec["owner"], spec["disk"])
    view.folder("/proc")
    mount("proc", view.at("/proc"), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    view.folder("/dev")  # a mount of its own, as buildah mounts it again with flags that must not be fewer
    mount("tmpfs", view.at("/dev"), "tmpfs", MS_NOSUID | MS_NOEXEC, "size=64k,mode=0755")
    for device in DEVICES:
        view.bind(f"/dev/{device}", f"/dev/{device}", MS_NOSUID | MS_NOEXEC)
    for inside in spec["folders"]:
        view.folder(inside)
    view.folder("/tmp", 0o1777)
    view.folder("/dev/shm", 0o1777)
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        view.link(f"/dev/{name}", target)
    for inside, target in spec["links"].items():
        view.link(inside, target)
    for inside, content in spec["files"].items():
        view.text(inside, content)
    for inside, source in spec["copies"].items():
        view.copy(source, inside, spec["epoch"])
    for inside, source in spec["binds"].items():
        view.bind(source, inside, MS_RDONLY | MS_NOSUID | MS_NODEV)
    view.enter()


def give_up(spec: dict[str, Any], ready: int, mapped: int) -> None:
    """Enter the user namespace: root inside, an unprivileged user outside."""
    for name, value in spec["rlimits"].items():
        kind = getattr(resource, f"RLIMIT_{name.upper()}")
        hard = resource.getrlimit(kind)[1]
        soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (soft, soft))
    check(LIBC.unshare(NEWUSER | NEWNS), "unshare user")
    os.write(ready, b"r")
    if os.read(mapped, 1) != b"m":
        raise OSError("the helper is gone")
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    die_with_parent()
    os.write(ready, b"r")
    if os.read(mapped, 1) != b"m":  # the helper lived after we asked to die with it
        raise OSError("the helper is gone")
    os.close(ready)
    os.close(mapped)


def run(command: list[str], env: dict[str, str]) -> int:
    """Run one command to its end, and reap every orphan on the way, as pid 1 must."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, 2, 1),
    ]
    child = os.posix_spawn(command[0], command, env, file_actions=actions)
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def hand_over(path: str) -> None:
    """Send the result to standard output."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        raise OSError("the result is not a file")
    while part := os.read(file, 1 << 20):
        while part:
            part = part[os.write(1, part) :]


def first(spec: dict[str, Any], ready: int, mapped: int) -> int:
    """Pid 1 of the sandbox."""
    try:
        die_with_parent()
        LIBC.sethostname(b"build", 5)
        build_view(spec)
        give_up(spec, ready, mapped)
    except (OSError, ValueError) as problem:
        os.write(2, f"sandbox: {problem}\n".encode())
        return SETUP_FAILED
    for command in spec["commands"]:
        code = run(command, spec["env"])
        if code:
            os.write(2, f"sandbox: {' '.join(command[:2])} ended with {code}\n".encode())
            return COMMAND_FAILED
    if spec["result"]:
        try:
            hand_over(spec["result"])
        except OSError as problem:
            os.write(2, f"sandbox: no result: {problem}\n".encode())
            return NO_RESULT
    return 0


def main() -> int:
    """The helper: namespaces, user map, wait."""
    spec: dict[str, Any] = json.loads(sys.stdin.buffer.read())
    os.umask(0o022)
    die_with_parent()
    forget_keys()
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write(OOM_SCORE)
    child_says, ready = os.pipe()
    mapped, say = os.pipe()
    check(LIBC.unshare(NEWPID | NEWNET | NEWIPC | NEWUTS), "unshare")
    child = os.fork()
    if child == 0:
        os.close(child_says)
        os.close(say)
        os._exit(first(spec, ready, mapped))
    os.close(ready)
    os.close(mapped)
    if os.read(child_says, 1) == b"r":
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{child}/{name}", "w", encoding="ascii") as file:
                file.write(f"0 {spec['owner']} {IDS}")
        os.write(say, b"m")
        if os.read(child_says, 1) == b"r":
            os.write(say, b"m")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 255


if __name__ == "__main__":
    sys.exit(main())
