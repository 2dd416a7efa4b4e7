"""Which frames a file holds, and when each is shown.

Where the container can be trusted (MP4 and Matroska with well-behaved codecs), packets alone tell: demuxing reads
the file but decodes one frame. Everything else (transport streams, AVI, GIF, ...) is decoded once, because there
the packets and the frames that come out of them differ. The number of frames that a header claims is never used.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import Final, cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from videopasta_assets.video.guard import GuardedFile, UnreadableVideo, check_size, films

_SEEKABLE: Final = {
    "mov": frozenset({"h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg", "prores"}),
    "matroska": frozenset({"h264", "hevc", "vp9", "av1", "mjpeg", "prores"}),
}
_PTS_OPTIONAL: Final = frozenset({"avi", "asf", "mpeg"})
"""Containers that may store no presentation times; the frame rate stands in for them."""
_DAMAGE_LIMIT: Final = 256
"""Undecodable packets in a row after which a stream is given up."""
_H264_IDR: Final = 5
_HEVC_IDR: Final = frozenset({16, 17, 18, 19, 20})
"""Broken-link and IDR pictures: nothing after them refers to anything before."""
_HEVC_PICTURES: Final = 32


@dataclass(frozen=True)
class Keyframe:
    """A packet that decoding can start at: when it is shown, and what to seek to; stream ticks."""

    pts: int
    seek: int


@dataclass(frozen=True)
class FrameIndex:
    """Frames of one file in presentation order.

    `ticks` are presentation times in units of `time_base` seconds, strictly ascending. `keyframes` are ascending;
    they are empty when the file has to be decoded from its start. `rotation` is how far (degrees, counterclockwise,
    a multiple of 90) a decoded picture must be turned to be upright; `width` and `height` are of the upright picture.
    `plain` is a file without surprises: one film, packets that tell its frames, every group of pictures closed.
    """

    ticks: tuple[int, ...]
    time_base: Fraction
    last_duration: int
    keyframes: tuple[Keyframe, ...]
    container: str
    codec: str
    width: int
    height: int
    rotation: int
    plain: bool

    @property
    def seconds(self) -> tuple[float, ...]:
        """Presentation times in seconds from the first frame."""
        first = self.ticks[0]
        return tuple(float((tick - first) * self.time_base) for tick in self.ticks)

    @property
    def key_numbers(self) -> tuple[int, ...]:
        """Frames, counted in presentation order, that decoding can start at."""
        starts = {keyframe.pts for keyframe in self.keyframes}
        return tuple(number for number, tick in enumerate(self.ticks) if tick in starts)

    @property
    def duration(self) -> float:
        """Seconds from the first frame's start to the last one's end."""
        return float((self.ticks[-1] - self.ticks[0] + self.last_duration) * self.time_base)

    @property
    def fps(self) -> float:
        """Average native frames per second."""
        return len(self.ticks) / self.duration


class _IndexMemory:
    """The latest indices, each valid while its file's state is unchanged."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[tuple[object, ...], FrameIndex] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, file: GuardedFile) -> FrameIndex:
        key = (file.state, file.limits)
        with self._lock:
            index = self._entries.get(key)
            if index is not None:
                self._entries.move_to_end(key)
                return index
        index = build_index(file)
        with self._lock:
            self._entries[key] = index
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
        return index


_MEMORY: Final = _IndexMemory(capacity=64)


def remembered_index(file: GuardedFile) -> FrameIndex:
    """`build_index`, once for each state of a file: a probe and the reads after it share it.

    Raises:
        UnreadableVideo: as `build_index`.
    """
    return _MEMORY.get(file)


