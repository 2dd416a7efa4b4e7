"""An OpenAI-compatible server over a real model: the same transformers code, reached over HTTP.

It reads requests as vLLM does: frames from one data URL, their indices and rate from `media_io_kwargs`, the name of
a LoRA adapter in the place of the model's.
"""

import base64
import io
import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.fakes.http_server import LocalServer
from videopasta_assets.engines import Decoding, Request
from videopasta_assets.engines.transformers_engine import TransformersEngine
from videopasta_assets.hashing import stable_hash
from videopasta_assets.prompts import Prompt
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.plan import FramePlan

MODEL: Final = "tiny-at-the-server"


class PostedFrames:
    """A frame reader that knows only frames that came over the wire."""

    name = "posted"

    def __init__(self) -> None:
        self.frames: dict[Path, NDArray[np.uint8]] = {}

    def read(
        self,
        path: Path,
        indices: Sequence[int],
        *,
        max_side: int | None = None,
        timestamps: Sequence[float] | None = None,
    ) -> NDArray[np.uint8]:
        return self.frames[path]


class ModelServer(LocalServer):
    """Serves the model in `folder` as `MODEL`; adapters are loaded when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.reader = PostedFrames()
        self.engine = TransformersEngine(folder, None, self.reader, device="cpu")
        self.adapters: dict[str, str] = {}
        self.bodies: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        super().__init__(_Handler, self)

    def complete(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.lock:
            self.bodies.append(body)
            if body["model"] != MODEL and body["model"] not in self.adapters:
                return 404, {"error": {"message": f"The model `{body['model']}` does not exist.", "code": 404}}
            reply = next(iter(self.engine.generate([self._request(body)])))
        if reply.error is not None:
            words = "This model's maximum context length is 512 tokens. However, your request has more."
            return 400, {"error": {"message": words, "type": "BadRequestError", "code": 400}}
        usage = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens}
        choice = {"message": {"role": "assistant", "content": reply.text}, "finish_reason": str(reply.finish_reason)}
        return 200, {"choices": [choice], "usage": {**usage, "prompt_tokens_details": {"cached_tokens": 1}}}

    def _request(self, body: dict[str, Any]) -> Request:
        *system, user = body["messages"]
        content = user["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        clip = None
        if parts[0]["type"] == "video_url":
            clip = self._clip(parts[0]["video_url"]["url"], body["media_io_kwargs"]["video"])
        prompt = Prompt(parts[-1]["text"], system[0]["content"] if system else "", "posted", "0")
        decoding = Decoding(
            body["max_tokens"], body["temperature"], body.get("top_p", 1.0), body.get("repetition_penalty", 1.0)
        )
        return Request("r", prompt, clip, decoding, body.get("seed", 0), adapter=self.adapters.get(body["model"]))

    def _clip(self, url: str, media: dict[str, Any]) -> Clip:
        encoded = url.removeprefix("data:video/jpeg;base64,").split(",")
        images = [np.asarray(Image.open(io.BytesIO(base64.b64decode(frame)))) for frame in encoded]
        path = Path(stable_hash(url))
        self.reader.frames[path] = np.stack(images)
        indices = tuple(media["frames_indices"])
        assert media["num_frames"] == -1
        assert len(indices) == len(images)
        times = tuple(index / media["fps"] for index in indices)
        plan = FramePlan("posted", indices, times, media["total_num_frames"], media["fps"], media["duration"], "h")
        return Clip(path.name, path, plan)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server: ModelServer = self.server.context  # type: ignore[attr-defined]
        self._send(200, {"data": [{"id": name} for name in (MODEL, *server.adapters)]})

    def do_POST(self) -> None:
        server: ModelServer = self.server.context  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/load_lora_adapter"):
            server.adapters[body["lora_name"]] = body["lora_path"]
            self._send(200, {})
        else:
            self._send(*server.complete(body))

    def _send(self, status: int, data: dict[str, Any]) -> None:
        content = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Silent."""
