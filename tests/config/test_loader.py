"""Mistakes in the project file are one sentence that names the key and what to do."""

from pathlib import Path

import pytest

from videopasta_assets.config.loader import load_project, parse_project
from videopasta_assets.errors import UserError

FILE = Path("/project/videopasta.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("recipe: {querys_per_video: 3}", "unknown key 'recipe.querys_per_video'. Did you mean 'queries_per_video'?"),
        ("vidoes: {folder: x}", "Did you mean 'videos'?"),
        ("experiments: [{name: a, trainig: {}}]", "Did you mean 'training'?"),
        ("roles: {responder: {decoding: {temprature: 1}}}", "Did you mean 'temperature'?"),
        ("zzzqqq: 1", "Known keys there: lake, seed"),
        ("recipe: {queries_per_video: none}", "recipe.queries_per_video: input should be a valid integer"),
        ("recipe: {queries_by_mode: {spatial: 1}}", "queries_by_mode adds up to 1"),
        (
            "recipe: {strategies: [mirrored]}",
            "recipe.strategies: no strategy is named 'mirrored'; did you mean 'mirrored_relation'?",
        ),
        ("recipe: {strategies: [reordered]}", "no strategy of mode spatial: name one of all_visible, equidistant"),
        ("experiments: [{name: 'A B'}]", "experiments.0.name"),
        ("experiments: [{name: a}, {name: a}]", "two experiments are named 'a'"),
        ("seed: [1", "line 1: this is no valid YAML"),
        ("- 1", "must hold keys and values"),
        ("roles: 3", "roles: input should be a valid dictionary"),
    ],
)
def test_a_mistake_is_one_sentence(text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_project(text, FILE)
    assert said in str(caught.value)
    assert str(FILE) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_section_that_gives_one_key_keeps_the_other_defaults() -> None:
    settings = parse_project("roles: {query_writer: {decoding: {max_new_tokens: 90}}}\nframes: {sparse:}", FILE)
    defaults = parse_project("", FILE)
    assert settings.roles.query_writer.decoding.max_new_tokens == 90
    assert settings.roles.query_writer.decoding.temperature == defaults.roles.query_writer.decoding.temperature > 0
    assert settings.frames == defaults.frames


def test_no_project_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="videopasta init"):
        load_project(tmp_path)


def test_a_project_file_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "videopasta.yaml").mkdir()
    with pytest.raises(UserError, match="cannot read"):
        load_project(tmp_path)


def test_the_root_is_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "videopasta.yaml").write_text("lake: here")
    settings = load_project(tmp_path)
    assert settings.path(Path(settings.lake)) == tmp_path.resolve() / "here"
