"""`videopasta ui` in a real browser: the graph shows, and a click on Materialize makes an artifact."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import COMMAND, Shell

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PLAYWRIGHT = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here"),
]

GROUPS = ("1_landing", "2_generation", "3_verification", "4_training", "5_evaluation", "6_questions")


class WebInterface:
    """A running `videopasta ui`."""

    def __init__(self, project: Path) -> None:
        self.project = project
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [str(COMMAND), "ui", "--project", str(project), "--port", str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.address}/server_info", timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        pytest.fail(f"the web interface did not start: {self.stop()}")

    def ask(self, query: str) -> Any:
        """Data of a GraphQL query."""
        request = urllib.request.Request(
            f"{self.address}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["data"]

    def stop(self) -> str:
        """Interrupt it as Ctrl-C does; returns what it had said."""
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=60)[1]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebInterface]:
    """The web interface of a project whose videos have landed, and nothing more."""
    shell = Shell(tmp_path_factory.mktemp("ui") / "project")
    assert shell("init", shell.project).code == 0
    assert shell("toyworld", "--videos", 2, "--benchmark-videos", 1, "--items", 3).code == 0
    landed = shell("run", "--select", "videos")
    assert landed.code == 0, landed.err
    running = WebInterface(shell.project)
    try:
        running.wait()
        yield running
    finally:
        if running.process.poll() is None:
            running.stop()


@pytest.fixture
def page(web: WebInterface) -> Iterator[Any]:
    with PLAYWRIGHT.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--headless=new", "--disable-gpu", "--disable-background-networking"],
        )
        opened = browser.new_page(viewport={"width": 1600, "height": 1000})
        opened.set_default_timeout(60_000)
        yield opened
        browser.close()


def keep_picture(page: Any, name: str) -> None:
    """A screenshot for a person to look at, where VIDEOPASTA_SCREENSHOTS names a folder."""
    folder = os.environ.get("VIDEOPASTA_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def test_the_graph_shows_the_pipeline_in_order(web: WebInterface, page: Any) -> None:
    page.goto(f"{web.address}/asset-groups/~/", wait_until="domcontentloaded")
    for group in GROUPS:
        page.get_by_text(group, exact=True).first.wait_for()
    keep_picture(page, "graph")


def test_a_click_materializes(web: WebInterface, page: Any) -> None:
    page.goto(f"{web.address}/assets/videopasta/sampled_videos", wait_until="domcontentloaded")
    page.get_by_text("Never materialized").first.wait_for()
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_role("button", name=re.compile("Launch (1-)?(1 )?(run|backfill)")).click()
    query = """{ assetOrError(assetKey: {path: ["videopasta", "sampled_videos"]}) { ... on Asset {
        assetMaterializations(limit: 1) { partition runId } } } }"""
    deadline = time.monotonic() + 180
    made: list[Any] = []
    while not made and time.monotonic() < deadline:
        time.sleep(2)
        made = web.ask(query)["assetOrError"]["assetMaterializations"]
    assert [one["partition"] for one in made] == ["s000000"]
    run = web.ask(f'{{ runOrError(runId: "{made[0]["runId"]}") {{ ... on Run {{ status }} }} }}')
    assert run["runOrError"]["status"] in ("STARTED", "SUCCESS")
    page.goto(f"{web.address}/assets/videopasta/sampled_videos", wait_until="domcontentloaded")
    page.get_by_text("s000000").first.wait_for()
    page.get_by_text("Row count").first.wait_for()
    keep_picture(page, "sampled_videos")


def test_it_listens_on_this_machine_only(web: WebInterface) -> None:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    listening = {line.split()[1] for line in lines if line.split()[3] == "0A"}
    assert f"0100007F:{web.port:04X}" in listening
    assert f"00000000:{web.port:04X}" not in listening


def test_a_second_one_on_the_same_port_is_told_so(web: WebInterface) -> None:
    said = Shell(web.project).mistake("ui", "--port", web.port)
    assert f"port {web.port} is in use" in said


def test_ctrl_c_stops_everything(web: WebInterface) -> None:
    children = subprocess.run(
        ["pgrep", "-f", f"dagster.*{web.port}"], capture_output=True, text=True, check=False
    ).stdout.split()
    assert children
    web.stop()
    assert web.process.returncode == 0
    left = [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert not left
