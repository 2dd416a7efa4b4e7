"""A vLLM server of ours: started on first use, shared by the processes that want the same, stopped after the last."""

import contextlib
import fcntl
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from videopasta_assets.engines import vllm_supervisor as supervisor
from videopasta_assets.engines.protocol import EngineError
from videopasta_assets.engines.vllm_supervisor import try_lock
from videopasta_assets.hashing import stable_hash

_HOST: Final = "127.0.0.1"
_POLL_SECONDS: Final = 0.5
_PROBE_SECONDS: Final = 5.0
_TAIL_BYTES: Final = 64 << 10
_SHOWN_CHARACTERS: Final = 300
_STARTS: Final = 2
_PORT_TAKEN: Final = re.compile(r"address already in use", re.IGNORECASE)
_ERROR_LINE: Final = re.compile(r"\b([A-Z]\w*(?:Error|Exception)(?:: .+)|error: .+)")
# Said after every failure; the reason stands before.
_EMPTY_REASONS: Final = ("Engine core initialization failed", "Engine process failed to start", "EngineDeadError")
_ADVICE: Final = (
    (
        re.compile(r"out of memory|No available memory|Free memory on|larger than the (available|maximum)", re.I),
        "Lower vllm.max_model_len or vllm.gpu_memory_utilization, free the GPU, or spread the model with vllm.gpus.",
    ),
    (
        re.compile(r"architectures? .* (not|fail)|no vLLM implementation|not supported", re.I),
        "Use a model that vLLM knows, a newer vLLM, or engine transformers.",
    ),
    (re.compile(r"unrecognized arguments|invalid choice|expected one argument", re.I), "Correct vllm.arguments."),
)

Devices = Callable[[], AbstractContextManager[tuple[dict[str, str], tuple[int, ...]]]]
"""Gives a server that is about to start its GPUs: environment variables, and descriptors of locks that it keeps."""


def no_devices() -> AbstractContextManager[tuple[dict[str, str], tuple[int, ...]]]:
    """Leaves a server the devices that this process sees."""
    return nullcontext(({}, ()))


