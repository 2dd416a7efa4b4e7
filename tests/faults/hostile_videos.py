"""Files that trip readers, all made here, and what each must give: frames that are right, or a reason for people."""

import os
import random
import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.faults.mp4_surgery import overwritten, pointing_outside, same_entries
from tests.faults.odd_media import cut, many_streams, sound, sparse, turning_back, two_films, unix_socket, with_cover
from tests.video.footage import Footage

CANARY_FIRST = 3000
"""Numbers from here on are only shown by the film outside the roots."""
NOISE = random.Random(7).randbytes(20_000)
GROUPS = {"g": "12", "bf": "2", "preset": "veryfast"}
FAST = {"movflags": "faststart"}
_UNEVEN = [sum((17, 33, 100, 34)[step % 4] for step in range(frame)) for frame in range(60)]

_ENCODED: dict[str, bytes] = {}

Maker = Callable[[Path, Path], object]
"""Makes the file at the first path; the second one is the film outside the roots, to point at."""
Numbers = Callable[[float], int]
"""The number that a frame shows, by its time in seconds."""

_NO_VIDEO = "no known video format"
_DAMAGED = "damaged|incomplete"


def at_30(second: float) -> int:
    """Numbers of a film with 30 frames a second."""
    return round(second * 30)


@dataclass(frozen=True)
class HostileVideo:
    """One file. It is refused for `reason` (a pattern), or shows `numbers`; with both, either will do.

    `frames` is how many frames it has, where that is sure. What has no bytes of its own, or may not be opened,
    cannot land (`lands`): it has no identity.
    """

    kind: str
    make: Maker
    reason: str = ""
    numbers: Numbers | None = None
    frames: int | None = None
    name: str = ""
    lands: bool = True

    @property
    def file(self) -> str:
        """Its path in the video folder; mostly one that promises an honest MP4."""
        return self.name or f"{self.kind}.mp4"


def data_of(footage: Footage) -> bytes:
    """The encoded file's bytes; encoded once."""
    key = repr(footage)
    if key not in _ENCODED:
        with tempfile.TemporaryDirectory() as folder:
            _ENCODED[key] = footage.write(Path(folder)).read_bytes()
    return _ENCODED[key]


def film(suffix: str, change: Callable[[bytes], bytes] = bytes, **settings: Any) -> Maker:
    """A maker of numbered footage in the container of `suffix`, whatever the file is called, with its bytes changed."""
    footage = Footage(f"film{suffix}", **({"options": GROUPS} | settings))
    return lambda path, _: path.write_bytes(change(data_of(footage)))


def content(data: bytes) -> Maker:
    """A maker of a file of these bytes."""
    return lambda path, _: path.write_bytes(data)


def first(share: float) -> Callable[[bytes], bytes]:
    """A change that tears a file off."""
    return lambda data: data[: int(len(data) * share)]


def corrupted(at: float, length: int = 400) -> Callable[[bytes], bytes]:
    """A change that overwrites bytes with noise."""
    return lambda data: data[: int(len(data) * at)] + NOISE[:length] + data[int(len(data) * at) + length :]


def _header_alone(data: bytes) -> bytes:
    return data[: data.index(b"mdat") + 4]


def _huge_canvas(data: bytes) -> bytes:
    return data[:6] + b"\xff\xff\xff\xff" + data[10:]


def _number_of_uneven(second: float) -> int:
    return int(np.abs(np.asarray(_UNEVEN) - second * 1000).argmin())


def _text(line: str) -> Maker:
    return lambda path, canary: path.write_text(line.format(canary=canary))


def _noise(head: bytes) -> Maker:
    return content(head + NOISE)


def _h265(**settings: Any) -> Maker:
    return film(".mp4", codec="libx265", options={"x265-params": "log-level=none:keyint=12"}, **settings)


def hostile_videos() -> Iterator[HostileVideo]:
    """The whole collection."""
    yield from _without_content()
    yield from _no_videos()
    yield from _damaged()
    yield from _liars()
    yield from _unusual()
    yield from _names()


