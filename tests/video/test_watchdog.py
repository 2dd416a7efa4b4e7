"""Decoders that hang, crash, die or swell cost one error row, in time, and the next video is read."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.people import is_for_people
from tests.video.footage import Footage, numbers_in
from videopasta_assets.config.loader import parse_project
from videopasta_assets.stages import landing, sampled_videos, videos
from videopasta_assets.stages.project import Project
from videopasta_assets.video import worker as worker_module
from videopasta_assets.video.guard import MediaLimits, UnreadableVideo
from videopasta_assets.video.worker import (
    MAX_SECONDS,
    DecodeWorker,
    IsolatedReader,
    allowance,
    probe_safely,
)
from videopasta_assets.video.worker_pool import shared_pool, usual_workers

MISBEHAVING = """
import ctypes, os, signal, sys
from videopasta_assets.video import worker_process

honest = {"probe": worker_process._probe, "read": worker_process._read}

def misbehave(path):
    if "hangs" in path:
        signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
        while True:
            pass
    if "crashes" in path:
        ctypes.string_at(0)
    if "aborts" in path:
        os.abort()
    if "killed" in path:
        os.kill(os.getpid(), signal.SIGKILL)
    if "exits" in path:
        os._exit(0)
    if "swells" in path:
        bytearray(1 << 40)
    if "babbles" in path:
        os.write(int(sys.argv[1]), b"\\0\\0\\0\\5{what")
    if "boasts" in path:
        reply = b'{"result": [], "bytes": 1000000000000000000}'
        os.write(int(sys.argv[1]), len(reply).to_bytes(4, "big") + reply)
    if "fails" in path:
        raise KeyError("a mistake of ours")

def probe(path, **arguments):
    misbehave(path)
    return honest["probe"](path, **arguments)

def read(path, **arguments):
    misbehave(path)
    return honest["read"](path, **arguments)

worker_process._probe, worker_process._read = probe, read
worker_process.serve()
"""
REASONS = {
    "hangs": r"took longer than .* s and was stopped",
    "crashes": r"the decoder crashed on this file \(SIGSEGV\)",
    "aborts": r"the decoder crashed on this file \(SIGABRT\)",
    "killed": "probably for using too much memory",
    "exits": "the decoder stopped in the middle of this file",
    "swells": "too much memory",
    "babbles": "an answer without sense",
    "boasts": "an answer without sense",
    "fails": "in a way that nobody foresaw",
}


@pytest.fixture
def misbehaving(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every worker process does to itself what the name of a file says."""
    shared_pool(usual_workers()).close()
    monkeypatch.setattr(worker_module, "_PROGRAM", MISBEHAVING)
    yield
    shared_pool(usual_workers()).close()


def test_stages_outlive_every_death_of_the_decoder(tmp_path: Path, misbehaving: None) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    for number, kind in enumerate(["good 1", *REASONS, "good 2"]):
        Footage(f"{kind}.mp4", frames=10 + number).write(folder)
    yaml = "videos: {decode_seconds: 3}\nframes: {dense: {value: 4}, sparse: {value: 1}}"
    made = Project(parse_project(yaml, tmp_path / "videopasta.yaml"))
    (shard,) = (sealed.key for sealed in landing.land(made)[1])
    videos.run(made, shard)
    started = time.monotonic()
    outcome = sampled_videos.run(made, shard)
    assert time.monotonic() - started < 30
    assert outcome.failed == len(REASONS)
    errors = {Path(row["path"]).stem: row["error"] for row in made.lake.rows(made.address("sampled_videos", shard))}
    assert errors.pop("good 1") is None
    assert errors.pop("good 2") is None
    for kind, reason in REASONS.items():
        assert re.search(reason, errors[kind]), errors[kind]
        assert is_for_people(errors[kind]), errors[kind]


@pytest.mark.parametrize("kind", ["hangs", "crashes"])
def test_a_read_that_kills_the_worker_leaves_no_process(kind: str, tmp_path: Path, misbehaving: None) -> None:
    path = Footage(f"{kind}.mp4", frames=5).write(tmp_path)
    good = Footage("good.mp4", frames=5).write(tmp_path)
    worker = DecodeWorker()
    reader = IsolatedReader("pyav", [tmp_path], limits=MediaLimits(decode_seconds=2), worker=worker)
    assert numbers_in(reader.read(good, [4])) == [4]
    victim = worker.process_id
    with pytest.raises(UnreadableVideo, match=REASONS[kind]):
        reader.read(path, [0])
    assert not Path(f"/proc/{victim}").exists()
    assert numbers_in(reader.read(good, [3])) == [3]
    worker.close()


def test_a_small_file_that_takes_for_ever_is_given_up(tmp_path: Path) -> None:
    """A real one: every picture of this GIF changes one pixel of 32 million, and the decoder copies all of them."""
    path = tmp_path / "slow.gif"
    size = (8000).to_bytes(2, "little") + (4000).to_bytes(2, "little")
    pixel = b"\x21\xf9\x04\x00\x03\x00\x00\x00" + b"\x2c" + bytes(4) + b"\x01\x00\x01\x00\x00" + b"\x02\x02\x44\x01\x00"
    path.write_bytes(b"GIF89a" + size + b"\x80\x00\x00" + b"\0\0\0\xff\xff\xff" + pixel * 20_000 + b"\x3b")
    worker = DecodeWorker()
    started = time.monotonic()
    with pytest.raises(UnreadableVideo, match="took longer than"):
        probe_safely(path, [tmp_path], MediaLimits(decode_seconds=1.5), worker=worker)
    assert time.monotonic() - started < 10
    worker.close()


def test_a_decoder_whose_parent_is_gone_ends_itself(tmp_path: Path) -> None:
    """Nobody is left to kill it: an alarm does."""
    path = Footage("hangs.mp4", frames=5).write(tmp_path)
    program = (
        "import os, signal, sys, threading; from pathlib import Path; from videopasta_assets.video import worker;"
        "from videopasta_assets.video.guard import MediaLimits;"
        "worker._PROGRAM = sys.argv[2]; path = Path(sys.argv[1]);"
        "print(worker.shared_worker()._connected() and worker.shared_worker().process_id, flush=True);"
        "threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGKILL)).start();"
        "worker.probe_safely(path, [path.parent], MediaLimits(decode_seconds=1))"
    )
    deaf_to_all_but_alarms = MISBEHAVING.replace("set(signal.Signals)", "set(signal.Signals) - {signal.SIGALRM}")
    command = [sys.executable, "-c", program, str(path), deaf_to_all_but_alarms]
    parent = subprocess.run(command, capture_output=True, text=True, check=False)
    assert parent.returncode == -signal.SIGKILL
    orphan = int(parent.stdout)
    deadline = time.monotonic() + 20
    while _runs(orphan) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _runs(orphan)


def test_the_allowance_grows_with_the_file_up_to_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    limits = MediaLimits(decode_seconds=10)
    for size, seconds in ((0, 10), (5_000_000, 15), (10 << 30, MAX_SECONDS)):
        with path.open("wb") as file:
            file.truncate(size)
        assert allowance(path, limits) == pytest.approx(seconds)
    assert allowance(tmp_path / "missing", limits) == 10


def _runs(process_id: int) -> bool:
    """Whether the process is alive; a zombie that nobody waits for is not."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