def runtime_folder() -> Path:
    """Where servers keep locks and logs; a user's own."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "videopasta-assets" / "vllm"


@dataclass
class VllmProcess:
    """One server, by what it runs: processes that ask for equal commands share it.

    A lock of this process keeps the server up; the kernel lets go of it if the process is killed.

    Args:
        command: starts the server, but for its address.
        variables: environment variables beside this process's own.
        start_seconds: how long it may take to come up.
        idle_seconds: how long it is kept without a user.
        identity: what the model's files are; another identity is another server.
        devices: asked when a server is started.
    """

    command: Sequence[str]
    variables: dict[str, str]
    start_seconds: float
    idle_seconds: float
    identity: str = ""
    devices: Devices = no_devices
    _users: int | None = field(default=None, repr=False)
    _address: tuple[str, str] | None = field(default=None, repr=False)
    _supervisor: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def folder(self) -> Path:
        """Locks, state and log of this server."""
        key = stable_hash([*self.command], self.variables, self.identity)
        return runtime_folder() / key[:16]

    @property
    def log(self) -> Path:
        """What the server said since it was last started."""
        return self.folder / supervisor.LOG

    def ensure(self) -> tuple[str, str]:
        """Address (up to and with /v1) and key of the running server; it is started if it is not there.

        Raises:
            EngineError: it does not come up: one sentence with the reason from its log.
        """
        if self._address is not None and self.ended() is None:
            return self._address
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._users is None:
            # Waits while a server is being stopped for want of users.
            self._users = os.open(self.folder / supervisor.USERS, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            fcntl.flock(self._users, fcntl.LOCK_SH)
        with _locked(self.folder / "start.lock"):
            for last in (*[False] * (_STARTS - 1), True):
                if not self._is_supervised():
                    self._start()
                if self._comes_up() or last:
                    break
                # The port was taken between our choice and the server's: another one.
                if not _PORT_TAKEN.search(self._tail()):
                    break
            if (why := self.ended()) is not None:
                raise EngineError(f"vLLM did not come up: {why}")
            self._address = self._read_address()
        return self._address

    def ended(self) -> str | None:
        """How the server ended, with the reason from its log; None while it runs."""
        if self._is_supervised():
            return None
        state = self._read(supervisor.STATE)
        how = f"exit code {state['ended']}" if state.get("ended") is not None else "it was killed"
        reason = telling_line(self._tail())
        advice = next((f" {fix}" for pattern, fix in _ADVICE if pattern.search(reason)), "")
        return f"{reason or how} (log: {self.log}).{advice}"

    def release(self) -> None:
        """Let go of the server: it is stopped at once if nobody else uses it."""
        if self._users is None:
            return
        with _locked(self.folder / "start.lock"):
            os.close(self._users)
            self._users, self._address = None, None
            with try_lock(self.folder / supervisor.USERS, fcntl.LOCK_EX) as unused:
                if unused:
                    self._stop()

    def _start(self) -> None:
        port, key = _free_port(), secrets.token_hex(16)
        asked = {
            "command": [*self.command, "--host", _HOST, "--port", str(port)],
            "idle_seconds": self.idle_seconds,
            "base_url": f"http://{_HOST}:{port}/v1",
            "key": key,
        }
        with self.devices() as (variables, locks), self.log.open("wb") as log:
            environment = {**os.environ, **self.variables, **variables, "VLLM_API_KEY": key}
            _write_privately(self.folder / supervisor.COMMAND, json.dumps(asked))
            (self.folder / supervisor.STATE).unlink(missing_ok=True)
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", supervisor.__file__, str(self.folder)],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                pass_fds=locks,
                start_new_session=True,
            )
        while not self._read(supervisor.STATE) and self._supervisor.poll() is None:
            time.sleep(0.02)

    def _comes_up(self) -> bool:
        """Wait until the server answers; False when it ended or took too long, and then it is gone."""
        deadline = time.monotonic() + self.start_seconds
        base_url, key = self._read_address()
        while self._is_supervised():
            with contextlib.suppress(httpx2.HTTPError, OSError):
                found = httpx2.get(
                    f"{base_url}/models",
                    headers={"Authorization": f"Bearer {key}"},
                    timeout=_PROBE_SECONDS,
                    trust_env=False,
                )
                if found.status_code == httpx2.codes.OK:
                    return True
            if time.monotonic() > deadline:
                with self.log.open("ab") as log:
                    log.write(f"\nTimeoutError: no answer {self.start_seconds:g} s after the start\n".encode())
                self._stop()
            time.sleep(_POLL_SECONDS)
        return False

    def _stop(self) -> None:
        """End the supervisor, which ends its server, and wait for both."""
        process = self._read(supervisor.STATE).get("supervisor")
        # The lock tells that the number is still the supervisor's.
        if process is not None and self._is_supervised():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGTERM)
        while self._is_supervised():
            time.sleep(0.05)

    def _is_supervised(self) -> bool:
        if not self.folder.is_dir():
            return False
        with try_lock(self.folder / supervisor.SUPERVISOR, fcntl.LOCK_SH) as free:
            return not free

    def _read_address(self) -> tuple[str, str]:
        asked = self._read(supervisor.COMMAND)
        return str(asked["base_url"]), str(asked["key"])

    def _read(self, name: str) -> dict[str, Any]:
        try:
            data = json.loads((self.folder / name).read_text())
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def _tail(self) -> str:
        try:
            return self.log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace")
        except OSError:
            return ""


def telling_line(log: str) -> str:
    """The line of a log that says why a server ended: the last error that says anything; empty if there is none."""
    errors = [found.group(1).strip() for line in log.splitlines() if (found := _ERROR_LINE.search(line))]
    telling = [line for line in errors if not any(empty in line for empty in _EMPTY_REASONS)] or errors
    line = telling[-1] if telling else ""
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[: _SHOWN_CHARACTERS - 3]}..."


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((_HOST, 0))
        return int(found.getsockname()[1])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock, waiting for it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_privately(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
