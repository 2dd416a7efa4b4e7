"""Runs inside vLLM's environment: how its server reads the frames of a request, as hashes.

python vllm_frames.py < chat_completion.json
"""

import asyncio
import hashlib
import json
import sys

from vllm.multimodal.media import MediaConnector


async def main() -> None:
    body = json.load(sys.stdin)
    [url] = [part["video_url"]["url"] for part in body["messages"][-1]["content"] if part["type"] == "video_url"]
    connector = MediaConnector(media_io_kwargs=body["media_io_kwargs"])
    video = await connector.fetch_video_async(url)
    frames, metadata = getattr(video, "media", video)
    digests = [hashlib.sha256(frame.tobytes()).hexdigest() for frame in frames]
    sys.stdout.write(json.dumps({"frames": digests, "metadata": metadata}, default=str) + "\n")


asyncio.run(main())
