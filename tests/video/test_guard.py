"""What is no video gets one clear sentence, at once, and nothing outside the roots is ever opened."""

import os
import random
import socket
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from tests.video.footage import Footage
from videopasta_assets.video.guard import MediaLimits, UnreadableVideo, check_size, guarded_file, sniff_format
from videopasta_assets.video.probe import probe

NOISE = random.Random(7).randbytes(20_000)
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
NO_VIDEO, DAMAGED = "no known video format", "damaged|incomplete|no video|no frame"


def _sound(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)
    os.chdir(here)


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "empty"),
    "text": (lambda path: path.write_text("hello\n" * 100), NO_VIDEO),
    "playlist": (lambda path: path.write_bytes(PLAYLIST), NO_VIDEO),
    "concat": (lambda path: path.write_text("ffconcat version 1.0\nfile /etc/passwd\n"), NO_VIDEO),
    "sdp": (lambda path: path.write_text("v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"), NO_VIDEO),
    "subtitles": (lambda path: path.write_text("1\n00:00:01,000 --> 00:00:02,000\nhello\n"), NO_VIDEO),
    "picture": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + NOISE), NO_VIDEO),
    "still": (lambda path: path.write_bytes(b"\0\0\0\x18ftypheic" + NOISE), NO_VIDEO),
    "noise": (lambda path: path.write_bytes(NOISE), NO_VIDEO),
    "mp4 noise": (lambda path: path.write_bytes(b"\0\0\0\x18ftypisom" + NOISE), DAMAGED),
    "mkv noise": (lambda path: path.write_bytes(b"\x1a\x45\xdf\xa3" + NOISE), DAMAGED),
    "gif noise": (lambda path: path.write_bytes(b"GIF89a" + b"\0" * 40), DAMAGED),
    "avi noise": (lambda path: path.write_bytes(b"RIFF\0\0\0\0AVI " + NOISE), DAMAGED),
    "flv noise": (lambda path: path.write_bytes(b"FLV\x01" + NOISE), DAMAGED),
    "ts noise": (lambda path: path.write_bytes((b"G" + NOISE[:187]) * 100), DAMAGED),
    "sound": (_sound, "no video, only sound"),
    "folder": (Path.mkdir, "a folder"),
    "pipe": (os.mkfifo, "a pipe"),
    "socket": (_socket, "a socket"),
    "broken link": (lambda path: path.symlink_to("nowhere"), "a link to a file that does not exist"),
    "loop": (lambda path: path.symlink_to(path), "leads back to itself"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "outside"),
    "secret": (lambda path: path.symlink_to("/etc/passwd"), "outside"),
    "missing": (lambda path: None, "does not exist"),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.timeout(10)
def test_what_is_no_video_is_refused_with_its_reason(kind: str, tmp_path: Path) -> None:
    make, reason = HOSTILE[kind]
    path = tmp_path / "clip.mp4"
    make(path)
    with pytest.raises(UnreadableVideo, match=reason):
        probe(path, [tmp_path])


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_torn_mp4_without_its_header_is_refused(clips: Path, tmp_path: Path, share: float) -> None:
    data = (clips / "good.mp4").read_bytes()
    (tmp_path / "torn.mp4").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UnreadableVideo, match=DAMAGED):
        probe(tmp_path / "torn.mp4", [tmp_path])


def test_names_are_only_names(clips: Path, tmp_path: Path) -> None:
    for name in ("a 'quoted'\n; $(rm) .mp4", "\u00fc\U0001f600.mp4", "-rf", "fd:0", "http:..evil.mp4"):
        (tmp_path / name).write_bytes((clips / "good.mp4").read_bytes())
        assert probe(tmp_path / name, [tmp_path]).total_frames == 120
    for name in ("a\0b.mp4", "x" * 300):
        with pytest.raises(UnreadableVideo):
            probe(tmp_path / name, [tmp_path])


def test_links_may_stay_inside_the_roots_but_not_leave_them(clips: Path, tmp_path: Path) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    root.mkdir()
    other.mkdir()
    (other / "clip.mp4").write_bytes((clips / "good.mp4").read_bytes())
    (root / "link.mp4").symlink_to(other / "clip.mp4")
    (root / "folder").symlink_to(other)
    for path in (root / "link.mp4", root / "folder" / "clip.mp4", root / ".." / "other" / "clip.mp4"):
        with pytest.raises(UnreadableVideo, match="outside"):
            probe(path, [root])
        assert probe(path, [root, other]).total_frames == 120


def test_a_file_without_permission_says_so(clips: Path, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes((clips / "good.mp4").read_bytes())
    path.chmod(0)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)
        with pytest.raises(UnreadableVideo, match="no permission"):
            probe(path, [tmp_path])
    finally:
        if root:
            os.seteuid(0)


def test_limits_are_kept(clips: Path) -> None:
    path = clips / "good.mp4"
    for limits in (MediaLimits(max_file_bytes=100), MediaLimits(max_side=64), MediaLimits(max_frames=100)):
        with pytest.raises(UnreadableVideo, match=r"big|too|more than"):
            probe(path, [clips], limits)
    for width, height in ((0, 10), (8000, 20), (9000, 9000)):
        with pytest.raises(UnreadableVideo):
            check_size(width, height, MediaLimits())


def test_codecs_outside_the_list_are_refused(tmp_path: Path) -> None:
    path = Footage("clip.mkv", "ffv1", frames=4).write(tmp_path)
    with pytest.raises(UnreadableVideo, match="ffv1"):
        probe(path, [tmp_path])


def test_the_descriptor_closes_whatever_happens(clips: Path) -> None:
    with pytest.raises(KeyError), guarded_file(clips / "good.mp4", [clips]) as file:
        raise KeyError
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file.descriptor)


@pytest.mark.parametrize("head", [b"", b"G", b"#EXTM3U", b"\0" * 64, b"GGGG" * 50])
def test_short_and_plain_heads_have_no_format(head: bytes) -> None:
    assert sniff_format(head) is None
