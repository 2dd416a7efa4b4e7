"""Clips as they are sent, kept for other roles and runs."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.engines.test_transformers_engine import CountingReader
from videopasta_assets.config.serving import ServerSettings
from videopasta_assets.engines.frame_payload import encoded_frames, frame_payload, payload_of
from videopasta_assets.engines.picture_store import PictureStore
from videopasta_assets.engines.served_model import ServedModel
from videopasta_assets.engines.server import Server
from videopasta_assets.hashing import stable_hash
from videopasta_assets.video.clip import Clip, load_frames
from videopasta_assets.video.reader import FrameReader

KEY = stable_hash("clip")


def test_pictures_are_found_again_in_order(tmp_path: Path) -> None:
    pictures = [bytes([number]) * (number + 1) for number in range(12)]
    assert PictureStore(tmp_path, 10_000).put(KEY, pictures)
    store = PictureStore(tmp_path, 10_000)
    assert store.get(KEY) == pictures
    assert store.get(stable_hash("other")) is None
    assert (store.hits, store.misses) == (1, 1)


def test_a_store_without_room_keeps_what_it_has(tmp_path: Path) -> None:
    store = PictureStore(tmp_path, 1_000)
    assert store.put(KEY, [b"x" * 500])
    assert not store.put(stable_hash("other"), [b"x" * 500])
    assert store.get(KEY) == [b"x" * 500]
    assert store.size_bytes <= 1_000


def test_a_torn_file_is_a_miss_and_dropped(tmp_path: Path) -> None:
    store = PictureStore(tmp_path, 10_000)
    store.put(KEY, [b"x" * 500])
    (path,) = tmp_path.glob("*/*.zip")
    path.write_bytes(path.read_bytes()[:200])
    assert store.get(KEY) is None
    assert not path.exists()


def test_what_is_sent_is_the_same_with_and_without_a_store(
    tmp_path: Path, reader: FrameReader, clips: list[Clip]
) -> None:
    """And the clip is decoded once, whoever asks: another role, another frame transport, a later run."""
    counting = CountingReader(reader)
    sent: list[Any] = []
    for transport in ("video", "images"):
        settings = ServerSettings(frames=transport)
        for store in (PictureStore(tmp_path, 10_000_000), PictureStore(tmp_path, 10_000_000)):
            model = ServedModel("m", Server(settings), settings, counting, None, store)
            sent.append(model._encode(clips[1]))
        expected = frame_payload(load_frames(clips[1], reader), clips[1].plan, transport, "jpeg")
        assert sent[-2:] == [expected, expected]
    assert counting.reads == ["1.mp4"]
    smaller = ServedModel("m", Server(settings), settings, counting, 16, PictureStore(tmp_path, 10_000_000))
    assert smaller._encode(clips[1]) != expected
    assert len(counting.reads) == 2


def test_encoded_frames_make_the_same_payload(clips: list[Clip], reader: FrameReader) -> None:
    frames: NDArray[np.uint8] = load_frames(clips[0], reader)
    for kind in ("jpeg", "png"):
        whole = frame_payload(frames, clips[0].plan, "images", kind)
        assert payload_of(encoded_frames(frames, kind), clips[0].plan, "images", kind) == whole
