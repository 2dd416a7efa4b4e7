"""Frame readers behind one protocol: exact frames by index, or an error; never other frames."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.errors import UserError
from videopasta_assets.video.guard import DEFAULT_LIMITS, MediaLimits
from videopasta_assets.video.pyav_reader import PyavReader
from videopasta_assets.video.worker import IsolatedReader
from videopasta_assets.video.worker_pool import shared_pool

DecoderName = Literal["auto", "pyav", "decord"]
DECODERS: Final[tuple[DecoderName, ...]] = ("auto", "pyav", "decord")
EXACT: Final[DecoderName] = "pyav"
"""The reader that `auto` stands for, and that any other one is compared with."""


@runtime_checkable
class FrameReader(Protocol):
    """Decodes chosen frames of local files."""

    @property
    def name(self) -> str:
        """The decoder, as provenance records it."""
        ...

    def read(
        self,
        path: Path,
        indices: Sequence[int],
        *,
        max_side: int | None = None,
        timestamps: Sequence[float] | None = None,
    ) -> NDArray[np.uint8]:
        """Frames `indices` of `path`, (T, H, W, 3) uint8 RGB, upright, in the order asked for.

        `max_side` shrinks pictures whose longer side is more (pixels). With `timestamps` (seconds from the first
        frame, one an index) the file must show those frames at those times.

        Raises:
            UnreadableVideo: the file cannot be read, lacks a frame, or shows it at another time than planned.
        """
        ...


def parallel_reads(reader: FrameReader) -> int:
    """How many reads of `reader` make progress at once: the worker processes behind it, or 1."""
    return int(getattr(reader, "workers", 1))


def get_reader(
    name: DecoderName,
    roots: Sequence[Path],
    *,
    isolate: bool = True,
    limits: MediaLimits = DEFAULT_LIMITS,
    threads: int = 1,
    workers: int = 1,
) -> FrameReader:
    """The reader called `name`; "auto" is the exact one, PyAV. It opens nothing outside `roots`.

    Isolated, it decodes in a worker process that is killed when a file crashes or stalls it. Only trust your own
    files to `isolate=False`; decord is isolated always. `threads` are FFmpeg's in each process; 0 means one a core.
    `workers` is how many processes there are at most, and so how many reads from several threads go on at once.

    Raises:
        UserError: no reader has that name.
    """
    if name not in DECODERS:
        raise UserError(f"unknown decoder {name!r}", where="videos.decoder", fix=f"Use one of {', '.join(DECODERS)}.")
    pool = shared_pool(workers) if workers > 1 else None
    if name == "decord":
        return IsolatedReader("decord", roots, limits=limits, worker=pool, workers=workers)
    if isolate:
        return IsolatedReader("pyav", roots, limits=limits, threads=threads, worker=pool, workers=workers)
    return PyavReader(roots, limits=limits, threads=threads)
