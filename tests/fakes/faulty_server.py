"""An OpenAI-compatible server that answers by rule, and misbehaves on order.

A reply depends on its request alone, so that a run with faults can be compared with one without. Every fault is a
real one, on a real socket. The server remembers what it did.
"""

import hashlib
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

from tests.fakes.http_server import LocalServer

FAULTS: Final = (
    "stall",
    "hang up",
    "reset",
    "busy",
    "busy until",
    "error 500",
    "error 503",
    "truncated",
    "not json",
    "no choices",
    "empty",
    "endless",
    "drip",
    "aborted",
)
"""What can be ordered."""

Fault = Callable[[str, int], str | None]
"""From a request's digest and the number of the attempt (from 1) to a fault, or None."""


class FaultyServer(LocalServer):
    """Answers every task of the pipeline.

    Args:
        fault: decides what goes wrong.
        key: the only API key that is let in; None: everybody is.
        reply: text from (user text, digest).
        patience: seconds that a stalled answer hangs.
    """

    def __init__(
        self,
        fault: Fault = lambda digest, attempt: None,
        *,
        key: str | None = None,
        reply: Callable[[str, str], str] | None = None,
        patience: float = 1.0,
    ) -> None:
        self.fault = fault
        self.key = key
        self.reply = reply or by_rule
        self.patience = patience
        self.lock = threading.Lock()
        self.attempts: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.texts: dict[str, str] = {}
        self.at_once = 0
        self.most_at_once = 0
        self.log: list[tuple[float, str, str]] = []
        super().__init__(_Handler, self)

    def forget(self) -> None:
        with self.lock:
            self.attempts.clear()
            self.faults.clear()
            self.answered.clear()
            self.log.clear()
            self.most_at_once = 0

    def order(self, digest: str, text: str) -> str | None:
        """Count an attempt; what is to go wrong with it."""
        with self.lock:
            self.texts[digest] = text
            self.attempts[digest] += 1
            kind = self.fault(digest, self.attempts[digest])
            if kind is not None:
                self.faults[kind] += 1
            self.log.append((time.monotonic(), digest, kind or "good"))
            return kind


def by_rule(text: str, digest: str) -> str:
    """An answer for each task, told apart by the template's first word."""
    task = text.split("/", maxsplit=1)[0].split(":", maxsplit=1)[0]
    if task == "query":
        return f"what happens to {digest}?"
    if task == "verify":
        accepted = int(digest, 16) % 2 == 0
        verdict = {"preferred_ok": True, "is_contradiction": accepted, "is_rephrase": False, "mode_specific": True}
        return json.dumps({**verdict, "reason": "by rule"})
    return f"{task} {digest}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    context: FaultyServer

    def setup(self) -> None:
        super().setup()
        self.context = self.server.context  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        if self._let_in():
            self._send(200, {"data": [{"id": "some-model"}]})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._let_in():
            return
        body = json.loads(content)
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:12]
        with self.context.lock:
            self.context.at_once += 1
            self.context.most_at_once = max(self.context.most_at_once, self.context.at_once)
        try:
            kind = self.context.order(digest, _text(body))
            if kind is None:
                self._good(body, digest)
            else:
                self._bad(kind, body, digest)
        finally:
            with self.context.lock:
                self.context.at_once -= 1

    def _good(self, body: dict[str, Any], digest: str) -> None:
        text = self.context.reply(_text(body), digest)
        # Before it is sent: whoever has the answer finds it counted.
        with self.context.lock:
            self.context.answered[digest] += 1
        self._send(200, _completion(text))

    def _bad(self, kind: str, body: dict[str, Any], digest: str) -> None:
        if kind in _ANSWERS:
            status, data, wait = _ANSWERS[kind]
            self._send(status, data, {} if wait is None else {"Retry-After": wait})
            return
        whole = json.dumps(_completion(by_rule(_text(body), digest))).encode()
        match kind:
            case "error 500":
                self._send(500, {"error": {"message": f"CUDA error, key {self.headers['Authorization']}"}})
            case "error 503":
                self._raw(503, b"<html>bad gateway</html>")
            case "not json":
                self._raw(200, whole[:-9])
            case "endless":
                self._endless(b"x" * 65536, 0.0)
            case "drip":
                self._endless(b" ", 0.02)
            case "truncated":
                self._cut(self._head(200, len(whole)) + whole[: len(whole) // 2])
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._cut(b"HTTP/1.1 200 OK\r\n")
            case "stall":
                time.sleep(self.context.patience)
                self._cut(b"")
            case "hang up":
                self._cut(b"")
            case _:
                raise ValueError(kind)

    def _endless(self, piece: bytes, pause: float) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        end = time.monotonic() + 30
        try:
            while time.monotonic() < end:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                time.sleep(pause)
        except OSError:
            pass
        self.close_connection = True

    def _let_in(self) -> bool:
        if self.context.key is None or self.headers["Authorization"] == f"Bearer {self.context.key}":
            return True
        self._send(401, {"error": {"message": f"Incorrect API key provided: {self.headers['Authorization']}"}})
        return False

    def _cut(self, content: bytes) -> None:
        self.wfile.write(content)
        self.close_connection = True

    def _send(self, status: int, data: Any, headers: dict[str, str] | None = None) -> None:
        self._raw(status, json.dumps(data).encode(), headers)

    def _raw(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.wfile.write(self._head(status, len(content), headers) + content)

    def _head(self, status: int, length: int, headers: dict[str, str] | None = None) -> bytes:
        lines = [f"HTTP/1.1 {status} status", f"Content-Length: {length}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Silent."""


def _text(body: dict[str, Any]) -> str:
    content = body["messages"][-1]["content"]
    return str(content if isinstance(content, str) else content[-1]["text"])


def _completion(text: str, finish: str = "stop") -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return {"choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}


_ANSWERS: Final[dict[str, tuple[int, Any, str | None]]] = {
    "busy": (429, {"error": {"message": "too many requests"}}, "0.05"),
    "busy until": (503, {"error": "overloaded"}, "0.02"),
    "wait": (429, {"error": {"message": "slow down"}}, "0.6"),
    "wait an hour": (429, {"error": {"message": "quota"}}, "3600"),
    "no choices": (200, {"object": "chat.completion", "choices": []}, None),
    "empty": (200, _completion("  "), None),
    "aborted": (200, _completion("half an ans", "abort"), None),
    "filtered": (200, _completion("", "content_filter"), None),
    "refused": (400, {"error": {"message": "this cannot be parsed"}}, None),
    "too long": (400, {"object": "error", "message": "maximum context length is 8 tokens"}, None),
    "gone": (404, {"detail": "Not Found"}, None),
}
"""Faults that are well-formed answers: status, body, Retry-After."""
