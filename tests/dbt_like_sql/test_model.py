"""Parsing models: references, versions, checks; mistakes name file and line."""

from pathlib import Path

import pytest

from dbt_like_sql.catalog import load_models
from dbt_like_sql.model import parse_model
from videopasta_assets.errors import UserError

GOOD = """-- Pairs by mode,
-- counted.
-- column adv_mode: The mode.
-- check: unique adv_mode
-- check: accepted_values adv_mode (spatial, temporal, cross_frame)

WITH good AS (SELECT * FROM verified_pairs WHERE error IS NULL)
SELECT adv_mode, count(*) AS pairs FROM good
WHERE video_id IN (SELECT video_id FROM videos)
GROUP BY adv_mode
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.sql"
    path.write_text(text)
    return path


def test_a_model_is_read_from_its_header_and_query(tmp_path: Path) -> None:
    model = parse_model(write(tmp_path, "pairs", GOOD))
    assert model.description == "Pairs by mode, counted."
    assert model.columns == {"adv_mode": "The mode."}
    assert [check.kind for check in model.checks] == ["unique", "accepted_values"]
    assert model.references == {"verified_pairs": 7, "videos": 9}


def test_layout_and_comments_do_not_change_the_version_but_meaning_does(tmp_path: Path) -> None:
    version = parse_model(write(tmp_path, "pairs", GOOD)).code_version
    laid_out = GOOD.replace("SELECT adv_mode, count(*)", "select\n  adv_mode, -- a word\n  COUNT(*)")
    assert parse_model(write(tmp_path, "pairs", laid_out)).code_version == version
    assert parse_model(write(tmp_path, "pairs", GOOD.replace("IS NULL", "IS NOT NULL"))).code_version != version
    assert parse_model(write(tmp_path, "pairs", GOOD.replace("unique adv", "not_null adv"))).code_version != version


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            GOOD.replace("FROM verified_pairs", "FROM verified_pair"),
            r"pairs.sql, line 7: no table or model "
            r"'verified_pair'. Did you mean 'verified_pairs'\?",
        ),
        (GOOD.replace("GROUP BY adv_mode", "GROUP BY )"), r"pairs.sql, line 10: this SQL does not parse"),
        (GOOD + "; DROP TABLE videos", r"pairs.sql, line 1: a model is exactly one SELECT"),
        ("COPY videos TO 'x'", r"pairs.sql, line 1: a model is exactly one SELECT"),
        (GOOD.replace("check: unique", "check: uniq"), r"pairs.sql, line 4: unknown check 'uniq'. Use one of: unique,"),
        (GOOD.replace("unique adv_mode", "unique adv mode"), r"pairs.sql, line 4: check 'unique' cannot be read"),
        (GOOD.replace("unique adv_mode", "holds a > )"), r"pairs.sql, line 4: check holds a > \) is no SQL"),
    ],
)
def test_a_mistake_names_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, "pairs", text)
    with pytest.raises(UserError, match=message):
        load_models(tmp_path)


def test_models_come_after_what_they_read(tmp_path: Path) -> None:
    write(tmp_path, "aaa", "SELECT * FROM zzz")
    write(tmp_path, "zzz", "SELECT * FROM videos")
    assert [model.name for model in load_models(tmp_path)] == ["zzz", "aaa"]


def test_circles_and_taken_names_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "one", "SELECT * FROM two")
    write(tmp_path, "two", "SELECT * FROM one")
    with pytest.raises(UserError, match="models read each other in a circle: "):
        load_models(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    write(other, "videos", "SELECT 1 AS a")
    with pytest.raises(UserError, match="'videos' is a table of the lake already"):
        load_models(other)
    bad = tmp_path / "bad"
    bad.mkdir()
    write(bad, "Not-a-name", "SELECT 1 AS a")
    with pytest.raises(UserError, match="lower case letters"):
        load_models(bad)


def test_the_guide_lists_every_model_with_what_it_answers() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "sql.md").read_text()
    for model in load_models():
        first = model.description.split(". ")[0].rstrip(".")
        assert f"| `{model.name}` | {first}. |" in guide, "python docs/generate.py writes it"
