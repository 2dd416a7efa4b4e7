"""Files are decoded in a process that may die without harm."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.video.footage import numbers_in
from videopasta_assets.video import worker as worker_module
from videopasta_assets.video.guard import MediaLimits, UnreadableVideo
from videopasta_assets.video.probe import probe
from videopasta_assets.video.pyav_reader import PyavReader
from videopasta_assets.video.worker import DecodeWorker, IsolatedReader, probe_safely


@pytest.fixture
def worker() -> Iterator[DecodeWorker]:
    worker = DecodeWorker()
    yield worker
    worker.close()


def test_it_gives_what_this_process_would(clips: Path, worker: DecodeWorker) -> None:
    path = clips / "good.mp4"
    here, there = probe(path, [clips]), probe_safely(path, [clips], worker=worker)
    assert here == there
    assert np.array_equal(here.pts, there.pts)
    indices = [3, 50, 119]
    frames = IsolatedReader("pyav", [clips], worker=worker).read(path, indices, timestamps=here.pts[indices].tolist())
    assert np.array_equal(frames, PyavReader([clips]).read(path, indices))
    assert frames.flags.writeable


def test_one_process_serves_many_requests_and_threads(clips: Path, worker: DecodeWorker) -> None:
    reader = IsolatedReader("pyav", [clips], worker=worker)
    reader.read(clips / "good.mp4", [0])
    first = worker.process_id
    results: dict[int, list[int]] = {}

    def read(number: int) -> None:
        results[number] = numbers_in(reader.read(clips / "good.mp4", [number]))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(0, 120, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: [number] for number in range(0, 120, 10)}
    assert worker.process_id == first


def test_a_worker_is_replaced_after_many_requests(
    clips: Path, worker: DecodeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_RETIRE_AFTER", 3)
    reader = IsolatedReader("pyav", [clips], worker=worker)
    seen = set()
    for number in range(6):
        assert numbers_in(reader.read(clips / "good.mp4", [number])) == [number]
        seen.add(worker.process_id)
    assert len(seen - {None}) == 2


def test_reasons_come_through(clips: Path, worker: DecodeWorker) -> None:
    with pytest.raises(UnreadableVideo, match="does not exist"):
        probe_safely(clips / "missing.mp4", [clips], worker=worker)
    with pytest.raises(UnreadableVideo, match="the video has 120 frames"):
        IsolatedReader("pyav", [clips], worker=worker).read(clips / "good.mp4", [400])


def test_a_stalled_decoder_is_killed_and_replaced(clips: Path, worker: DecodeWorker) -> None:
    reader = IsolatedReader("pyav", [clips], worker=worker, limits=MediaLimits(decode_seconds=0.5))
    reader.read(clips / "good.mp4", [0])
    stalled = worker.process_id
    assert stalled is not None
    os.kill(stalled, signal.SIGSTOP)
    with pytest.raises(UnreadableVideo, match="took longer than"):
        reader.read(clips / "good.mp4", [1])
    assert not Path(f"/proc/{stalled}").exists()
    assert numbers_in(reader.read(clips / "good.mp4", [2])) == [2]


def test_a_crashed_decoder_is_a_reason_and_the_next_file_is_read(clips: Path, worker: DecodeWorker) -> None:
    reader = IsolatedReader("pyav", [clips], worker=worker)
    reader.read(clips / "good.mp4", [0])
    victim = worker.process_id
    assert victim is not None
    os.kill(victim, signal.SIGSTOP)

    def crash() -> None:
        os.kill(victim, signal.SIGSEGV)
        os.kill(victim, signal.SIGCONT)

    timer = threading.Timer(0.2, crash)
    timer.start()
    with pytest.raises(UnreadableVideo, match="crashed on this file"):
        reader.read(clips / "good.mp4", [1])
    timer.join()
    assert numbers_in(reader.read(clips / "good.mp4", [2])) == [2]


def test_the_process_imports_no_torch_and_ends_with_its_parent(clips: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from videopasta_assets.video.worker import probe_safely, shared_worker;"
        "probe_safely(Path(sys.argv[1]), [Path(sys.argv[1]).parent]); pid = shared_worker().process_id;"
        "print(pid, 'torch' in Path(f'/proc/{pid}/maps').read_text(), 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(clips / "good.mp4")]
    pid, worker_has_torch, parent_has_torch = subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.split()
    assert (worker_has_torch, parent_has_torch) == ("False", "False")
    assert not Path(f"/proc/{pid}").exists()
