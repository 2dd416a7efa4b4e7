"""Opening media that nobody vouches for.

FFmpeg guesses formats and follows references: a playlist named clip.mp4 reads /etc/passwd, a text file decodes as
video, a FIFO blocks for ever. So the file is found and opened by us (inside the configured roots, a regular file,
no link swapped in behind our back), its format is told from its first bytes, and FFmpeg is given the open
descriptor with that one format and no protocol by which it could open anything else.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from videopasta_assets.errors import VideoPastaError

_SNIFF_BYTES: Final = 1024
_MAX_STREAMS: Final = 64
_NO_PERMISSION: Final = "no permission to read this file"
_TS_PACKETS: Final = ((188, 0), (192, 4), (204, 0))
_STILL_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif"})

_DECODERS_OF: Final = {
    "av1": ("libdav1d", "av1"),
    "dnxhd": ("dnxhd",),
    "flv1": ("flv",),
    "gif": ("gif",),
    "h263": ("h263",),
    "h264": ("h264",),
    "hevc": ("hevc",),
    "mjpeg": ("mjpeg",),
    "mpeg1video": ("mpeg1video",),
    "mpeg2video": ("mpeg2video",),
    "mpeg4": ("mpeg4",),
    "msmpeg4v2": ("msmpeg4v2",),
    "msmpeg4v3": ("msmpeg4",),
    "prores": ("prores",),
    "theora": ("theora",),
    "vc1": ("vc1",),
    "vp8": ("vp8", "libvpx"),
    "vp9": ("vp9", "libvpx-vp9"),
    "wmv1": ("wmv1",),
    "wmv2": ("wmv2",),
    "wmv3": ("wmv3",),
}
CODECS: Final = frozenset(_DECODERS_OF)
"""Codecs that we decode, by FFmpeg's codec name."""
_DECODERS: Final = ",".join(decoder for decoders in _DECODERS_OF.values() for decoder in decoders)


