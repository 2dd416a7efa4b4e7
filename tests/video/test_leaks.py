"""A thousand opens, most of them of files that fail halfway, leave neither descriptors nor memory behind."""

import os
from pathlib import Path

import pytest

from tests.video.conftest import Collection
from videopasta_assets.video.guard import MediaLimits, UnreadableVideo
from videopasta_assets.video.worker import DecodeWorker, IsolatedReader, probe_safely

pytestmark = pytest.mark.timeout(900)  # the first test of a session makes all the files

OPENS = 1000
WARM_UP = 300
LIMITS = MediaLimits(max_file_bytes=8 << 30)
GROWTH_BYTES = 24 << 20


def open_files(process_id: int) -> int:
    return len(list(Path(f"/proc/{process_id}/fd").iterdir()))


def resident_bytes(process_id: int) -> int:
    pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.parametrize("decoder", ["pyav", "decord"])
def test_a_thousand_opens_leak_nothing(decoder: str, collection: Collection) -> None:
    """Seen from both sides: the process that asks, and the one that decodes, which must be the same to the end."""
    worker = DecodeWorker()
    reader = IsolatedReader(decoder, [collection.videos], limits=LIMITS, worker=worker)
    paths = [collection.path(kind) for kind in collection.kinds if kind != "8K"]

    def open_one(number: int) -> None:
        path = paths[number % len(paths)]
        try:
            info = probe_safely(path, [collection.videos], LIMITS, worker=worker)
            reader.read(path, [0, info.total_frames - 1])
        except UnreadableVideo:
            pass

    for number in range(WARM_UP):
        open_one(number)
    decoding, here = worker.process_id, os.getpid()
    assert decoding is not None
    files = open_files(decoding), open_files(here)
    memory = resident_bytes(decoding), resident_bytes(here)
    for number in range(OPENS):
        open_one(number)
    assert worker.process_id == decoding
    assert open_files(decoding) <= files[0]
    assert open_files(here) <= files[1]
    assert resident_bytes(decoding) - memory[0] < GROWTH_BYTES
    assert resident_bytes(here) - memory[1] < GROWTH_BYTES
    worker.close()
