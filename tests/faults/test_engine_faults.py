"""Bad servers under the whole stage graph: nothing lost, nothing doubled, no outage in rows, no key anywhere."""

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.engines import close_engines
from tests.cli.conftest import Invoke, invoke  # noqa: F401 - a fixture
from tests.fakes.counting_engine import OneEngine
from tests.fakes.faulty_server import FAULTS, FaultyServer
from tests.faults.fingerprint import addresses, defects, fingerprint
from tests.faults.served_project import KEY_VARIABLE, make_served_project, open_project
from videopasta_assets.config.serving import ServerSettings
from videopasta_assets.engines.openai_engine import OpenAIEngine
from videopasta_assets.engines.retry import RetryPolicy
from videopasta_assets.lake import Lake
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages import landing, pipeline

KEY = "sk-nowhere-but-in-the-header-42"
ATTEMPTS = 6
# Replies that were sent when the server died, but that nobody could read any more.
ON_THE_WAY = 8
_SLOW = ("stall", "drip")
_DRAWN = [kind for kind in FAULTS if kind not in _SLOW] * 8 + list(_SLOW)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer(key=KEY) as running:
        yield running
    close_engines()


def draw(digest: str, attempt: int) -> str | None:
    """Three tries of four go wrong, never all of a request's."""
    number = int(digest, 16) * 31 + attempt * 7919
    if attempt >= ATTEMPTS or number % 4 == 0:
        return None
    return _DRAWN[number // 4 % len(_DRAWN)]


def twins(root: Path, server: FaultyServer, **size: int) -> tuple[Path, Path]:
    """Two projects over the same files, down to their times of change."""
    first = make_served_project(root / "first", server.base_url, **size)  # type: ignore[arg-type]
    return first, Path(shutil.copytree(first, root / "second"))


def run(root: Path, server: FaultyServer) -> None:
    """The pairs of every shard, with backoffs that are short."""
    project = open_project(root)
    landing.land(project)
    settings = project.role("responder").server
    assert settings is not None
    engine = OpenAIEngine(
        "some-model",
        "1",
        project.reader,
        server=ServerSettings(**{**settings.model_dump(), "timeout_seconds": 0.4, "patience_seconds": 20.0}),
        retry=RetryPolicy(ATTEMPTS, first=0.001, longest=0.01),
    )
    try:
        for shard in list_shards(project.lake):
            pipeline.run_shard(project, shard, OneEngine(engine))
    finally:
        engine.close()


def content(root: Path) -> dict[str, str]:
    """Hashes of all that the stages of the shards wrote."""
    beyond = ("models/", "preference_sets/", "tables/preference_set/")
    return {name: found for name, found in fingerprint(root / "lake").items() if not name.startswith(beyond)}


def error_rows(root: Path) -> int:
    lake = Lake(root / "lake")
    return sum(row["error"] is not None for address in addresses(lake) for row in lake.rows(address))


def unclean(root: Path) -> list[str]:
    """Files with the key in them."""
    return [str(path) for path in root.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


@pytest.mark.slow
def test_a_thousand_faults_change_nothing(server: FaultyServer, tmp_path: Path) -> None:
    calm, stormy = twins(tmp_path, server, videos=11)
    run(calm, server)
    asked = set(server.answered)
    server.forget()

    server.fault = draw
    run(stormy, server)

    assert sum(server.faults.values()) >= 1000
    assert set(server.faults) == set(FAULTS)
    assert content(stormy) == content(calm)
    assert not defects(stormy / "lake", finished=True)
    assert error_rows(stormy) == 0
    assert set(server.answered) == asked
    assert set(server.answered.values()) == {1}
    assert not unclean(stormy)


@pytest.mark.slow
def test_a_server_that_dies_stops_the_run_and_a_later_run_asks_only_for_the_rest(
    server: FaultyServer,
    tmp_path: Path,
    invoke: Invoke,  # noqa: F811
) -> None:
    calm, broken = twins(tmp_path, server, videos=2, queries=3)
    run(calm, server)
    asked = set(server.answered)
    server.forget()

    def die_once(digest: str, attempt: int) -> None:
        if len(server.answered) == 10 and not dead.is_set():
            dead.set()
            threading.Thread(target=server.stop).start()

    dead = threading.Event()
    server.fault = die_once
    stopped = invoke("run", "-p", broken, "--no-train")
    assert dead.is_set()
    assert stopped.code == 1
    last = stopped.err.strip().splitlines()[-1]
    assert re.fullmatch(
        r"error: .*http://127\.0\.0\.1:\d+/v1: the server has given no good answer for \d+ s \(.*\); \d+ requests are "
        r"answered and kept, \d+ are left\. When it works again, `videopasta run` asks only for those\.",
        last,
    )
    assert error_rows(broken) == 0
    paid = set(server.answered)

    server.start()
    resumed = invoke("run", "-p", broken, "--no-train")
    assert resumed.code == 0, resumed.err
    assert content(broken) == content(calm)
    assert not defects(broken / "lake", finished=True)
    # One word is asked for to see whether the server is back.
    answered = {digest: count for digest, count in server.answered.items() if server.texts[digest] != "ping"}
    assert set(answered) == asked
    twice = {digest for digest, count in answered.items() if count > 1}
    assert twice <= paid
    assert len(twice) <= ON_THE_WAY
    assert KEY not in stopped.out + stopped.err + resumed.out + resumed.err
    assert not unclean(tmp_path)


def test_what_cannot_be_answered_is_an_error_row_until_it_is_retried(server: FaultyServer, tmp_path: Path) -> None:
    root = make_served_project(tmp_path / "project", server.base_url, videos=1, queries=3)
    poison: list[str] = []

    def one_of_them(digest: str, attempt: int) -> str | None:
        if not poison:
            poison.append(digest)
        return "error 500" if digest in poison else None

    server.fault = one_of_them
    run(root, server)
    lake = Lake(root / "lake")
    project = open_project(root)
    [failed] = [row for row in lake.rows(project.address("queries", list_shards(lake)[0])) if row["error"]]
    assert failed["error"].startswith("server_error: HTTP 500: CUDA error, key ")
    assert KEY not in failed["error"]
    assert not unclean(root)
    seen = sum(server.attempts.values())
    run(root, server)
    assert sum(server.attempts.values()) == seen, "error rows are kept"
