"""Each kind of check finds exactly the rows that break it."""

import duckdb
import pytest

from dbt_like_sql.check import parse_check

ROWS = "(VALUES ('a', 1, 2), ('a', 1, NULL), ('b', 5, 3)) AS rows(name, low, high)"


@pytest.mark.parametrize(
    ("line", "broken"),
    [
        ("unique name, low", 1),
        ("unique name, high", 0),
        ("not_null name", 0),
        ("not_null name, high", 1),
        ("accepted_values name (a, b)", 0),
        ("accepted_values name (a, c)", 1),
        ("accepted_values name (it's)", 3),
        ("refers name -> other.name", 1),
        ("holds low <= high", 1),
        ("holds low <= coalesce(high, 9)", 1),
        ("holds low > 0", 0),
    ],
)
def test_violations(line: str, broken: int) -> None:
    with duckdb.connect() as connection:
        connection.execute(f'CREATE VIEW "model" AS SELECT * FROM {ROWS}')
        connection.execute("CREATE VIEW other AS SELECT 'a' AS name")
        check = parse_check(line, "here")
        assert len(connection.execute(check.violations("model")).fetchall()) == broken


def test_names_are_words_that_dagster_takes() -> None:
    assert parse_check("holds a <= b AND c", "here").name == "holds_a_b_and_c"
