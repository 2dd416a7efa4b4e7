"""The recipe of the guide, built from its text and run: a recipe of one's own is under 60 lines plus templates."""

import re
from pathlib import Path

import pytest

from tests.stages.conftest import Bench
from videopasta_assets.assets.pipeline import pipeline_definitions
from videopasta_assets.errors import UserError
from videopasta_assets.planning.plan import make_plan
from videopasta_assets.stages.recipes import recipe_of

GUIDE = Path(__file__).parents[2] / "docs" / "write-a-recipe.md"


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found.group(1)


@pytest.fixture
def own(bench: Bench) -> Bench:
    (bench.root / "half_seen.py").write_text(block("python"))
    template = bench.root / "prompts" / "half_seen" / "guess.j2"
    template.parent.mkdir()
    template.write_text(block("jinja"))
    bench.edit("recipe: {queries_per_video: 3, max_attempts: 2, prompts: prompts}", block("yaml").strip())
    return bench


def test_the_guides_recipe_is_short_and_makes_pairs(own: Bench) -> None:
    assert len([line for line in block("python").splitlines() if line.strip()]) < 60
    own.run()
    pairs = own.rows("verified_pairs")
    assert len(pairs) == 30 and {row["adv_strategy"] for row in pairs} == {"half_seen"}
    guesses = [request for request in own.engine.requests if request.prompt.template == "half_seen/guess"]
    assert guesses and all(request.clip and len(request.clip.plan.indices) == 2 for request in guesses)
    own.engine.forget()
    own.run()
    assert not own.engine.requests


def test_it_is_planned_and_it_is_assets_under_its_own_prefix(own: Bench) -> None:
    own.run()
    project = own.project
    template = own.root / "prompts" / "half_seen" / "guess.j2"
    template.write_text(template.read_text() + "Be bold.")
    steps = {step.asset: step for step in make_plan(own.project).steps if step.partition == "s000000"}
    assert steps["adversaries"].rows_stale == 20 and not steps["queries"].to_do
    keys = pipeline_definitions(project).resolve_asset_graph().get_all_asset_keys()
    assert {"half_seen/adversaries", "half_seen/verdicts", "half_seen/verified_pairs"} <= {
        key.to_user_string() for key in keys
    }


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("recipe = 3\n", "defines no recipe"),
        ("def recipe(project):\n    return None\n", "defines no recipe"),
        ("1 / 0\n", "the recipe's code fails: ZeroDivisionError"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_recipe_says_so(own: Bench, code: str | None, sentence: str) -> None:
    path = own.root / "half_seen.py"
    path.unlink() if code is None else path.write_text(code)
    with pytest.raises(UserError, match=sentence):
        recipe_of(own.project)


def test_the_name_is_the_projects(own: Bench) -> None:
    own.edit("name: half_seen", "name: other")
    with pytest.raises(UserError, match="named 'half_seen', the project's 'other'"):
        recipe_of(own.project)
