"""A server of ours comes up once, is shared, and goes with its last user, whatever becomes of anybody."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.fakes import slow_server
from videopasta_assets.engines import EngineError
from videopasta_assets.engines.vllm_process import VllmProcess, telling_line

SERVER = slow_server.__file__

Make = Callable[..., VllmProcess]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made: list[VllmProcess] = []

    def build(*arguments: str, start: float = 30.0, idle: float = 30.0, identity: str = "") -> VllmProcess:
        made.append(VllmProcess([sys.executable, SERVER, *arguments], {}, start, idle, identity))
        return made[-1]

    yield build
    for process in made:
        process.release()


def server_of(process: VllmProcess) -> psutil.Process:
    return psutil.Process(process._read("state.json")["server"])


def gone(process: psutil.Process, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_users_share_a_server_and_the_last_one_stops_it(make: Make) -> None:
    first, second, other = make(), make(), make(identity="other weights")
    address = first.ensure()
    assert second.ensure() == address == first.ensure()
    assert address[0].startswith("http://127.0.0.1:")
    assert other.ensure() != address
    server = server_of(first)
    first.release()
    assert second.ended() is None
    assert server.is_running()
    second.release()
    assert gone(server, 0.0)
    assert not list(second.folder.glob("*.new"))
    assert oct((second.folder / "command.json").stat().st_mode & 0o777) == "0o600"


def test_the_next_run_finds_the_server_warm_until_it_was_idle_for_too_long(make: Make, tmp_path: Path) -> None:
    code = (
        "from videopasta_assets.engines.vllm_process import VllmProcess\n"
        f"print(VllmProcess([{sys.executable!r}, {SERVER!r}], {{}}, 30.0, 2.0).ensure())"
    )
    run = [sys.executable, "-c", code]
    first = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60)
    warm = make(idle=2.0)
    assert str(warm.ensure()) == first.stdout.strip()
    server = server_of(warm)
    os.close(warm._users or -1)  # as if this process had been killed
    warm._users = warm._address = None
    assert gone(server)


def test_a_killed_server_is_noticed_and_started_again(make: Make) -> None:
    process = make()
    address = process.ensure()
    server_of(process).kill()
    assert gone(psutil.Process(process._read("state.json").get("supervisor", 1)))
    assert "exit code -9" in str(process.ended())
    assert process.ensure() != address


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent death signal is Linux's")
def test_a_server_does_not_outlive_its_killed_supervisor(make: Make) -> None:
    process = make()
    process.ensure()
    server = server_of(process)
    os.kill(process._read("state.json")["supervisor"], signal.SIGKILL)
    assert gone(server)
    assert "killed" in str(process.ended())


@pytest.mark.parametrize(
    ("said", "tells"),
    [
        (
            "ValueError: Model architecture X is not supported\nRuntimeError: Engine core initialization failed.",
            r"ValueError: Model architecture X is not supported.*log: .*server\.log.*Use a model that vLLM knows",
        ),
        ("torch.OutOfMemoryError: CUDA out of memory.", r"OutOfMemoryError.*Lower vllm\.max_model_len"),
        ("api_server.py: error: unrecognized arguments: --x", r"unrecognized arguments: --x.*Correct vllm\.arguments"),
        ("nothing that helps", r"exit code 3 \(log: "),
    ],
)
def test_a_server_that_does_not_come_up_is_one_sentence_with_its_reason(make: Make, said: str, tells: str) -> None:
    process = make("--fail", said)
    with pytest.raises(EngineError, match=f"^vLLM did not come up: .*{tells}"):
        process.ensure()
    assert said.splitlines()[-1] in process.log.read_text()


def test_one_that_takes_too_long_is_ended(make: Make) -> None:
    process = make("--after", "60", start=0.5)
    with pytest.raises(EngineError, match=r"no answer 0\.5 s after the start"):
        process.ensure()
    assert not process._is_supervised()


def test_a_port_that_was_taken_meanwhile_is_not_the_end(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = make(identity="the port's owner")
    taken = int(holder.ensure()[0].rsplit(":", 1)[1].split("/")[0])
    from videopasta_assets.engines import vllm_process

    free, ports = vllm_process._free_port, [taken]
    monkeypatch.setattr(vllm_process, "_free_port", lambda: ports.pop() if ports else free())
    assert str(taken) not in make().ensure()[0]


def test_the_telling_line_of_a_log() -> None:
    log = "INFO a: b\n(EngineCore pid=9) ERROR 11-20 [core.py:12] KeyError: 'vision'\nfailed\n"
    assert telling_line(log) == "KeyError: 'vision'"
    assert telling_line("") == ""
    assert len(telling_line(f"ValueError: {'x' * 900}")) == 300
