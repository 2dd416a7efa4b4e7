"""Sets of others as recipes: imported, switched to, and paired without a model."""

import json

import pytest

from tests.stages.conftest import Bench
from videopasta_assets.errors import UserError
from videopasta_assets.stages.recipes.imported import import_preferences
from videopasta_assets.taxonomy import FailureMode


def line(number: int, video: str, **changes: object) -> str:
    row = {"id": f"p{number}", "video": video, "prompt": "What?", "chosen": f"yes {number}", "rejected": "no"}
    return json.dumps({**row, **changes})


def test_an_imported_set_is_one_word_of_the_project_file(bench: Bench) -> None:
    source = bench.root / "set.jsonl"
    lines = [line(0, "video 1"), line(1, "video 2.mp4", mode="spatial"), line(2, "video 1"), line(3, "gone"), "{"]
    source.write_text("\n".join(lines))
    done = import_preferences(bench.project, source, "hound_17k", FailureMode.TEMPORAL)
    assert done.pairs == 3 and [one.line for one in done.aside] == [4, 5]
    assert done.quarantine is not None and len(done.quarantine.read_text().splitlines()) == 2
    bench.edit("recipe: {queries_per_video: 3, max_attempts: 2, prompts: prompts}", "recipe: hound_17k")
    bench.run()
    pairs = bench.rows("verified_pairs")
    assert not bench.engine.requests
    assert {(row["chosen"], row["adv_mode"]) for row in pairs} == {
        ("yes 0", "temporal"),
        ("yes 1", "spatial"),
        ("yes 2", "temporal"),
    }
    source.write_text("\n".join(lines[:1]))
    import_preferences(bench.project, source, "hound_17k", FailureMode.TEMPORAL)
    bench.run()
    assert {row["chosen"] for row in bench.rows("verified_pairs")} == {"yes 0"}


def test_a_file_without_one_pair_says_why(bench: Bench) -> None:
    source = bench.root / "set.jsonl"
    source.write_text(line(0, "elsewhere"))
    with pytest.raises(UserError, match=r"none of 1 lines.*line 1: no video of the folder is named 'elsewhere'"):
        import_preferences(bench.project, source, "hound", FailureMode.TEMPORAL)
    with pytest.raises(UserError, match="cannot be read"):
        import_preferences(bench.project, bench.root / "absent", "hound", FailureMode.TEMPORAL)


def test_an_unknown_recipe_says_what_there_is(bench: Bench) -> None:
    bench.edit("recipe: {queries_per_video: 3, max_attempts: 2, prompts: prompts}", "recipe: houndd")
    with pytest.raises(UserError, match=r"no recipe is named 'houndd'.*videosavi"):
        bench.run()
