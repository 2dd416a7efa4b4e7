"""Several decoding processes, so that several clips are decoded at once."""

import os
import threading
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.video.worker import DecodeWorker, shared_worker

MOST_WORKERS: Final = 8
"""By default: one model is rarely quicker than eight decoders, and each may need memory."""


def usual_workers() -> int:
    """One process for each core that this process may use, at most `MOST_WORKERS`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, MOST_WORKERS))


class WorkerPool:
    """Worker processes, each started when all before it are busy. Any number of threads may call.

    Args:
        size: processes at most.
        first: one of them, in use elsewhere perhaps.
    """

    def __init__(self, size: int, *, first: DecodeWorker | None = None) -> None:
        self.size = size
        self._workers = [first or DecodeWorker(), *(DecodeWorker() for _ in range(size - 1))]
        self._free = list(reversed(self._workers))
        self._returned = threading.Condition()
        self._latest: dict[DecodeWorker, str] = {}

    @property
    def process_ids(self) -> list[int]:
        """Of the processes that are running."""
        return [worker.process_id for worker in self._workers if worker.process_id is not None]

    def call(self, operation: str, arguments: dict[str, Any], seconds: float) -> tuple[Any, NDArray[np.uint8]]:
        """See `DecodeWorker.call`; waits while all are busy."""
        worker = self._taken(arguments.get("path", ""))
        try:
            return worker.call(operation, arguments, seconds)
        finally:
            with self._returned:
                self._free.append(worker)
                self._returned.notify()

    def _taken(self, path: str) -> DecodeWorker:
        """A free worker: the one that knows the file's index, else the one that was busy last, which is started."""
        with self._returned:
            while not self._free:
                self._returned.wait()
            known = (place for place, worker in enumerate(self._free) if self._latest.get(worker) == path)
            worker = self._free.pop(next(known, -1))
            self._latest[worker] = path
            return worker

    def close(self) -> None:
        """End the processes; a later call starts others."""
        for worker in self._workers:
            worker.close()


@lru_cache
def shared_pool(size: int) -> WorkerPool:
    """The pool of that size that this process shares; the shared worker, which probes, is its first."""
    return WorkerPool(size, first=shared_worker())
