"""Decoding in a process that may die.

A hostile or broken file can crash, hang or bloat a decoder. So files that nobody vouches for are probed and read
in a worker process: it is started once, takes one request after another, and is killed when one exceeds its time.
Then the file is an `UnreadableVideo`, and the next request starts a new worker. Both sides speak JSON, and
frames pass through an anonymous file, never pickle: a decoder that was taken over cannot run code here.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.errors import VideoPastaError
from videopasta_assets.video.guard import DEFAULT_LIMITS, MediaLimits, UnreadableVideo
from videopasta_assets.video.probe import VideoInfo

SECONDS_PER_MEGABYTE: Final = 1.0
MAX_SECONDS: Final = 3600.0
MEMORY_BYTES: Final = 8 << 30
_START_SECONDS: Final = 60.0
_RETIRE_AFTER: Final = 5000
"""Requests after which a worker is replaced: on broken files FFmpeg loses a few kilobytes each."""
_KEEP_BYTES: Final = 256 << 20
"""A bigger exchange file is given back after use."""
_NONSENSE: Final = "the decoder gave an answer without sense on this file and was stopped"
_PROGRAM: Final = "from videopasta_assets.video.worker_process import serve; serve()"


class DecodeWorker:
    """One worker process, started on first use. Calls from several threads take turns."""

    def __init__(self, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection[Any, Any] | None = None
        self._frames_file = -1
        self._answered = 0
        self._owner = os.getpid()
        self._finalizer: weakref.finalize[Any, Any] | None = None

    @property
    def process_id(self) -> int | None:
        """The running worker's process id."""
        return None if self._process is None else self._process.pid

    def call(self, operation: str, arguments: dict[str, Any], seconds: float) -> tuple[Any, NDArray[np.uint8]]:
        """The worker's JSON result and the bytes of its array for one request.

        Raises:
            UnreadableVideo: the worker says so, exceeds `seconds`, or dies of the file.
            VideoPastaError: the worker cannot be started.
        """
        with self._lock:
            connection = self._connected()
            request = {"operation": operation, "seconds": seconds, "arguments": arguments}
            try:
                connection.send_bytes(json.dumps(request).encode())
                if not connection.poll(seconds):
                    self._kill()
                    raise UnreadableVideo(f"decoding took longer than {seconds:g} s and was stopped")
                reply = json.loads(connection.recv_bytes())
                payload = _contents(self._frames_file, int(reply.get("bytes", 0)))
            except (EOFError, OSError) as error:
                raise UnreadableVideo(self._cause_of_death()) from error
            except (ValueError, TypeError, AttributeError, MemoryError) as error:
                self._kill()
                raise UnreadableVideo(_NONSENSE) from error
            except BaseException:
                # An interrupt between request and reply would leave the next caller with this one's frames.
                self._kill()
                raise
            self._answered += 1
            if self._answered >= _RETIRE_AFTER:
                self._kill()
        if "unreadable" in reply:
            raise UnreadableVideo(reply["unreadable"])
        if "failure" in reply:
            raise UnreadableVideo(
                f"decoding failed in a way that nobody foresaw ({reply['failure']}); please report it"
            )
        return reply["result"], payload

    def close(self) -> None:
        """End the process; a later call starts another."""
        with self._lock:
            self._kill()

    def _connected(self) -> "Connection[Any, Any]":
        if self._owner != os.getpid():  # after a fork the worker is our parent's
            self._process = self._connection = None
            self._owner = os.getpid()
        if self._connection is not None and self._process is not None and self._process.poll() is None:
            return self._connection
        self._kill()
        ours, theirs = Pipe()
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
        frames_file = _anonymous_file()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, str(theirs.fileno()), str(frames_file), str(self._memory_bytes)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), frames_file),
                env=environment,
            )
        self._process, self._connection, self._frames_file = process, ours, frames_file
        self._answered = 0
        self._finalizer = weakref.finalize(self, _end, process, ours, frames_file, os.getpid())
        try:
            ready = ours.poll(_START_SECONDS) and ours.recv_bytes() == b"ready"
        except (EOFError, OSError):
            ready = False
        if not ready:
            self._kill()
            raise VideoPastaError("the decoder's process does not start; `videopasta doctor` may tell why")
        return ours

    def _kill(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._process = self._connection = self._finalizer = None

    def _cause_of_death(self) -> str:
        code = None
        if self._process is not None:
            try:
                code = self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                code = None
        self._kill()
        if code is not None and code < 0:
            if -code == signal.SIGKILL:
                return "decoding was killed by the system, probably for using too much memory"
            if -code == signal.SIGALRM:
                return "decoding took too long and was stopped"
            return f"the decoder crashed on this file ({signal.Signals(-code).name})"
        return "the decoder stopped in the middle of this file"


@lru_cache(maxsize=1)
def shared_worker() -> DecodeWorker:
    """The worker that this process shares by default."""
    return DecodeWorker()


class Caller(Protocol):
    """Has a worker process do something: a `DecodeWorker`, or a pool of them."""

    def call(self, operation: str, arguments: dict[str, Any], seconds: float) -> tuple[Any, NDArray[np.uint8]]:
        """See `DecodeWorker.call`."""
        ...


def probe_safely(
    path: Path,
    roots: Sequence[Path],
    limits: MediaLimits = DEFAULT_LIMITS,
    *,
    worker: Caller | None = None,
) -> VideoInfo:
    """`probe` in a worker process, so that no file can crash or hang the caller.

    Raises:
        UnreadableVideo: as `probe`; also when the decoder crashes or exceeds its time.
        VideoPastaError: the worker cannot be started, which is no fault of the file.
    """
    arguments = {"path": str(path.absolute()), "roots": _texts(roots), "limits": asdict(limits)}
    facts, pts = (worker or shared_worker()).call("probe", arguments, allowance(path, limits))
    facts["keyframes"] = tuple(facts["keyframes"])
    return VideoInfo(**facts, path=path, pts=pts.view(np.float64))


class IsolatedReader:
    """A `FrameReader` whose decoder runs in a worker process; it can be killed, and so never hangs.

    `workers` is how many reads make progress at once.
    """

    def __init__(
        self,
        decoder: str,
        roots: Sequence[Path],
        *,
        limits: MediaLimits = DEFAULT_LIMITS,
        threads: int = 1,
        worker: Caller | None = None,
        workers: int = 1,
    ) -> None:
        self._decoder = decoder
        self._limits = limits
        self.workers = workers
        self._worker = worker or shared_worker()
        self._settings = {"decoder": decoder, "roots": _texts(roots), "limits": asdict(limits), "threads": threads}

    @property
    def name(self) -> str:
        """The decoder, as provenance records it."""
        return self._decoder

    def read(
        self,
        path: Path,
        indices: Sequence[int],
        *,
        max_side: int | None = None,
        timestamps: Sequence[float] | None = None,
    ) -> NDArray[np.uint8]:
        """See `FrameReader.read`."""
        arguments = {
            **self._settings,
            "path": str(path.absolute()),
            "indices": [int(index) for index in indices],
            "max_side": max_side,
            "timestamps": None if timestamps is None else [float(second) for second in timestamps],
        }
        shape, pixels = self._worker.call("read", arguments, allowance(path, self._limits))
        try:
            return pixels.reshape(shape)
        except (ValueError, TypeError) as error:
            raise UnreadableVideo(_NONSENSE) from error


def allowance(path: Path, limits: MediaLimits) -> float:
    """Seconds that decoding `path` may take: a base, more for each megabyte, and never over `MAX_SECONDS`."""
    try:
        megabytes = path.stat().st_size / 1e6
    except (OSError, ValueError):  # the worker will say what is wrong with it
        megabytes = 0
    return min(limits.decode_seconds + megabytes * SECONDS_PER_MEGABYTE, MAX_SECONDS)


def _texts(roots: Sequence[Path]) -> list[str]:
    return [str(root.absolute()) for root in roots]


def _end(process: "subprocess.Popen[bytes]", connection: "Connection[Any, Any]", frames_file: int, owner: int) -> None:
    connection.close()
    os.close(frames_file)
    if owner == os.getpid():
        process.kill()
        process.wait()


def _anonymous_file() -> int:
    """Descriptor of a file in memory that no name leads to."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("frames")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _contents(descriptor: int, size: int) -> NDArray[np.uint8]:
    """The file's first `size` bytes. Read, not mapped: the worker could shorten a mapped file under our feet."""
    data = np.empty(size, dtype=np.uint8)
    view = data.data
    done = 0
    while done < size:
        count = os.preadv(descriptor, [view[done:]], done)
        if count == 0:
            raise EOFError
        done += count
    if size > _KEEP_BYTES:
        os.ftruncate(descriptor, 0)
    return data
