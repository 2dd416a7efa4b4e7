"""The other side of `worker`: what runs inside the decoding process. It must never import torch."""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.video.decord_reader import DecordReader
from videopasta_assets.video.guard import MediaLimits, UnreadableVideo
from videopasta_assets.video.probe import probe
from videopasta_assets.video.pyav_reader import PyavReader

_GRACE_SECONDS: Final = 5
_TOO_MUCH_MEMORY: Final = "decoding this video needs too much memory; ask for fewer or smaller frames"


def serve() -> None:
    """Answer requests until the connection closes.

    Arguments of the process: descriptor of the connection, descriptor of the file that arrays go into, memory limit.
    """
    connection: Connection[Any, Any] = Connection(int(sys.argv[1]))
    frames_file, memory = int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for our parent, which then ends us
    connection.send_bytes(b"ready")
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        # Should our parent be gone, nobody else would end a decoder that hangs.
        signal.alarm(int(request["seconds"]) + _GRACE_SECONDS)
        reply, payload = _answer(request)
        done = 0
        while done < len(payload):
            done += os.pwrite(frames_file, payload[done:], done)
        connection.send_bytes(json.dumps(reply).encode())
        signal.alarm(0)


def _answer(request: dict[str, Any]) -> tuple[dict[str, Any], memoryview]:
    operations: dict[str, Callable[..., tuple[Any, memoryview]]] = {"probe": _probe, "read": _read}
    try:
        result, payload = operations[request["operation"]](**request["arguments"])
    except UnreadableVideo as error:
        return {"unreadable": error.reason}, memoryview(b"")
    except MemoryError:
        return {"unreadable": _TOO_MUCH_MEMORY}, memoryview(b"")
    except Exception as error:  # the boundary of the process: whatever it was, the caller has to hear of it
        return {"failure": f"{type(error).__name__}: {error}"}, memoryview(b"")
    return {"result": result, "bytes": len(payload)}, payload


def _probe(path: str, roots: list[str], limits: dict[str, Any]) -> tuple[dict[str, Any], memoryview]:
    info = probe(Path(path), [Path(root) for root in roots], MediaLimits(**limits))
    facts = {key: value for key, value in asdict(info).items() if key not in ("path", "pts")}
    return facts, _raw(info.pts)


def _read(
    path: str,
    indices: list[int],
    max_side: int | None,
    timestamps: list[float] | None,
    **settings: Any,
) -> tuple[list[int], memoryview]:
    reader = _reader(json.dumps(settings, sort_keys=True))
    frames = reader.read(Path(path), indices, max_side=max_side, timestamps=timestamps)
    return list(frames.shape), _raw(frames)


@lru_cache(maxsize=8)
def _reader(settings: str) -> PyavReader | DecordReader:
    parsed = json.loads(settings)
    roots = [Path(root) for root in parsed["roots"]]
    limits = MediaLimits(**parsed["limits"])
    if parsed["decoder"] == "decord":
        return DecordReader(roots, limits=limits)
    return PyavReader(roots, limits=limits, threads=parsed["threads"] or os.cpu_count() or 1)


def _raw(values: NDArray[np.float64] | NDArray[np.uint8]) -> memoryview:
    return memoryview(np.ascontiguousarray(values).data).cast("B")
