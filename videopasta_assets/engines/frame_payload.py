"""A clip's frames as a server takes them: inside the request, as data URLs."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from videopasta_assets.engines.video_metadata import video_metadata
from videopasta_assets.video.plan import FramePlan

FrameFormat = Literal["jpeg", "png"]
FrameTransport = Literal["video", "images"]

_JPEG_QUALITY: Final = 95
_NO_SUBSAMPLING: Final = 0
ENCODING: Final = f"jpeg {_JPEG_QUALITY} 4:4:4, png"
"""How frames are encoded: stored ones are as good as new ones while this is the same."""


@dataclass(frozen=True)
class FramePayload:
    """One clip, ready to be sent.

    Attributes:
        parts: content parts of a user message; they come before its text.
        media_io: what the server must know to read them; a key `media_io_kwargs` of the request, None: no such key.
    """

    parts: tuple[dict[str, Any], ...]
    media_io: dict[str, Any] | None = None


def frame_payload(
    frames: NDArray[np.uint8], plan: FramePlan, transport: FrameTransport, frame_format: FrameFormat
) -> FramePayload:
    """Encode the frames of a plan.

    Args:
        frames: shape (T, H, W, 3), RGB.
        plan: says which frames these are.
        transport: `video`: one video of pre-sampled frames with their indices and rate, as vLLM's servers take it
            (they need --trust-request-mm-kwargs); `images`: one image a frame, each after a line with its time,
            as every server for images takes it.
        frame_format: `jpeg` (quality 95, full chroma) or `png` (exact).
    """
    return payload_of(encoded_frames(frames, frame_format), plan, transport, frame_format)


def encoded_frames(frames: NDArray[np.uint8], frame_format: FrameFormat) -> list[bytes]:
    """Each of `frames` (T, H, W, 3) as the file of a picture."""
    return [_encoded(frame, frame_format) for frame in frames]


def payload_of(
    pictures: Sequence[bytes], plan: FramePlan, transport: FrameTransport, frame_format: FrameFormat
) -> FramePayload:
    """See `frame_payload`; of frames that are encoded."""
    encoded = [base64.b64encode(picture).decode("ascii") for picture in pictures]
    if transport == "video":
        # One URL for all frames. Its type names JPEG by vLLM's convention; the frames may be of any image format.
        url = f"data:video/jpeg;base64,{','.join(encoded)}"
        # Without num_frames -1 a server would keep the first 32 frames and say nothing.
        media_io = {"video": {**video_metadata(plan), "num_frames": -1}}
        return FramePayload(({"type": "video_url", "video_url": {"url": url}},), media_io)
    parts: list[dict[str, Any]] = []
    for time, image in zip(plan.timestamps, encoded, strict=True):
        parts.append({"type": "text", "text": f"{time:.2f} s:"})
        parts.append({"type": "image_url", "image_url": {"url": f"data:image/{frame_format};base64,{image}"}})
    return FramePayload(tuple(parts))


def _encoded(frame: NDArray[np.uint8], frame_format: FrameFormat) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(frame)
    if frame_format == "png":
        image.save(buffer, "PNG", compress_level=1)
    else:
        image.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=_NO_SUBSAMPLING)
    return buffer.getvalue()
