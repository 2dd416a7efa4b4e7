"""A lock among machines that share object storage: who holds it keeps it fresh, and who stops loses it.

A lease is a numbered object. To take the lock is to create the number after the last one, which the storage lets one
process do (`If-None-Match: *`). A holder rewrites its object now and then; an object that did not change for a while
belongs to nobody any more. Only the waiter's own clock is read, so that clocks need not agree.
"""

import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import psutil
from upath import UPath

from videopasta_assets.lake.objects import (
    LakeError,
    create_object,
    objects_under,
    put_object,
    read_object,
    remove_objects,
)

logger = logging.getLogger(__name__)

EXPIRES_SECONDS: Final = 60.0
"""A lease of another machine that was not kept up for so long is taken over."""

_POLL_SECONDS: Final = 0.5
_WIDTH: Final = 9


class Lease:
    """A lock that this process holds."""

    def __init__(self, folder: UPath, number: int, what: str, beat_seconds: float) -> None:
        self._path = folder / _name(number)
        self._folder = folder
        self._what = what
        self._token = uuid.uuid4().hex
        self._beats = 0
        self._ended = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._keep_up, args=(beat_seconds,), daemon=True, name=f"lease {what}")

    def confirm(self) -> None:
        """See that the lock is still ours: before anything is replaced under it.

        Raises:
            LakeError: this process stood still for so long that another one took over.
        """
        if _numbers(self._folder)[-1:] != [int(self._path.name)]:
            raise LakeError(
                f"another run took over {self._what}, because this one stood still. What it had finished is journaled; "
                "run again."
            )

    def _content(self, *, released: bool = False) -> bytes:
        return json.dumps({**_me(), "token": self._token, "beats": self._beats, "released": released}).encode()

    def _take(self) -> bool:
        """Create the object, and see that nobody went on past its number meanwhile."""
        if not create_object(self._path, self._content()):
            return False
        numbers = _numbers(self._folder)
        if numbers[-1] != int(self._path.name):
            remove_objects(self._path)
            return False
        remove_objects(*(self._folder / _name(number) for number in numbers[:-1]))
        self._thread.start()
        return True

    def _release(self) -> None:
        self._ended.set()
        with self._writing:
            put_object(self._path, self._content(released=True))

    def _keep_up(self, beat_seconds: float) -> None:
        while not self._ended.wait(beat_seconds):
            with self._writing:
                if self._ended.is_set():
                    return
                self._beats += 1
                try:
                    put_object(self._path, self._content())
                except LakeError as error:  # the storage may come back before the lease expires
                    logger.warning("the lease of %s was not kept up: %s", self._what, error)


@contextmanager
def leased(folder: UPath, what: str, expires_seconds: float = EXPIRES_SECONDS) -> Iterator[Lease]:
    """Hold the lock `folder`, waiting until it is free.

    Args:
        folder: where its objects are.
        what: in words, for who waits.
        expires_seconds: after this time without a sign a holder is taken for gone; at once, if it was a process of
            this machine and is gone.

    Raises:
        LakeError: the storage cannot be reached.
    """
    seen: dict[str, Any] | None = None
    since = time.monotonic()
    told = False
    while True:
        last = (_numbers(folder) or [0])[-1]
        holder = _read(folder / _name(last)) if last else None
        if holder is not None and not holder["released"] and not _is_gone(holder):
            if holder != seen:
                seen, since = holder, time.monotonic()
            if time.monotonic() - since < expires_seconds:
                if not told:
                    logger.warning(
                        "another run (%s, process %s) works on %s: waiting for it", holder["host"], holder["pid"], what
                    )
                    told = True
                time.sleep(_POLL_SECONDS)
                continue
        lease = Lease(folder, last + 1, what, expires_seconds / 4)
        if lease._take():
            break
    try:
        yield lease
    finally:
        lease._release()


def _name(number: int) -> str:
    return f"{number:0{_WIDTH}d}"


def _numbers(folder: UPath) -> list[int]:
    return sorted(int(name) for name in objects_under(folder) if name.isdigit())


def _read(path: UPath) -> dict[str, Any] | None:
    """What a holder wrote; None when it is gone meanwhile."""
    try:
        found: dict[str, Any] = json.loads(read_object(path))
    except FileNotFoundError:
        return None
    return found


@cache
def _machine() -> str:
    """Names this kernel's process numbers: its boot, and the namespace that numbers processes."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - a link to no path
    except OSError:
        return uuid.uuid4().hex  # nobody is known to be gone


def _me() -> dict[str, Any]:
    started = psutil.Process().create_time()
    return {"host": socket.gethostname(), "machine": _machine(), "pid": os.getpid(), "started": started}


def _is_gone(holder: dict[str, Any]) -> bool:
    """The holder was a process of this machine, and there is no such process any more."""
    if holder["machine"] != _machine():
        return False
    try:
        process = psutil.Process(holder["pid"])
        return bool(process.create_time() != holder["started"] or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
