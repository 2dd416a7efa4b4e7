"""Makers of media that one footage alone does not give: several streams, sound, other kinds of files."""

import os
import socket
import tempfile
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition

from tests.video.footage import Footage, cut_without_encoding, numbered

SECOND_STREAM_FIRST = 1000
"""Number of the first picture of a second film in a file."""


def sound(path: Path, cover: bool = False) -> None:
    """A second of sound, perhaps with a cover picture."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000)
        picture = _cover_stream(container) if cover else None
        if picture is not None:
            _cover(container, picture)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _cover_stream(container: Any) -> Any:
    stream = container.add_stream("mjpeg", rate=1, options={"strict": "unofficial"})
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
    stream.disposition = Disposition.attached_pic
    return stream


def _cover(container: Any, stream: Any) -> None:
    picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
    container.mux(stream.encode(picture))
    container.mux(stream.encode(None))


def with_cover(path: Path, _: Path) -> None:
    """A film after a cover picture."""
    _several(path, cover=True)


def two_films(path: Path, _: Path) -> None:
    """Two films in one file; players show the first."""
    _several(path, cover=False)


def _several(path: Path, *, cover: bool) -> None:
    """A film beside a cover picture that comes first, or beside another film."""
    with av.open(str(path), "w", format="mp4") as container:
        other = _cover_stream(container) if cover else None
        streams = [(container.add_stream("libx264", rate=30), 0)]
        if other is None:
            streams.append((container.add_stream("libx264", rate=30), SECOND_STREAM_FIRST))
        for stream, _first in streams:
            stream.height, stream.width = numbered(0).shape[:2]
            stream.pix_fmt = "yuv420p"
        if other is not None:
            _cover(container, other)
        for number in range(30):
            for stream, start in streams:
                frame = av.VideoFrame.from_ndarray(numbered(start + number), format="rgb24")
                frame.pts = number
                container.mux(stream.encode(frame))
        for stream, _first in streams:
            container.mux(stream.encode(None))


def many_streams(path: Path, _: Path) -> None:
    """A film after ninety sound tracks: more streams than a film has."""
    with av.open(str(path), "w", format="matroska") as container:
        sounds = [container.add_stream("pcm_s16le", rate=8000) for _ in range(90)]
        film = container.add_stream("libx264", rate=30)
        film.height, film.width = numbered(0).shape[:2]
        film.pix_fmt = "yuv420p"
        for stream in sounds:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
            frame.sample_rate = 8000
            container.mux(stream.encode(frame))
        for number in range(10):
            picture = av.VideoFrame.from_ndarray(numbered(number), format="rgb24")
            picture.pts = number
            container.mux(film.encode(picture))
        container.mux(film.encode(None))


def cut(path: Path, _: Path) -> None:
    """A film of which an edit list hides the first 17 frames."""
    with tempfile.TemporaryDirectory() as folder:
        source = Footage("whole.mp4", options={"g": "12", "bf": "2"}).write(Path(folder))
        path.write_bytes(cut_without_encoding(source, Path(folder) / "cut.mp4", first=17).read_bytes())


def turning_back(data: bytes) -> bytes:
    """An FLV whose later tags tell the times of earlier ones."""
    changed = bytearray(data)
    position, seen = 13, 0
    while position + 11 < len(changed):
        size = int.from_bytes(changed[position + 1 : position + 4], "big")
        if changed[position] == 9:
            seen += 1
            if seen > 30:
                changed[position + 4 : position + 7] = (1000 - seen).to_bytes(3, "big")
        position += 11 + size + 4
    return bytes(changed)


def unix_socket(path: Path, _: Path) -> None:
    """A socket."""
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)
    os.chdir(here)


def sparse(path: Path, _: Path) -> None:
    """10 GB that take no space."""
    with path.open("wb") as file:
        file.write(b"\0\0\0\x18ftypisom" + bytes(12))
        file.truncate(10 << 30)
