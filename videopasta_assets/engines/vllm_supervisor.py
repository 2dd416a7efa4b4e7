"""Keeps one vLLM server: starts it, watches who uses it, and stops it when nobody does.

It runs as a process of its own, by path and with the standard library alone: `python vllm_supervisor.py FOLDER`.
The folder holds

    command.json     what to run: `command`, `idle_seconds`; its environment is this process's own
    users.lock       every process that uses the server holds a shared lock on it
    supervisor.lock  held while this process lives
    state.json       process ids, and how the server ended
    server.log       what the server says

Locks are the kernel's: a user that is killed lets go of its own. So a server outlives the run that started it, and
serves the next one, but never the last of its users by more than `idle_seconds`. If this process is killed, the
kernel ends the server with it (Linux).
"""

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn

COMMAND: Final = "command.json"
STATE: Final = "state.json"
LOG: Final = "server.log"
USERS: Final = "users.lock"
SUPERVISOR: Final = "supervisor.lock"

_LOOK_SECONDS: Final = 0.5
_ALONE_SECONDS: Final = 2.0
_SHUTDOWN_SECONDS: Final = 20.0
_SET_PARENT_DEATH_SIGNAL: Final = 1
_ENDING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Stopped(BaseException):
    """Somebody asked this process to end."""


def supervise(folder: Path) -> None:
    """Run the folder's command until it ends, somebody asks for it, or nobody has used it for long enough."""
    with _alone(folder):
        for signum in _ENDING:
            signal.signal(signum, _stop)
        asked = json.loads((folder / COMMAND).read_text())
        with (folder / LOG).open("ab") as log:
            server = subprocess.Popen(
                asked["command"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - there is one thread here
            )
        _write(folder, {"supervisor": os.getpid(), "server": server.pid})
        try:
            _wait(folder, server, float(asked["idle_seconds"]))
        except _Stopped:
            pass
        finally:
            for signum in _ENDING:
                signal.signal(signum, signal.SIG_IGN)
            _end(server)
            _write(folder, {"ended": server.returncode})


def _wait(folder: Path, server: "subprocess.Popen[bytes]", idle_seconds: float) -> None:
    used = time.monotonic()
    while server.poll() is None:
        with try_lock(folder / USERS, fcntl.LOCK_EX) as unused:
            if not unused:
                used = time.monotonic()
            elif time.monotonic() - used >= idle_seconds:
                # Under the lock: whoever wants the server now waits, and then finds that it is gone.
                _end(server)
                return
        time.sleep(_LOOK_SECONDS)


def _end(server: "subprocess.Popen[bytes]") -> None:
    """End the server and all that it started: politely, then not."""
    with contextlib.suppress(ProcessLookupError):
        server.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(_SHUTDOWN_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the supervisor's lock. Others look at it for a moment now and then, and a second supervisor ends here."""
    deadline = time.monotonic() + _ALONE_SECONDS
    while True:
        with try_lock(folder / SUPERVISOR, fcntl.LOCK_EX) as alone:
            if alone:
                yield
                return
        if time.monotonic() > deadline:
            sys.exit("another supervisor runs")
        time.sleep(0.01)


class try_lock:  # noqa: N801 - used as a function
    """A lock that is taken if it is free: gives whether it was."""

    def __init__(self, path: Path, kind: int) -> None:
        self._path = path
        self._kind = kind
        self._descriptor = -1

    def __enter__(self) -> bool:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._descriptor, self._kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def __exit__(self, *error: object) -> None:
        os.close(self._descriptor)


def _write(folder: Path, state: dict[str, Any]) -> None:
    temporary = folder / f"{STATE}.new"
    temporary.write_text(json.dumps(state))
    temporary.replace(folder / STATE)


def _die_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _stop(signum: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - a signal handler's signature
    raise _Stopped


if __name__ == "__main__":
    supervise(Path(sys.argv[1]))
