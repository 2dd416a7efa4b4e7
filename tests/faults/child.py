"""Work in a forked child that may be killed: everything is imported once, and every run is a process of its own."""

import json
import os
import select
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ending:
    """How a child ended: with a value, with an error, or killed."""

    value: Any = None
    error: str | None = None
    killed: bool = False


def in_child(work: Callable[[], Any], kill_after: float | None = None, patience: float = 300) -> Ending:
    """Call `work` in a child; its value comes back as JSON.

    Args:
        work: what to do.
        kill_after: seconds after which the child is killed with SIGKILL.
        patience: seconds after which it counts as hanging.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _work(work, writing)
    os.close(writing)
    deadline = time.monotonic() + (patience if kill_after is None else kill_after)
    said = b""
    hangs = False
    try:
        while True:
            ready, _, _ = select.select([reading], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                os.kill(child, signal.SIGKILL)
                hangs = kill_after is None
                break
            part = os.read(reading, 1 << 16)
            if not part:
                break
            said += part
    finally:
        os.close(reading)
        _, status = os.waitpid(child, 0)
    if hangs:
        return Ending(error=f"did not end within {patience} s")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return Ending(killed=True) if number == signal.SIGKILL else Ending(error=f"died of signal {number}")
    told = json.loads(said) if said else {"error": f"exit code {os.waitstatus_to_exitcode(status)}"}
    return Ending(told.get("value"), told.get("error"))


def _work(work: Callable[[], Any], writing: int) -> None:
    """In the child: never returns. The pipe is closed by the end of the process, killed or not."""
    os.set_inheritable(writing, False)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    try:
        told: dict[str, Any] = {"value": work()}
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        told = {"error": f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"}
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(json.dumps(told).encode())
    os._exit(0)
