"""A training set of several recipes' pairs, by numbers."""

import pytest

from tests.stages.conftest import Bench
from videopasta_assets.errors import UserError
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.lora_checkpoint import derive, experiment_named, training_pairs, versions
from videopasta_assets.stages.set_gates import instruction_free
from videopasta_assets.stages.training_set import training_set

OWN = "recipe: {queries_per_video: 3, max_attempts: 2, prompts: prompts}"
OTHER = "recipe: {name: timewarp_implicit, prompts: prompts, queries_per_video: 2}"


def test_so_many_pairs_of_each_recipe_whatever_they_are_named(bench: Bench) -> None:
    bench.run()
    preference_set.run(bench.project)
    bench.edit(OWN, OTHER)
    bench.run()
    preference_set.run(bench.project)
    bench.edit(OTHER, f"{OTHER}\nexperiments: [{{name: combined, mixture: {{videopasta: 4, timewarp_implicit: 3}}}}]")
    project = bench.project
    drawn = training_set(project, experiment_named(project, "combined"))
    assert drawn is not None and len(drawn.members) == 7
    assert sorted(member["pair_recipe"] for member in drawn.members) == ["timewarp_implicit"] * 3 + ["videopasta"] * 4
    assert len({member["pair_id"] for member in drawn.members}) == 7
    assert instruction_free(project, drawn.members).passed, "each pair is held against its own recipe's instruction"
    pairs = training_pairs(project, drawn.members)
    assert [pair.chosen for pair in pairs] == [member["chosen"] for member in drawn.members]
    assert set(versions(project, "combined")) == {"preference_set of timewarp_implicit", "preference_set of videopasta"}
    before = derive(project, "combined")[0].provenance
    bench.edit("videopasta: 4", "videopasta: 5")
    assert derive(bench.project, "combined")[0].provenance != before
    bench.edit("videopasta: 5", "videopasta: 5000")
    with pytest.raises(UserError, match=r"'videopasta' has .* pairs, and 5000 are wanted"):
        derive(bench.project, "combined")
