"""A real daemon: videos that are dropped into the folder become verified pairs, and nobody asks for it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from resources.project import open_project
from tests.e2e.conftest import Shell
from videopasta_assets.stages.project import good_rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SETTINGS = """
automation: {enabled: [new_videos, staleness], look_seconds: 2, settle_seconds: 2, staleness_seconds: 5}
videos: {per_shard: 2}
frames: {dense: {value: 16, max_frames: 16}, sparse: {value: 3, max_frames: 4}}
recipe: {queries_per_video: 3, max_attempts: 1}
"""
DAEMON = Path(sys.executable).parent / "dagster-daemon"
PATIENCE = 240.0


class Daemon:
    """`dagster-daemon` of a project, with the settings that `videopasta init` wrote."""

    def __init__(self, project: Path, log: Path) -> None:
        environment = {
            **os.environ,
            "VIDEOPASTA_PROJECT": str(project),
            "DAGSTER_HOME": str(project / ".dagster"),
            "PYTHONWARNINGS": "ignore",
        }
        self.log = log
        self.process = subprocess.Popen(
            [str(DAEMON), "run", "-m", "videopasta_assets.definitions"],
            env=environment,
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_for(self, what: str, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            if is_there():
                return
            time.sleep(0.5)
        pytest.fail(f"no {what}; the daemon said:\n{self.log.read_text(errors='replace')[-4000:]}")

    def stop(self) -> None:
        """End it and everything that it started."""
        self.process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)


@pytest.fixture
def daemon(shell: Shell, tmp_path: Path) -> Iterator[Daemon]:
    (shell.project / "videopasta.yaml").write_text(SETTINGS)
    running = Daemon(shell.project, tmp_path / "daemon.log")
    try:
        yield running
    finally:
        running.stop()


def test_dropped_videos_become_verified_pairs(shell: Shell, daemon: Daemon, tmp_path: Path) -> None:
    other = Shell(tmp_path / "elsewhere")
    assert other("init", other.project).code == 0
    assert other("toyworld", "--videos", 2, "--benchmark-videos", 1, "--items", 1).code == 0
    project = open_project(shell.project)
    sources = sorted((other.project / "videos").glob("*.mp4"))
    assert len(sources) == 2
    for source in sources:
        shutil.copy(source, shell.project / "videos" / source.name)

    daemon.wait_for("shard", (project.lake.root / "shards" / "s000000.json").exists)
    daemon.wait_for(
        "verified pairs", lambda: project.lake.manifest(project.address("verified_pairs", "s000000")) is not None
    )
    pairs = list(good_rows(project, "verified_pairs", "s000000"))
    verdicts = list(good_rows(project, "verdicts", "s000000"))
    assert len({row["video_id"] for row in verdicts}) == 2
    assert pairs
    # The staleness sensor goes on where the other ended: the pairs become a preference set, and then it is quiet.
    joined = project.address("preference_set", "all")
    daemon.wait_for("preference set", lambda: project.lake.manifest(joined) is not None)
    assert {row["pair_id"] for row in project.lake.rows(joined)} == {row["pair_id"] for row in pairs}
    assert shell("plan", "--select", "videos,verified_pairs,preference_set", "--json").json["nothing_to_do"]