def build_index(file: GuardedFile) -> FrameIndex:
    """Index the main video stream of `file`.

    Raises:
        UnreadableVideo: no frame can be decoded, or presentation times repeat or run backwards.
    """
    with file.open() as (container, stream):
        codec = stream.codec_context.codec.canonical_name
        scan = _scan_packets(container, stream, file) if codec in _SEEKABLE.get(file.format, frozenset()) else None
    with file.open() as (container, stream):
        frames = (frame for frame, _ in decoded(container, stream))
        first = next(frames, None)
        if first is None:
            raise UnreadableVideo("no frame of this video can be decoded; it is damaged or incomplete")
        check_size(first.width, first.height, file.limits)
        keyframes: tuple[Keyframe, ...] = ()
        plain = False
        durations: list[int]
        # Pictures that lead an open first group are in the file but never come out of a decoder.
        if scan is not None and first.pts == scan.ticks[0]:
            ticks, keyframes, durations = list(scan.ticks), scan.keyframes, [scan.last_duration]
            plain = scan.closed and len(films(container)) == 1
        else:
            ticks, durations = _decoded_times(first, frames, stream, file)
        time_base = stream.time_base or Fraction(1, 1000)
        if any(later <= earlier for earlier, later in pairwise(ticks)):
            raise UnreadableVideo("its timestamps repeat or run backwards; convert it again, for example with ffmpeg")
        rotation = round(first.rotation / 90) * 90 % 360
        upright = (first.width, first.height) if rotation % 180 == 0 else (first.height, first.width)
        return FrameIndex(
            ticks=tuple(ticks),
            time_base=time_base,
            last_duration=_last_duration(ticks, durations[-1], stream.average_rate, time_base),
            keyframes=keyframes,
            container=file.format,
            codec=codec,
            width=upright[0],
            height=upright[1],
            rotation=rotation,
            plain=plain,
        )


def decoded(container: InputContainer, stream: VideoStream) -> Iterator[tuple[VideoFrame, bool]]:
    """Decode on from where the demuxer stands: each frame, and whether its picture may be trusted.

    Damaged packets are passed over, as every player does; but pictures refer to others, so that none is to be
    trusted from the damage to the next keyframe.

    Raises:
        UnreadableVideo: the stream is so damaged that nothing comes out any more.
    """
    failures = 0
    trust = _Trust()
    for packet in packets(container, stream):
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            failures += 1
            if failures > _DAMAGE_LIMIT:
                raise UnreadableVideo("this video is damaged: most of it cannot be decoded") from error
            trust.refused(packet)
            continue
        trust.took(packet)
        if frames:
            failures = 0
        for frame in frames:
            yield frame, not frame.is_corrupt and trust.of(frame.pts)


class _Trust:
    """Which frames may be trusted: a decoder holds frames back, so that each is judged by when its packet went in."""

    def __init__(self) -> None:
        self._intact = True
        self._since: int | None = None
        self._of_packet: dict[int, bool] = {}

    def refused(self, packet: "Packet[VideoStream]") -> None:
        """The decoder complained; what it made of `packet` may still come out."""
        self._intact = False
        if packet.pts is not None:
            self._of_packet[packet.pts] = False

    def took(self, packet: "Packet[VideoStream]") -> None:
        """The decoder took `packet` without complaint. From a keyframe on, what is shown after it is whole again."""
        if packet.is_corrupt:
            self._intact = False
        elif packet.is_keyframe and not self._intact:
            self._intact, self._since = True, packet.pts
        if packet.pts is not None:
            early = self._since is not None and packet.pts < self._since
            self._of_packet[packet.pts] = self._intact and not early

    def of(self, pts: int | None) -> bool:
        """Whether the frame that came out at `pts` is one to trust."""
        return self._intact if pts is None else self._of_packet.pop(pts, self._intact)


def packets(container: InputContainer, stream: VideoStream) -> Iterator["Packet[VideoStream]"]:
    """Packets of `stream`, ended by an empty one that flushes the decoder; a torn end of the file is just its end.

    Raises:
        UnreadableVideo: it is encrypted, or the file announces streams midway, which PyAV cannot follow.
    """
    try:
        for number, packet in enumerate(container.demux(stream)):
            if number == 0 and packet.has_sidedata("encryption_info"):
                raise UnreadableVideo("this video is encrypted")
            yield packet
    except av.FFmpegError:
        flush = cast("Packet[VideoStream]", Packet())
        flush.stream = stream
        yield flush
    except IndexError as error:
        raise UnreadableVideo("new streams begin in the middle of this file; convert it with ffmpeg") from error


@dataclass(frozen=True)
class _PacketScan:
    ticks: tuple[int, ...]
    keyframes: tuple[Keyframe, ...]
    last_duration: int
    closed: bool


