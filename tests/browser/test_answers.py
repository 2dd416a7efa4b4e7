"""The page of benchmark items: what training fixed and broke, with the frames, and without what cannot be had."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.browser.chromium import CHROMIUM, chromium_page, keep_picture, open_page, until
from tests.browser.conftest import HOSTILE
from tests.faults.kill_project import make_project, open_project
from videopasta_assets.browser.answers import AnswerSelection, load_answers
from videopasta_assets.browser.export import export_answers
from videopasta_assets.browser.server import HOST, AnswerBrowser, application
from videopasta_assets.errors import UserError
from videopasta_assets.lake import TABLES
from videopasta_assets.stages.benchmark_answers import BASE, partition
from videopasta_assets.stages.benchmark_items import items_of
from videopasta_assets.stages.project import Project

FIRST = AnswerSelection("first")
PORT = 3001
CHOSEN = {"item-0": (0, 0), "item-1": (1, 3), "item-2": (0, 2), "item-3": (None, 3), "item-4": (1, 2)}
"""What base and tuned chose; the right option of item n is n modulo 4. The tuned model was not asked item 5."""


def put_answers(project: Project) -> None:
    """Rows as scoring would leave them, with hostile texts."""
    for side, (model, name) in enumerate(((BASE, "base"), ("first", "tuned"))):
        rows = []
        for item in items_of(project, "held-out"):
            place = CHOSEN.get(item.item_id, (None, None))[side]
            row: dict[str, Any] = {
                "row_key": item.item_id,
                "item_id": item.item_id,
                "experiment": model,
                "benchmark": "held-out",
                "model": name,
                "mode": item.mode,
                "category": item.category,
                "video_id": item.video_id,
                "question": f"{item.question} {HOSTILE}",
                "options": list(item.options),
                "answer_index": item.answer_index,
            }
            if item.item_id not in CHOSEN:
                row["error"] = "time-out"
            else:
                reply = HOSTILE if place is None else item.options[place]
                row |= {"reply": reply, "predicted_index": place, "parsed": place is not None}
                row |= {"correct": place == item.answer_index}
            rows.append(TABLES["benchmark_answers"].versioned({**row, "provenance": "by hand"}))
        project.lake.write(project.address("benchmark_answers", partition(model, "held-out")), rows, {})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("answers") / "project <b>"
    make_project(root, videos=0)
    put_answers(open_project(root))
    return root


@pytest.fixture
def project(root: Path) -> Project:
    return open_project(root)


def test_items_that_changed_come_first_and_who_was_not_asked_counts_for_neither(project: Project) -> None:
    catalog = load_answers(project, FIRST)
    assert [(item["item"], item["change"]) for item in catalog.items] == [
        ("item-1", "broken"),
        ("item-2", "fixed"),
        ("item-3", "fixed"),
        ("item-4", "both_wrong"),
        ("item-0", "both_right"),
        ("item-5", "left_out"),
    ]
    assert len(catalog.videos) == 2
    assert [len(load_answers(project, AnswerSelection("first", items=count)).items) for count in (2, 100)] == [2, 6]
    assert load_answers(project, AnswerSelection("first", items=2)).items_in_lake == 6


def test_a_name_that_is_not_there_is_one_sentence(project: Project) -> None:
    with pytest.raises(UserError, match="second"):
        load_answers(project, AnswerSelection("second"))
    with pytest.raises(UserError, match="no benchmark is named 'mvbench'"):
        load_answers(project, AnswerSelection("first", "mvbench"))


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1]))


def test_an_export_has_pictures_or_says_why_not(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "copy")
    (tmp_path / "copy" / "benchmark" / "held out 1.mp4").unlink()
    done = export_answers(open_project(tmp_path / "copy"), tmp_path / "answers.html", FIRST)
    data = data_of(done.page.read_text(encoding="utf-8"))
    assert (done.items, done.videos, done.lost) == (6, 1, 0)
    assert data["videos"][0]["dense"]["src"].startswith("data:image/jpeg")
    for item in data["items"]:
        number = int(item["item"][-1])
        assert (item["video"] is None) == (number % 2 == 1)
        assert number % 2 == 0 or "the benchmark's video is missing" in item["unseen"]


def test_the_server_shows_and_takes_no_verdicts(project: Project) -> None:
    browser = AnswerBrowser(project=project, port=PORT, selection=FIRST)
    with TestClient(application(browser), base_url=f"http://{HOST}:{PORT}") as client:
        data = data_of(client.get("/").text)
        picture = client.get(f"/{data['videos'][0]['dense']['src']}")
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
        assert client.post("/verdicts", json={}).status_code == 404


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
def test_as_a_person_sees_it(project: Project, tmp_path: Path) -> None:
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    done = export_answers(project, tmp_path / "answers.html", FIRST)
    with chromium_page() as page:
        open_page(page, done.page.as_uri())
        assert page.inner_text("#shown") == "Showing 6 of 6 items"
        until(page, "[...document.images].every(one => one.complete && one.naturalWidth > 0)")
        keep_picture(page, "answers")
        assert page.locator(".options li").count() == 4
        assert page.locator(".options li.right .chip").all_inner_texts() == ["right answer", "base"]
        page.select_option("#change", "changed")
        assert page.inner_text("#shown") == "Showing 3 of 6 items"
        page.select_option("#mode", "temporal")
        assert page.inner_text("#shown") == "Showing 1 of 6 items"
        page.evaluate("document.activeElement.blur()")
        page.select_option("#mode", "")
        page.select_option("#replies", "not_read")
        assert page.locator(".answer .chip").all_inner_texts() == ["wrong: could not be read", "right"]
        assert page.locator(".answer .text").first.inner_text().startswith("</script>")
        assert page.locator("#kind-label:visible").count() == 0
        assert page.evaluate("window.hacked") is None
        assert page.complaints == []
