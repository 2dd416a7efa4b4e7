"""The local server shows the lake and takes verdicts from its own page alone."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.browser.conftest import HOSTILE
from tests.fakes.bench_project import BenchProject
from videopasta_assets.browser.server import Browser, application
from videopasta_assets.lake import connect
from videopasta_assets.stages import verified_pairs
from videopasta_assets.stages.project import Project

PORT = 3999
HOST = f"127.0.0.1:{PORT}"


@pytest.fixture
def client(bench: BenchProject) -> Iterator[TestClient]:
    """For tests that write."""
    app = application(Browser(project=bench.project, author="Ada", port=PORT))
    with TestClient(app, base_url=f"http://{HOST}") as opened:
        yield opened


@pytest.fixture(scope="module")
def reading(made: BenchProject) -> Iterator[TestClient]:
    """For tests whose verdicts are all refused."""
    app = application(Browser(project=made.project, author="Ada", port=PORT))
    with TestClient(app, base_url=f"http://{HOST}") as opened:
        yield opened
    assert not made.project.lake.shards_of("human_verdicts", made.project.recipe)


@pytest.fixture(scope="module")
def data(reading: TestClient) -> Any:
    """Data of the page, as a browser that loaded it holds it."""
    return data_of(reading)


def data_of(client: TestClient) -> Any:
    text = client.get("/").text
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def verdict_on(data: Any, **changes: Any) -> dict[str, Any]:
    attempt = next(row for row in data["attempts"] if row["paired"])
    return {
        "shard": attempt["shard"],
        "adversary_id": attempt["id"],
        "decision": "rejected",
        "comment": "",
        "aligned_version": data["queries"][attempt["query"]]["version"],
        "adversary_version": attempt["version"],
        **changes,
    }


def post(client: TestClient, data: Any, body: Any, **headers: str) -> Any:
    return client.post("/verdicts", json=body, headers={"X-Videopasta-Token": data["live"]["token"], **headers})


def test_a_verdict_is_a_row_with_author_and_time_and_wins(client: TestClient, bench: BenchProject) -> None:
    page = data_of(client)
    body = verdict_on(page, comment=HOSTILE)
    answer = post(client, page, body, Origin=f"http://{HOST}")
    assert answer.status_code == 201
    assert answer.json()["author"] == "Ada"
    opinions = next(row for row in data_of(client)["attempts"] if row["id"] == body["adversary_id"])["opinions"]
    assert opinions == [answer.json()]
    outcome = verified_pairs.run(bench.project, body["shard"])
    assert outcome.dropped == 1
    with connect(bench.project.lake) as connection:
        row = connection.execute("SELECT author, decision, comment, verdict FROM human_verdicts").fetchall()
        assert row == [("Ada", "rejected", HOSTILE.strip(), "accepted")]
        assert connection.execute("SELECT decided_at IS NOT NULL FROM human_verdicts").fetchall() == [(True,)]


def test_a_verdict_needs_the_token(reading: TestClient, data: Any) -> None:
    body = verdict_on(data)
    for token in ("", "wrong", "é"):
        assert reading.post("/verdicts", json=body, headers={"X-Videopasta-Token": token.encode()}).status_code == 403
    assert reading.get("/verdicts").status_code == 405


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1", f"https://{HOST}"])
def test_other_sites_are_refused(reading: TestClient, data: Any, origin: str) -> None:
    assert post(reading, data, verdict_on(data), Origin=origin).status_code == 403
    assert reading.get("/", headers={"Origin": origin}).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", f"127.0.0.1:{PORT + 1}"])
def test_other_host_names_are_refused(reading: TestClient, host: str) -> None:
    answer = reading.get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert "application/json" not in answer.text


def test_answers_cannot_be_framed_or_sniffed(reading: TestClient) -> None:
    headers = reading.get("/").headers
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_strips_are_pictures_of_the_plan(reading: TestClient, data: Any) -> None:
    for video in data["videos"]:
        for role in ("dense", "sparse"):
            answer = reading.get("/" + video[role]["src"])
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "image/jpeg"
            assert answer.content.startswith(b"\xff\xd8")
    known = data["videos"][0]["id"]
    for path in (
        f"strips/{known}/dense?another-plan",
        f"strips/{known}/huge",
        "strips/none/dense",
        "strips/../x/dense",
    ):
        assert reading.get(f"/strips/{path}").status_code == 404


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"decision": "perhaps"}, "no decision 'perhaps'"),
        ({"decision": None}, "field 'decision' is missing"),
        ({"comment": 7}, "field 'comment' is missing"),
        ({"shard": "../../etc"}, "not in the lake"),
        ({"adversary_id": "x"}, "not in the lake"),
        ({"adversary_version": "x"}, "have changed since"),
        ({"comment": "x" * 5000}, "5000 characters"),
        ({"decision": "commented"}, "the comment is empty"),
    ],
)
def test_bad_verdicts_are_one_sentence(reading: TestClient, data: Any, changes: dict[str, Any], said: str) -> None:
    answer = post(reading, data, verdict_on(data, **changes))
    assert answer.status_code == 422
    assert said in answer.json()["error"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"[" * 60_000, b'{"shard": "\\ud800"}', b"x" * 70_000])
def test_bad_bodies_are_refused(reading: TestClient, data: Any, body: bytes) -> None:
    headers = {"X-Videopasta-Token": data["live"]["token"], "Content-Type": "application/json"}
    assert reading.post("/verdicts", content=body, headers=headers).status_code == 422
    headers["Content-Type"] = "text/plain"
    assert reading.post("/verdicts", content=b"{}", headers=headers).status_code == 422


def test_the_token_is_not_shown(project: Project) -> None:
    browser = Browser(project=project, author="Ada", port=PORT)
    assert browser.token not in repr(browser)
    assert len(browser.token) >= 43