class UnreadableVideo(VideoPastaError):  # noqa: N818 - a row's state, in the project's words
    """This file gives no frames that could be trusted; `reason` says why in words for the file's owner."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class MediaLimits:
    """What is refused as too big. Sides in pixels; `max_read_bytes` is of the RGB frames that one read returns.

    A decoder in a worker process is ended after `decode_seconds`, and a second more for each megabyte of the file.
    """

    max_file_bytes: int = 64 << 30
    max_side: int = 8192
    max_pixels: int = 8192 * 4320
    max_aspect: float = 100.0
    max_frames: int = 5_000_000
    max_read_bytes: int = 4 << 30
    decode_seconds: float = 60.0


DEFAULT_LIMITS: Final = MediaLimits()


@dataclass(frozen=True)
class GuardedFile:
    """A checked, open regular file. `state` changes when its content may have: (device, inode, size, mtime in ns)."""

    path: Path
    descriptor: int
    format: str
    state: tuple[int, int, int, int]
    limits: MediaLimits

    @property
    def size_bytes(self) -> int:
        """Size in bytes."""
        return self.state[2]

    def check_unchanged(self) -> None:
        """Refuse what was read from a file that was written to meanwhile.

        Raises:
            UnreadableVideo: size or time of change are not those of the moment when it was opened.
        """
        if _state(os.fstat(self.descriptor)) != self.state:
            raise UnreadableVideo("this file changed while it was being read; it may still be being written")

    @contextmanager
    def open(self, threads: int = 1) -> Iterator[tuple[InputContainer, VideoStream]]:
        """Demuxer and main video stream, from the start of the file; closed on exit. May be called repeatedly.

        Raises:
            UnreadableVideo: FFmpeg cannot read it, or it has no video stream that we decode.
        """
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        options = {
            "fd": str(self.descriptor),
            "protocol_whitelist": "fd",
            "format_whitelist": self.format,
            "codec_whitelist": _DECODERS,
            "max_streams": str(_MAX_STREAMS),
        }
        try:
            container = av.open("fd:", format=self.format, container_options=options, metadata_errors="replace")
        except (av.FFmpegError, ValueError, OSError) as error:
            raise UnreadableVideo(f"the file is damaged or incomplete ({_words(error)})") from error
        with container:
            stream = _main_stream(container, self.limits)
            # Without "explode" a decoder conceals damage: it invents pictures and says nothing.
            stream.codec_context.options = {
                "max_pixels": str(self.limits.max_pixels),
                "err_detect": "crccheck+bitstream+buffer+explode",
            }
            stream.codec_context.thread_count = threads
            stream.codec_context.thread_type = "NONE" if threads == 1 else "AUTO"
            yield container, stream


@contextmanager
def regular_file(path: Path, roots: Sequence[Path], max_bytes: int) -> Iterator[tuple[Path, int]]:
    """Real path and descriptor of `path` if it is a regular file inside one of `roots`, whatever its content.

    Raises:
        UnreadableVideo: with the reason why not; also for an I/O error while it is being read.
    """
    real = _resolve(path, roots)
    try:
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError as error:
        raise UnreadableVideo(_NO_PERMISSION) from error
    except OSError as error:
        raise UnreadableVideo(f"this file cannot be opened ({_words(error)})") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableVideo(f"this is {_kind(status.st_mode)}, not a file")
        if status.st_size > max_bytes:
            raise UnreadableVideo(f"this file is too big ({status.st_size:,} bytes; at most {max_bytes:,})")
        _check_still_inside(descriptor, roots)
        yield real, descriptor
    except OSError as error:
        raise UnreadableVideo(f"reading this file failed ({_words(error)})") from error
    finally:
        os.close(descriptor)


@contextmanager
def guarded_file(path: Path, roots: Sequence[Path], limits: MediaLimits = DEFAULT_LIMITS) -> Iterator[GuardedFile]:
    """Open `path` for reading if it is a media file inside one of `roots`, and close it on exit.

    Raises:
        UnreadableVideo: with the reason why not.
    """
    with regular_file(path, roots, limits.max_file_bytes) as (real, descriptor):
        state = _state(os.fstat(descriptor))
        if state[2] == 0:
            raise UnreadableVideo("this file is empty (0 bytes)")
        media_format = sniff_format(os.pread(descriptor, _SNIFF_BYTES, 0))
        if media_format is None:
            raise UnreadableVideo("this is no video file that we read (its first bytes are of no known video format)")
        yield GuardedFile(real, descriptor, media_format, state, limits)


def sniff_format(head: bytes) -> str | None:  # noqa: PLR0911 - a table of signatures reads best as one
    """FFmpeg's demuxer name for a file that begins with `head`, or None for what we do not read.

    Text formats (playlists, subtitles, scripts) have no signature and are never accepted.
    """
    if head[4:8] == b"ftyp":
        return None if head[8:12] in _STILL_BRANDS else "mov"
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[:4] == b"FLV\x01":
        return "flv"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if head[:4] == b"OggS":
        return "ogg"
    if head[:4] == b"\x30\x26\xb2\x75":
        return "asf"
    if head[:4] == b"\x00\x00\x01\xba":
        return "mpeg"
    for size, offset in _TS_PACKETS:
        marks = head[offset::size]
        if len(marks) >= 3 and set(marks[: (len(head) - offset) // size]) == {0x47}:
            return "mpegts"
    return None


def _resolve(path: Path, roots: Sequence[Path]) -> Path:
    if "\0" in str(path):
        raise UnreadableVideo("the file name contains a zero byte")
    try:
        real = path.resolve(strict=True)
        status = real.lstat()
    except FileNotFoundError as error:
        reason = "this is a link to a file that does not exist" if path.is_symlink() else "this file does not exist"
        raise UnreadableVideo(reason) from error
    except PermissionError as error:
        raise UnreadableVideo(_NO_PERMISSION) from error
    except RuntimeError as error:
        raise UnreadableVideo("this link leads back to itself") from error
    except OSError as error:
        raise UnreadableVideo(f"this file cannot be opened ({_words(error)})") from error
    if not _inside(real, roots):
        raise UnreadableVideo("this file lies outside the video folders (a link may lead there)")
    # A device or FIFO may act on being opened, so its kind is looked at before and, against a swap, after.
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableVideo(f"this is {_kind(status.st_mode)}, not a file")
    return real


def _inside(real: Path, roots: Sequence[Path]) -> bool:
    return any(real.is_relative_to(root.resolve()) for root in roots)


def _check_still_inside(descriptor: int, roots: Sequence[Path]) -> None:
    """A folder on the way may have been swapped for a link between looking and opening; Linux can tell."""
    link = Path(f"/proc/self/fd/{descriptor}")
    if link.exists() and not _inside(link.readlink(), roots):
        raise UnreadableVideo("this file moved outside the video folders while it was being opened")


def _state(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    return next((words for test, words in kinds if test(mode)), "a device")


def films(container: InputContainer) -> list[VideoStream]:
    """Video streams that are no cover pictures."""
    return [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]


def _main_stream(container: InputContainer, limits: MediaLimits) -> VideoStream:
    """The first film; every other stream is left out of demuxing."""
    candidates = films(container)
    if not candidates and len(container.streams) >= _MAX_STREAMS:
        raise UnreadableVideo(f"this file has more than {_MAX_STREAMS} streams, and the first ones are no video")
    if not candidates:
        raise UnreadableVideo("this file has no video, only sound or other streams")
    stream = candidates[0]
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    context = stream.codec_context
    if context is None:
        raise UnreadableVideo("the codec of this video cannot be told; it is damaged, or in a codec that nobody knows")
    if context.codec.canonical_name not in CODECS:
        raise UnreadableVideo(f"videos in {context.codec.canonical_name} are not supported; convert it to H.264")
    check_size(context.width, context.height, limits)
    return stream


def check_size(width: int, height: int, limits: MediaLimits) -> None:
    """Refuse sizes that no model could use and that only exist to exhaust memory.

    Raises:
        UnreadableVideo: no size, too big, or too narrow.
    """
    if width < 1 or height < 1:
        raise UnreadableVideo("the file does not tell its picture size; it is damaged or incomplete")
    if max(width, height) > limits.max_side or width * height > limits.max_pixels:
        raise UnreadableVideo(f"pictures of {width} x {height} are too big (at most {limits.max_side} a side)")
    if max(width, height) > limits.max_aspect * min(width, height):
        raise UnreadableVideo(f"pictures of {width} x {height} are too narrow to be seen by a model")


def _words(error: Exception) -> str:
    """FFmpeg's own words for an error, without its code and file name."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip().rstrip(".")