def _without_content() -> Iterator[HostileVideo]:
    for kind, make, reason in (
        ("folder", lambda path, _: path.mkdir(), "this is a folder"),
        ("pipe", lambda path, _: os.mkfifo(path), "this is a pipe"),
        ("socket", unix_socket, "this is a socket"),
        ("broken link", lambda path, _: path.symlink_to("nowhere"), "a link to a file that does not exist"),
        ("link loop", lambda path, _: path.symlink_to(path.name), "leads back to itself"),
        ("link to a device", lambda path, _: path.symlink_to("/dev/zero"), "outside the video folders"),
        ("link to a film outside", lambda path, canary: path.symlink_to(canary), "outside the video folders"),
        ("link to a system file", lambda path, _: path.symlink_to("/etc/passwd"), "outside the video folders"),
        ("sparse 10 GB", sparse, "too big"),
    ):
        yield HostileVideo(kind, make, reason, lands=False)
    yield HostileVideo(
        "folder link outside",
        lambda path, canary: path.parent.symlink_to(canary.parent),
        "outside the video folders",
        name="linked folder/canary.mp4",
        lands=False,
    )


def _no_videos() -> Iterator[HostileVideo]:
    yield HostileVideo("empty", content(b""), "empty")
    for kind, make in {
        "text": _text("hello\n" * 100),
        "hls playlist": _text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{canary}\n#EXT-X-ENDLIST\n"),
        "hls with subtitles": _text('#EXTM3U\n#EXT-X-MEDIA:TYPE=SUBTITLES,URI="{canary}"\n#EXTINF:1,\n{canary}\n'),
        "concat list": _text("ffconcat version 1.0\nfile '{canary}'\n"),
        "dash manifest": _text("<MPD><Period><BaseURL>file://{canary}</BaseURL></Period></MPD>\n"),
        "session": _text("v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"),
        "subtitles": _text("1\n00:00:01,000 --> 00:00:02,000\nhello\n"),
        "script": _text("#!/bin/sh\ncat {canary}\n"),
        "picture": _noise(b"\x89PNG\r\n\x1a\n"),
        "still": _noise(b"\0\0\0\x18ftypheic"),
        "noise": content(NOISE),
        "zeros": content(bytes(5000)),
    }.items():
        yield HostileVideo(kind, make, _NO_VIDEO)
    yield HostileVideo("playlist as ts", _text("#EXTM3U\n#EXTINF:1,\n{canary}\n"), _NO_VIDEO, name="list.ts")
    for kind, head in {
        "mp4 noise": b"\0\0\0\x18ftypisom",
        "mkv noise": b"\x1a\x45\xdf\xa3",
        "avi noise": b"RIFF\0\0\0\0AVI ",
        "flv noise": b"FLV\x01",
        "ogg noise": b"OggS",
        "asf noise": b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
        "mpeg noise": b"\x00\x00\x01\xba",
    }.items():
        yield HostileVideo(kind, _noise(head), f"{_DAMAGED}|no video|no frame")
    yield HostileVideo("gif noise", content(b"GIF89a" + bytes(40)), f"{_DAMAGED}|no frame")
    yield HostileVideo("ts noise", content((b"G" + NOISE[:187]) * 100), f"{_DAMAGED}|no video|no frame")
    yield HostileVideo("sound alone", lambda path, _: sound(path), "no video, only sound")
    yield HostileVideo("sound and cover", lambda path, _: sound(path, cover=True), "no video, only sound")
    yield HostileVideo("ninety sound tracks", many_streams, "more than 64 streams")
    yield HostileVideo("rare codec", film(".mkv", codec="ffv1", frames=4, options={}), "ffv1 are not supported")
    locked = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }
    yield HostileVideo("encrypted", film(".mp4", container_options=locked), "this video is encrypted")


