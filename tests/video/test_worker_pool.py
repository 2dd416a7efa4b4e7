"""Several decoders at once, and one process for whoever reads alone."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.video.footage import numbers_in
from videopasta_assets.video.reader import get_reader, parallel_reads
from videopasta_assets.video.worker import DecodeWorker, IsolatedReader, probe_safely, shared_worker
from videopasta_assets.video.worker_pool import WorkerPool, shared_pool, usual_workers


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(2)
    yield pool
    pool.close()


def test_who_reads_alone_keeps_to_one_process(clips: Path, pool: WorkerPool) -> None:
    path = clips / "good.mp4"
    reader = IsolatedReader("pyav", [clips], worker=pool, workers=2)
    probe_safely(path, [clips], worker=pool)
    for number in (3, 50, 119):
        assert numbers_in(reader.read(path, [number])) == [number]
    assert len(pool.process_ids) == 1


class Meeting:
    """Two calls that each wait for the other: they only end if they are under way at once."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2, timeout=30)
        self.paths: dict[DecodeWorker, list[str]] = {}

    def call(self, worker: DecodeWorker, _: str, arguments: dict[str, Any], __: float) -> tuple[Any, NDArray[np.uint8]]:
        self.paths.setdefault(worker, []).append(arguments["path"])
        self._barrier.wait()
        return None, np.zeros(0, np.uint8)


def test_calls_go_on_at_once_and_a_file_goes_where_it_went_before(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting()

    def call(worker: DecodeWorker, *arguments: Any) -> tuple[Any, NDArray[np.uint8]]:
        return meeting.call(worker, *arguments)

    monkeypatch.setattr(DecodeWorker, "call", call)
    with ThreadPoolExecutor(2) as threads:
        for files in (("a", "b"), ("b", "a"), ("a", "b")):
            list(threads.map(lambda name: pool.call("probe", {"path": name}, 1.0), files))
    assert sorted(meeting.paths.values()) == [["a"] * 3, ["b"] * 3]


def test_a_reader_of_several_processes_gives_the_same_frames(clips: Path) -> None:
    reader = get_reader("auto", [clips], workers=2)
    assert parallel_reads(reader) == 2
    with ThreadPoolExecutor(2) as threads:
        found = list(
            threads.map(lambda number: numbers_in(reader.read(clips / "good.mp4", [number])), range(0, 120, 9))
        )
    assert found == [[number] for number in range(0, 120, 9)]
    shared_pool(2).close()
    assert shared_worker().process_id is None


def test_by_default_there_is_one_process_a_core_within_reason() -> None:
    assert 1 <= usual_workers() <= 8