def _scan_packets(container: InputContainer, stream: VideoStream, file: GuardedFile) -> _PacketScan | None:
    """Frames and keyframes by demuxing, or None where packets alone do not tell."""
    shown: dict[int, int] = {}
    keyframes: list[Keyframe] = []
    delay: int | None = None
    codec = stream.codec_context.codec.canonical_name
    nal_length = _nal_length_size(stream)
    reorders = False
    closed = True
    for packet in packets(container, stream):
        if packet.size == 0 or packet.is_corrupt:
            continue
        pts = packet.pts
        if pts is None or pts in shown:
            return None
        reorders = reorders or pts != packet.dts
        fresh = packet.is_keyframe and (nal_length is None or _is_idr(packet, codec, nal_length))
        closed = closed and fresh == packet.is_keyframe
        # H.264 has keyframes that need frames from before them; what leads one of H.265 is left out by its decoder.
        if fresh or (packet.is_keyframe and codec == "hevc"):
            # FFmpeg seeks MP4 by decoding time, moved by the delay between the two times; Matroska by presentation.
            seek = pts
            if file.format == "mov" and packet.dts is not None:
                delay = pts - packet.dts if delay is None else delay
                seek = packet.dts + delay
            keyframes.append(Keyframe(pts, seek))
        # An edit list leaves out frames that are still needed to decode the others.
        if not packet.is_discard:
            shown[pts] = int(packet.duration or 0)
        if len(shown) > file.limits.max_frames:
            raise UnreadableVideo(f"this video has more than {file.limits.max_frames:,} frames")
    if not shown or not keyframes or keyframes != sorted(keyframes, key=lambda keyframe: keyframe.pts):
        return None
    # Frames that are stored out of order, but whose times say that they are not: only the decoder can tell.
    if stream.codec_context.has_b_frames and not reorders and len(shown) > 1:
        return None
    ticks = tuple(sorted(shown))
    return _PacketScan(ticks, tuple(keyframes), shown[ticks[-1]], closed)


def _nal_length_size(stream: VideoStream) -> int | None:
    """Bytes of a NAL unit's length in H.264 and H.265 with a configuration record (ISO 14496-15), else None."""
    record = stream.codec_context.extradata
    position = {"h264": 4, "hevc": 21}.get(stream.codec_context.codec.canonical_name)
    if position is None or not record or record[0] != 1 or len(record) <= position:
        return None
    return (record[position] & 3) + 1


def _is_idr(packet: "Packet[VideoStream]", codec: str, length_size: int) -> bool:
    """Whether a keyframe starts anew. Others (recovery points, open groups) have to do with frames before them."""
    data = bytes(packet)
    position = 0
    while position + length_size < len(data):
        length = int.from_bytes(data[position : position + length_size], "big")
        head = data[position + length_size]
        if codec == "hevc":
            if (head >> 1 & 0x3F) < _HEVC_PICTURES:
                return (head >> 1 & 0x3F) in _HEVC_IDR
        elif 1 <= (head & 0x1F) <= _H264_IDR:
            return (head & 0x1F) == _H264_IDR
        position += length_size + length
    return False


def _decoded_times(
    first: VideoFrame, rest: Iterator[VideoFrame], stream: VideoStream, file: GuardedFile
) -> tuple[list[int], list[int]]:
    times = [first.pts]
    durations = [int(first.duration or 0)]
    for frame in rest:
        times.append(frame.pts)
        durations.append(int(frame.duration or 0))
        if len(times) > file.limits.max_frames:
            raise UnreadableVideo(f"this video has more than {file.limits.max_frames:,} frames")
    known = [time for time in times if time is not None]
    if len(known) == len(times) and all(a < b for a, b in pairwise(known)):
        return known, durations
    rate = stream.average_rate or stream.guessed_rate
    if file.format in _PTS_OPTIONAL and rate and stream.time_base:
        step = 1 / (rate * stream.time_base)
        return [round(position * step) for position in range(len(times))], [round(step)]
    if len(known) < len(times):
        raise UnreadableVideo("its frames carry no timestamps; convert it again, for example with ffmpeg")
    return known, durations


def _last_duration(ticks: list[int], stored: int, rate: Fraction | None, time_base: Fraction) -> int:
    """How long the last frame is shown: what the file says, else the usual step, else one frame at its rate."""
    if stored > 0:
        return stored
    if len(ticks) > 1:
        return max(1, round(median(later - earlier for earlier, later in pairwise(ticks))))
    return max(1, round(1 / (rate * time_base))) if rate else max(1, round(Fraction(1, 25) / time_base))
