"""Who is compared, with which settings, and under which name."""

from pathlib import Path

import pytest

from tests.fakes.bench_project import BenchProject
from videopasta_assets.errors import UserError
from videopasta_assets.stages.comparison import USUAL, contenders, project_of


@pytest.fixture
def bench(tmp_path: Path) -> BenchProject:
    made = BenchProject.make(tmp_path, videos=0)
    made.edit("recipe: {queries_per_video: 3", "recipe: {timewarp_explicit: {annotations: notes}, queries_per_video: 3")
    return made


def test_the_usual_ones_are_compared_where_nothing_is_named(bench: BenchProject) -> None:
    found = contenders(bench.project)
    assert {one.name for one in found} == {*USUAL} and found[0].name == "videopasta"
    assert all(one.recipe.iterations == 1 for one in found)
    by_name = {one.name: one for one in found}
    assert by_name["videopasta"].recipe == bench.project.settings.recipe, "the project's own settings"
    assert by_name["timewarp_explicit"].recipe.timewarp_explicit.annotations == Path("notes")
    assert by_name["videosavi"].recipe.queries_per_video == 6, "the paper's"


def test_baselines_train_on_the_pairs_of_the_own_recipe_in_runs_of_their_own(bench: BenchProject) -> None:
    runs = {}
    for one in contenders(bench.project, ["videopasta", "sft", "kto"]):
        project = project_of(bench.project, one, 20)
        (run,) = project.settings.experiments
        assert project.recipe == "videopasta" and run.max_pairs == 20
        runs[run.name] = run.training.objective
    assert runs == {"compare": "dpo", "compare-sft": "sft", "compare-kto": "kto"}


def test_the_own_recipe_is_compared_after_its_first_round(bench: BenchProject) -> None:
    bench.edit("recipe: {", "recipe: {iterations: 3, ")
    (own,) = contenders(bench.project, ["videopasta"])
    assert own.recipe.iterations == 1
    assert bench.project.settings.recipe.iterations == 3


def test_a_listed_recipe_keeps_its_settings(bench: BenchProject) -> None:
    bench.edit("experiments:", "compare: {recipes: [videopasta, {name: videosavi, iterations: 2}, sft]}\nexperiments:")
    found = {one.name: one for one in contenders(bench.project)}
    assert list(found) == ["videopasta", "videosavi", "sft"]
    assert found["videosavi"].recipe.iterations == 2
    assert found["videopasta"].recipe.queries_per_video == 3, "a bare name is the project's own recipe"


@pytest.mark.parametrize(("names", "sentence"), [(["tpo", "tpo"], "named twice"), (["nonsense"], "no recipe is named")])
def test_names_that_cannot_be_compared_are_refused(bench: BenchProject, names: list[str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        contenders(bench.project, names)
