"""Agreement of people and the verifier, from rows that were written by hand."""

from pathlib import Path

import pytest

from dbt_like_sql.views import connect
from videopasta_assets.lake import TABLES, Address, Lake

VERDICTS = (
    # attempt, mode, what people said in order, the verifier's verdict
    ("a", "spatial", ("accepted",), "accepted"),
    ("b", "spatial", ("rejected", "accepted"), "accepted"),
    ("c", "spatial", ("accepted", "commented"), "rejected_similar"),
    ("d", "spatial", ("rejected",), "accepted"),
    ("e", "temporal", ("rejected",), "rejected_off_mode"),
    ("f", "temporal", ("accepted", "withdrawn"), "accepted"),
    ("g", "temporal", ("commented",), "accepted"),
    ("h", "temporal", ("accepted",), None),
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(tmp_path)
    rows = []
    for key, mode, decisions, verdict in VERDICTS:
        for decision in decisions:
            place = len(rows) + 1
            columns = {
                "row_key": f"{place:09d}",
                "human_verdict_id": f"{place:09d}",
                "ordinal": place,
                "adversary_id": key,
                "query_id": "q",
                "adv_mode": mode,
                "decision": decision,
                "author": "Ada",
                "comment": "'; DROP VIEW human_verdicts; --",
                "verdict": verdict,
                "aligned_version": "new",
                "adversary_version": "new",
            }
            rows.append(TABLES["human_verdicts"].versioned({**columns, "provenance": "by hand"}))
    made.write(Address("human_verdicts", "videopasta", "s000000"), rows, {})
    response = {"row_key": "q", "provenance": "x", "response_id": "q", "query_id": "q"}
    aligned = TABLES["aligned_responses"].versioned(response) | {"data_version": "new"}
    made.write(Address("aligned_responses", "videopasta", "s000000"), [aligned], {})
    adversaries = [
        TABLES["adversaries"].versioned({"row_key": key, "provenance": "x", "adversary_id": key})
        | {"data_version": "new" if key != "d" else "newer"}
        for key, *_ in VERDICTS
    ]
    made.write(Address("adversaries", "videopasta", "s000000"), adversaries, {})
    return made


def test_the_last_decision_that_was_not_withdrawn_counts(lake: Lake) -> None:
    with connect(lake) as connection:
        found = connection.execute("SELECT adversary_id, decision, agrees, counts FROM human_decisions").fetchall()
    assert sorted(found) == [
        ("a", "accepted", True, True),
        ("b", "accepted", True, True),
        ("c", "accepted", False, True),
        ("d", "rejected", False, False),
        ("e", "rejected", True, True),
        ("h", "accepted", None, True),
    ]


def test_agreement(lake: Lake) -> None:
    query = """SELECT adv_mode, decided, both_accepted, both_rejected, only_person_accepted, only_verifier_accepted,
               agreement, kappa, verifier_precision, verifier_recall FROM human_agreement"""
    with connect(lake) as connection:
        found = {row[0]: row[1:] for row in connection.execute(query).fetchall()}
    assert found["spatial"] == (4, 2, 0, 1, 1, 0.5, pytest.approx(-1 / 3), pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert found["temporal"] == (1, 0, 1, 0, 0, 1.0, None, None, None)
    assert found["all"][:6] == (5, 2, 1, 1, 1, 0.6)