def _damaged() -> Iterator[HostileVideo]:
    for share in (0.02, 0.3, 0.6, 0.95):
        yield HostileVideo(f"torn mp4 at {share:.0%}", film(".mp4", first(share)), _DAMAGED)
    for share in (0.4, 0.8):
        for suffix in (".mkv", ".ts", ".flv", ".avi"):
            kind = f"torn {suffix[1:]} at {share:.0%}"
            yield HostileVideo(kind, film(suffix, first(share)), _DAMAGED, at_30)
        torn = film(".mp4", first(share), container_options=FAST)
        yield HostileVideo(f"torn fast start at {share:.0%}", torn, _DAMAGED, at_30)
        torn = film(".mp4", first(share), container_options={"movflags": "frag_keyframe+empty_moov"})
        yield HostileVideo(f"torn fragments at {share:.0%}", torn, _DAMAGED, at_30)
    for suffix in (".mkv", ".ts", ".mpg"):
        codec = "mpeg2video" if suffix == ".mpg" else "libx264"
        yield HostileVideo(f"corrupt {suffix[1:]}", film(suffix, corrupted(0.5), codec=codec), _DAMAGED, at_30)
    for at in (0.2, 0.5, 0.8):
        broken = film(".mp4", corrupted(at), container_options=FAST)
        yield HostileVideo(f"corrupt mp4 at {at:.0%}", broken, _DAMAGED, at_30)
    yield HostileVideo("header alone", film(".mp4", _header_alone, container_options=FAST), f"{_DAMAGED}|no frame")
    yield HostileVideo("bytes after the end", film(".mp4", lambda data: data + NOISE), "", at_30, 60)


def _liars() -> Iterator[HostileVideo]:
    """Headers that do not tell the truth."""
    big = struct.pack(">HH", 60_000, 60_000)
    yield HostileVideo("huge declared size", film(".mp4", overwritten(b"stsd", 40, big)), "too big", at_30)
    yield HostileVideo(
        "huge gif",
        film(".gif", _huge_canvas, codec="gif", pixel_format="rgb8", options={}),
        "too big|no frame|damaged",
    )
    yield HostileVideo("narrow", film(".mp4", size=(2048, 16), frames=3), "too narrow")
    zero = bytes(4)
    yield HostileVideo("zero duration", film(".mp4", overwritten(b"mvhd", 16, zero)), "", at_30, 60)
    yield HostileVideo("zero track duration", film(".mp4", overwritten(b"tkhd", 20, zero)), "", at_30, 60)
    yield HostileVideo(
        "all at once", film(".mp4", same_entries(b"stts", 8, 4, zero), options={"bf": "0"}), "timestamps"
    )
    yield HostileVideo(
        "no reordering told", film(".mp4", same_entries(b"ctts", 8, 4, zero)), "timestamps|damaged", at_30
    )
    yield HostileVideo("times turn back", film(".flv", turning_back, options={"bf": "0"}), "run backwards")
    for kind, box, offset in (
        ("endless samples", b"stsz", 8),
        ("endless chunks", b"stco", 4),
        ("endless times", b"stts", 4),
    ):
        lie = film(".mp4", overwritten(box, offset, b"\x7f\xff\xff\xff"))
        yield HostileVideo(kind, lie, f"{_DAMAGED}|no frame|timestamps|no video", at_30)
    yield HostileVideo(
        "chunks outside", film(".mp4", same_entries(b"stco", 4, 0, b"\x7f\xff\xff\xff")), f"{_DAMAGED}|no frame"
    )
    yield HostileVideo(
        "samples in another file",
        lambda path, canary: path.write_bytes(pointing_outside(data_of(Footage("film.mp4")), str(canary))),
        f"{_DAMAGED}|no frame|no video",
        at_30,
    )


