"""`videopasta ui`: Dagster's web server and daemon for this project, on this machine only."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import typer

from videopasta_assets.cli.console import say
from videopasta_assets.cli.options import HERE, ProjectOption, dagster_home, open_project
from videopasta_assets.errors import UserError, VideoPastaError

_HOST: Final = "127.0.0.1"
_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.5
_DEFINITIONS: Final = ("-m", "videopasta_assets.definitions")


def ui(
    project: ProjectOption = HERE,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Open the project in Dagster: web server and daemon on 127.0.0.1, until Ctrl-C."""
    opened = open_project(project)
    environment = {
        **os.environ,
        "VIDEOPASTA_PROJECT": str(opened.settings.root),
        "DAGSTER_HOME": str(dagster_home(opened)),
        "PYTHONWARNINGS": "ignore",
    }
    if not is_free(port):
        raise UserError(f"port {port} is in use", where=_HOST, fix="Stop what uses it, or give another --port.")
    commands = (
        ("dagster-webserver", *_DEFINITIONS, "--host", _HOST, "--port", str(port)),
        ("dagster-daemon", "run", *_DEFINITIONS),
    )
    with _signals_as_exit(), _processes(commands, environment, opened.settings.root) as processes:
        say("Starting Dagster ...")
        _wait_until_up(port, processes)
        say(f"Open http://{_HOST}:{port}   (Ctrl-C stops it)")
        _wait_until_one_ends(processes)
    raise VideoPastaError("Dagster stopped by itself; its messages are above.")


def is_free(port: int) -> bool:
    """Nobody listens on `port` of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


@contextmanager
def _processes(
    commands: Sequence[Sequence[str]], environment: dict[str, str], folder: Path
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run `commands` beside each other; on the way out all of them are interrupted and waited for.

    Each has a session of its own: a Ctrl-C in the terminal reaches this process alone, which then stops them in
    order, and their children with them.
    """
    bin_folder = Path(sys.executable).parent
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for program, *arguments in commands:
            command = [str(bin_folder / program), *arguments]
            processes.append(subprocess.Popen(command, env=environment, cwd=folder, start_new_session=True))
        yield processes
    finally:
        for process in processes:
            _signal_group(process, signal.SIGINT)
        deadline = time.monotonic() + _STOP_SECONDS
        for process in processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal_group(process, signal.SIGKILL)
                process.wait()


def _signal_group(process: subprocess.Popen[bytes], kind: signal.Signals) -> None:
    try:
        os.killpg(process.pid, kind)
    except ProcessLookupError:
        return


@contextmanager
def _signals_as_exit() -> Iterator[None]:
    """SIGTERM and SIGINT leave through the `finally` blocks, with exit code 0: stopping the UI is no failure."""

    def leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
        raise typer.Exit(0)

    before = {kind: signal.signal(kind, leave) for kind in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _wait_until_up(port: int, processes: Sequence[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if any(process.poll() is not None for process in processes):
            raise VideoPastaError("Dagster did not start; its messages are above.")
        try:
            with urllib.request.urlopen(f"http://{_HOST}:{port}/server_info", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(_POLL_SECONDS)
    raise VideoPastaError(f"Dagster did not answer within {_START_SECONDS:.0f} s.")


def _wait_until_one_ends(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    while all(process.poll() is None for process in processes):
        time.sleep(_POLL_SECONDS)
