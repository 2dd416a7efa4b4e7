"""Work in a forked child that may be killed: everything is imported once, and every run is a process of its own."""

import faulthandler
import json
import os
import select
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_LOOK_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Ending:
    """How a child ended: with a value, with an error, or killed."""

    value: Any = None
    error: str | None = None
    killed: bool = False


def in_child(work: Callable[[], Any], kill_after: float | None = None, patience: float = 120) -> Ending:
    """Call `work` in a child and wait for it: see `Child`."""
    return Child(work).wait(kill_after, patience)


class Child:
    """A process that calls `work` from now on; its value comes back as JSON."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._reading, writing = os.pipe()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed once the child is gone
        self._process = os.fork()
        if self._process == 0:
            os.close(self._reading)
            _work(work, writing, self._complaints.fileno())
        os.close(writing)

    def wait(self, kill_after: float | None = None, patience: float = 120) -> Ending:
        """How it ended.

        Args:
            kill_after: seconds from now after which it is killed with SIGKILL.
            patience: seconds without any processor time after which it counts as hanging.
        """
        said, hangs = self._listen(kill_after, patience)
        os.close(self._reading)
        _, status = os.waitpid(self._process, 0)
        with self._complaints as complaints:
            complaints.seek(0)
            last_words = complaints.read()[-4000:].decode(errors="replace")
        if hangs:
            return Ending(error=f"hung for {patience} s: {last_words}")
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            return Ending(killed=True) if number == signal.SIGKILL else Ending(error=f"signal {number}: {last_words}")
        told = json.loads(said) if said else {"error": f"exit code {os.waitstatus_to_exitcode(status)}: {last_words}"}
        return Ending(told.get("value"), told.get("error"))

    def _listen(self, kill_after: float | None, patience: float) -> tuple[bytes, bool]:
        said = b""
        deadline = None if kill_after is None else time.monotonic() + kill_after
        worked, since = 0.0, time.monotonic()
        while True:
            left = _LOOK_SECONDS if deadline is None else max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self._reading], [], [], left)
            if ready:
                part = os.read(self._reading, 1 << 16)
                if not part:
                    return said, False
                said += part
            elif deadline is not None:
                os.kill(self._process, signal.SIGKILL)
                return said, False
            elif (now := _processor_seconds(self._process)) > worked:
                worked, since = now, time.monotonic()
            elif time.monotonic() - since > patience:
                os.kill(self._process, signal.SIGABRT)  # it says where it hangs
                return said, True


def _processor_seconds(child: int) -> float:
    fields = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _work(work: Callable[[], Any], writing: int, complaints: int) -> None:
    """In the child: never returns. The pipe is closed by the end of the process, killed or not."""
    os.set_inheritable(writing, False)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(complaints, 2)
    faulthandler.enable(2)
    try:
        told: dict[str, Any] = {"value": work()}
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        told = {"error": f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"}
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(json.dumps(told).encode())
    os._exit(0)
