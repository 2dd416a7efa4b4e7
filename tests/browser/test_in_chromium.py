"""The page as a person meets it: in a browser, with keyboard, filters, verdicts, ten thousand pairs and bad texts."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import CHROMIUM, chromium_page, keep_picture, open_page, until
from tests.browser.conftest import HOSTILE
from tests.browser.synthetic import synthetic_catalog
from tests.fakes.bench_project import BenchProject
from videopasta_assets.browser.export import export
from videopasta_assets.browser.page_text import render_page
from videopasta_assets.browser.server import Browser, application
from videopasta_assets.stages.project import Project

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here"),
]

PAIRS = 10_000


@pytest.fixture
def page() -> Iterator[Any]:
    with chromium_page() as opened:
        yield opened


def shown(page: Any) -> str:
    return str(page.inner_text("#shown"))


def test_from_disk_without_a_network_and_with_hostile_texts(project: Project, tmp_path: Path, page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    done = export(project, tmp_path / "pairs.html", strips="files")
    open_page(page, done.page.as_uri())
    assert shown(page) == f"Showing {done.attempts} of {done.attempts} attempts"
    for _ in range(6):
        page.keyboard.press("j")
        until(page, "[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    keep_picture(page, "hostile")
    assert page.evaluate("window.hacked") is None
    assert page.locator("#detail img[src='x']").count() == 0
    assert page.locator(".answer .text").last.inner_text().endswith(HOSTILE.strip().split()[-1])
    assert {url.split(":")[0] for url in asked} <= {"file", "data"}
    assert page.complaints == []
    assert page.locator(".live:visible").count() == 0


def test_filters_keyboard_and_links(project: Project, tmp_path: Path, page: Any) -> None:
    done = export(project, tmp_path / "pairs.html", strips="none")
    open_page(page, done.page.as_uri())
    page.select_option("#verdict", "accepted")
    page.select_option("#mode", "temporal")
    rows = page.evaluate("matching.map(place => [attempts[place].verdict, attempts[place].mode])")
    assert 0 < len(rows) < done.attempts
    assert all(row == ["accepted", "temporal"] for row in rows)
    assert shown(page) == f"Showing {len(rows)} of {done.attempts} attempts"
    assert page.inner_text(".place") == f"1 / {len(rows)}"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("End")
    assert page.inner_text(".place") == f"{len(rows)} / {len(rows)}"
    page.keyboard.press("k")
    assert page.inner_text(".place") == f"{len(rows) - 1} / {len(rows)}"
    link = page.url
    assert link.endswith(page.evaluate("attempts[matching[current]].id"))
    page.keyboard.press("/")
    page.keyboard.type("no such words")
    until(page, "document.getElementById('shown').textContent.startsWith('Showing 0 of')")
    assert "No attempt matches" in page.inner_text("#detail")
    page.click("button[type=reset]")
    until(page, "matching.length === attempts.length")
    open_page(page, link)
    assert page.url == link
    assert page.complaints == []


def test_differing_words_are_marked(page: Any, tmp_path: Path) -> None:
    data = synthetic_catalog(3)
    data["queries"][0]["chosen"] = "The red ball is left of the box."
    for attempt in data["attempts"]:
        attempt["text"] = "The red ball is right of the box, and  BEHIND it."
    (tmp_path / "p.html").write_text(render_page(data))
    open_page(page, (tmp_path / "p.html").as_uri())
    assert page.locator(".chosen mark").all_inner_texts() == ["left"]
    assert page.locator(".rejected mark").all_text_contents() == ["right", "and  BEHIND it."]
    assert page.locator(".rejected .text").text_content() == data["attempts"][0]["text"]


def test_ten_thousand_pairs_are_smooth(page: Any, tmp_path: Path) -> None:
    (tmp_path / "p.html").write_text(render_page(synthetic_catalog(PAIRS)))
    open_page(page, (tmp_path / "p.html").as_uri())
    assert shown(page) == f"Showing {2 * PAIRS:,} of {2 * PAIRS:,} attempts"
    assert page.locator("#rows li").count() < 60
    timed = {
        "filter by words": "byId('text').value = 'behind camera'; applyFilters(true)",
        "filter by mode": "byId('text').value = ''; byId('mode').value = 'spatial'; applyFilters(true)",
        "scroll": "byId('list').scrollTop += 5000; drawRows()",
        "next": "move(1)",
        "last": "move(Infinity)",
    }
    for name, action in timed.items():
        best = page.evaluate(
            f"Math.min(...[1, 2, 3].map(() => {{ const from = performance.now(); {action}; "
            "document.body.offsetHeight; return performance.now() - from }))"
        )
        assert best < 250, f"{name} took {best:.0f} ms"
    assert page.locator("#rows li[aria-current]").count() == 1
    keep_picture(page, "ten-thousand")


def test_nothing_moves_when_pictures_arrive(project: Project, tmp_path: Path, page: Any) -> None:
    done = export(project, tmp_path / "pairs.html", strips="files")
    page.add_init_script(
        "window.shifts = []; new PerformanceObserver(list => list.getEntries().forEach(one => window.shifts.push("
        "[one.value, ...one.sources.map(source => source.node && (source.node.id || source.node.className || "
        "source.node.nodeName))]))).observe({type: 'layout-shift', buffered: true})"
    )
    open_page(page, done.page.as_uri())
    for _ in range(5):
        page.keyboard.press("j")
        page.wait_for_timeout(150)
    shifts = page.evaluate("window.shifts")
    assert sum(shift[0] for shift in shifts) < 0.01, shifts


@pytest.mark.parametrize(
    ("scheme", "width", "height"), [("light", 1400, 1000), ("dark", 1400, 1000), ("dark", 420, 900)]
)
def test_it_fits_in_light_and_dark_wide_and_narrow(
    project: Project, tmp_path: Path, scheme: str, width: int, height: int
) -> None:
    done = export(project, tmp_path / "pairs.html")
    with chromium_page(scheme=scheme, width=width, height=height) as page:
        open_page(page, done.page.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(int(part) for part in ground[4:-1].split(",")) > 3 * 128) == (scheme == "light")
        keep_picture(page, f"{scheme}-{width}")


@pytest.fixture
def served(bench: BenchProject) -> Iterator[str]:
    """Address of a running server over a copy of the project."""
    import uvicorn

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = application(Browser(project=bench.project, author="Ada <i>L</i>", port=port))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join(20)


def test_a_person_judges_by_keyboard(served: str, bench: BenchProject, page: Any) -> None:
    open_page(page, served)
    until(page, "[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    first = page.evaluate("attempts[matching[current]].id")
    page.keyboard.press("c")
    page.keyboard.type(HOSTILE.replace("\u2028", ""))
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.press("j")
    page.keyboard.press("a")
    until(page, "attempts.filter(one => one.opinions.length).length === 2")
    page.keyboard.press("k")
    assert "rejected" in page.inner_text(".said")
    assert "Ada <i>L</i>" in page.inner_text(".said")
    keep_picture(page, "judged")
    project = bench.project
    rows = [
        row
        for shard in project.lake.shards_of("human_verdicts", project.recipe)
        for row in project.lake.rows(project.address("human_verdicts", shard))
    ]
    assert [row["decision"] for row in sorted(rows, key=lambda row: row["decided_at"])] == ["rejected", "accepted"]
    assert next(row for row in rows if row["adversary_id"] == first)["comment"].startswith("</script>")
    open_page(page, served)
    assert page.evaluate("attempts.filter(one => one.opinions.length).length") == 2
    page.select_option("#person", "rejected")
    assert shown(page).startswith("Showing 1 of")
    assert page.evaluate("window.hacked") is None
    assert page.complaints == []


def test_a_lost_server_is_told(served: str, page: Any) -> None:
    open_page(page, served)
    page.route("**/verdicts", lambda route: route.abort())
    page.keyboard.press("a")
    page.get_by_text("Not saved: the server does not answer").wait_for()
