"""Kill this process, or fill its disk, at its n-th change of a file.

Everything that changes files under a folder is counted: opening for writing, writing, syncing, renaming and removing.
At the chosen point the process kills itself before the change, in the middle of it (a write gets half its bytes), or
after it; or the disk is full from then on, and a write still gets half its bytes. Only tests use this; the product
knows nothing of it.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable
from mmap import mmap
from pathlib import Path
from typing import Any, Literal

Moment = Literal["before", "half", "after", "full"]

_DESCRIPTOR_CALLS = ("write", "pwrite", "fsync", "ftruncate")
_NEED_SPACE = ("write", "pwrite", "mkdir")
_PATH_CALLS = ("replace", "rename", "unlink", "remove", "rmdir", "mkdir")


class Beacon:
    """Memory that parent and child share: how many changes there were, and in which phase the run is."""

    def __init__(self) -> None:
        self._memory = mmap(-1, 128)

    def clear(self) -> None:
        self._memory[:] = bytes(128)

    @property
    def changes(self) -> int:
        return int.from_bytes(self._memory[:8], "little")

    def count(self) -> int:
        """One more change; returns its number, from 1."""
        number = self.changes + 1
        self._memory[:8] = number.to_bytes(8, "little")
        return number

    @property
    def phase(self) -> str:
        return bytes(self._memory[8:128]).rstrip(b"\0").decode()

    @phase.setter
    def phase(self, name: str) -> None:
        self._memory[8:128] = name.encode().ljust(120, b"\0")


class CrashPoints:
    """Counts the changes under `root`, and dies at number `at`; with `at` None it only counts.

    Args:
        root: folder whose files count.
        beacon: where changes and phases are told.
        at: number of the change to die at.
        moment: when, relative to that change.
        record: descriptor of a list of all changes, each with its phase.
    """

    def __init__(
        self, root: Path, beacon: Beacon, at: int | None = None, moment: Moment = "before", record: int | None = None
    ) -> None:
        self._root = str(root)
        self._beacon = beacon
        self._at = at
        self._moment = moment
        self._record = record
        self._write = os.write
        self._inside = False

    def install(self) -> None:
        """From now on; there is no way back: the process is expendable."""
        for name in _DESCRIPTOR_CALLS:
            setattr(os, name, self._wrapped(getattr(os, name), self._path_of_descriptor, name))
        for name in _PATH_CALLS:
            setattr(os, name, self._wrapped(getattr(os, name), lambda path, *_, **__: os.fspath(path), name))
        sys.addaudithook(self._opened)

    def point(self, name: str) -> None:
        """A point that is no change of a file, such as an optimizer step."""
        if self._due(name) and self._moment != "full":
            self._die()

    def _wrapped(self, call: Callable[..., Any], path_of: Callable[..., str], name: str) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            if self._inside or not str(path_of(*arguments, **named)).startswith(self._root) or not self._due(name):
                return call(*arguments, **named)
            if self._moment == "full":
                if name not in _NEED_SPACE:
                    return call(*arguments, **named)
                if name == "write" and len(arguments[1]) > 1 and self._beacon.changes == self._at:
                    return call(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if self._moment == "half" and name == "write":
                call(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            elif self._moment == "after":
                call(*arguments, **named)
            self._die()
            return None

        return counted

    def _opened(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or self._inside:
            return
        path, mode, flags = arguments
        writes = (mode is not None and any(letter in mode for letter in "wax+")) or (
            mode is None and flags & (os.O_WRONLY | os.O_RDWR)
        )
        if writes and isinstance(path, str) and path.startswith(self._root) and self._due("open"):
            if self._moment == "full":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._die()

    def _due(self, name: str) -> bool:
        number = self._beacon.count()
        if self._record is not None:
            self._inside = True
            self._write(self._record, f"{self._beacon.phase} {name}\n".encode())
            self._inside = False
        if self._moment == "full":
            return self._at is not None and number >= self._at
        return number == self._at

    def _path_of_descriptor(self, descriptor: int, *_: Any, **__: Any) -> str:
        try:
            return str(Path(f"/proc/self/fd/{descriptor}").readlink())
        except OSError:
            return ""

    @staticmethod
    def _die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def follow_phases(beacon: Beacon) -> None:
    """Tell the beacon which phase this process is in, by the locks that it takes and the files that it writes."""
    from videopasta_assets.lake import Lake

    lock, write_file = Lake.lock, Lake.write_file

    def locked(lake: Lake, address: Any) -> Any:
        beacon.phase = address.shard if address.shard == "landing" else address.table
        return lock(lake, address)

    def written(lake: Lake, relative: str, content: bytes) -> Path:
        if relative.startswith("models/"):
            beacon.phase = "models"
        return write_file(lake, relative, content)

    Lake.lock = locked  # type: ignore[method-assign,assignment]
    Lake.write_file = written  # type: ignore[method-assign]


def follow_steps(points: CrashPoints, ledger: int) -> None:
    """Count optimizer steps in the ledger; each may be a crash point too."""
    from videopasta_assets.training.dpo_trainer import VideoDPOTrainer

    step = VideoDPOTrainer.training_step

    def counted(trainer: Any, *arguments: Any, **named: Any) -> Any:
        points.point("step")
        points._write(ledger, f"{trainer.state.global_step}\n".encode())
        return step(trainer, *arguments, **named)

    VideoDPOTrainer.training_step = counted