def _unusual() -> Iterator[HostileVideo]:
    """Honest files that other readers get wrong."""
    opened = {"x264-params": "open-gop=1"}
    for kind, make, frames in (
        ("one frame", film(".mp4", frames=1), 1),
        ("matroska in disguise", film(".mkv"), 60),
        ("turned 90", film(".mp4", rotation=90), 60),
        ("turned 180", film(".mp4", rotation=180), 60),
        ("turned 270", film(".mp4", rotation=270), 60),
        ("ten bit", _h265(pixel_format="yuv420p10le"), 60),
        ("h265", _h265(), 60),
        ("alpha", film(".webm", codec="libvpx-vp9", pixel_format="yuva420p", options={"cpu-used": "8"}), 60),
        ("odd size", film(".mp4", size=(129, 97), pixel_format="yuv444p"), 60),
        ("odd size mkv", film(".mkv", size=(131, 95), pixel_format="yuv444p"), 60),
        ("late mp4", film(".mp4", start=300), 60),
        ("late mkv", film(".mkv", start=300), 60),
        ("late ts", film(".ts", start=300), 60),
        ("clock wraps", film(".ts", start=30 * 95_442), 60),
        ("open groups", film(".mp4", options=GROUPS | opened), 60),
        ("intra refresh", film(".mkv", options={"g": "12", "x264-params": "intra-refresh=1"}), 60),
        ("mpeg-4 avi", film(".avi", codec="mpeg4"), 60),
        ("motion jpeg", film(".avi", codec="mjpeg", pixel_format="yuvj420p", options={}), 60),
        ("live matroska", film(".mkv", container_options={"live": "1"}), 60),
        ("fragments", film(".mp4", container_options={"movflags": "frag_keyframe+empty_moov"}), 60),
        ("8K", film(".mp4", codec="mjpeg", size=(7680, 4320), frames=1, pixel_format="yuvj420p", options={}), 1),
        ("cover first", with_cover, 30),
        ("two films", two_films, 30),
        ("gray", film(".mp4", pixel_format="gray"), 60),
        ("interlaced", film(".ts", codec="mpeg2video", options={"flags": "+ildct+ilme", "g": "12"}), 60),
        ("prores", film(".mov", codec="prores_ks", pixel_format="yuv422p10le", frames=12, options={}), 12),
    ):
        yield HostileVideo(kind, make, "", at_30, frames)
    yield HostileVideo("1000 fps", film(".mp4", times=range(60)), "", lambda second: round(second * 1000), 60)
    yield HostileVideo("uneven mp4", film(".mp4", times=_UNEVEN), "", _number_of_uneven, 60)
    yield HostileVideo("uneven mkv", film(".mkv", times=_UNEVEN), "", _number_of_uneven, 60)
    gif = film(".gif", codec="gif", pixel_format="rgb8", options={})
    yield HostileVideo("animated gif", gif, "", at_30, 60, name="animated.gif")
    yield HostileVideo("edit list", cut, "", lambda second: at_30(second) + 17, 43)
    halves = [Footage("a.ts", frames=30), Footage("b.ts", frames=30, first=30, start=32, size=(256, 192))]
    yield HostileVideo(
        "size changes", lambda path, _: path.write_bytes(b"".join(map(data_of, halves))), _DAMAGED, at_30, 60
    )


def _names() -> Iterator[HostileVideo]:
    for kind, name in {
        "quotes": "a 'quoted' \"name\"; DROP TABLE videos; --.mp4",
        "newline": "first line\nsecond line.mp4",
        "shell": "$(rm -rf .) `id` && |.mp4",
        "unicode": "\u00fc\u4e2d\u0301\U0001f600\u202e.mp4",
        "dots": "..evil..mp4..mp4",
        "option": "-rf.mp4",
        "protocol": "fd:0.mp4",
        "long": "x" * 240 + ".mp4",
        "template": "{{ 7 * 7 }} %s %d {0}.mp4",
    }.items():
        yield HostileVideo(f"name with {kind}", film(".mp4", first=len(name)), "", _shifted(len(name)), 60, name=name)
    yield HostileVideo(
        "name in latin-1",
        film(".mp4", frames=50),
        "not in UTF-8",
        at_30,
        50,
        name=b"caf\xe9.mp4".decode("utf-8", "surrogateescape"),
    )


def _shifted(by: int) -> Numbers:
    return lambda second: at_30(second) + by
