"""The commented project file says what the settings say."""

import re
from pathlib import Path

import pytest
import yaml

from videopasta_assets.config.loader import parse_project
from videopasta_assets.config.presets import preset_names, preset_text
from videopasta_assets.config.settings import ProjectSettings
from videopasta_assets.config.template import project_file
from videopasta_assets.errors import UserError

FILE = Path("/project/videopasta.yaml")
REPOSITORY = Path(__file__).parents[2]


def test_both_presets_are_there() -> None:
    assert preset_names() == ["embedded", "videopasta-7b"]


@pytest.mark.parametrize("name", ["embedded", "videopasta-7b"])
def test_the_file_means_what_its_preset_means(name: str) -> None:
    assert parse_project(project_file(preset_text(name)), FILE) == parse_project(preset_text(name), FILE)


def test_every_key_activates_by_deleting_one_character() -> None:
    text = project_file("seed: 0\n")
    inactive = re.compile(r"^( *)#(?! \S)", re.MULTILINE)
    while inactive.search(text):
        text = inactive.sub(r"\1", text)
    assert parse_project(text, FILE) == parse_project("", FILE)
    assert set(yaml.safe_load(text)) == set(ProjectSettings.model_fields) - {"root"}


def test_the_comments_of_a_preset_are_kept() -> None:
    text = project_file(preset_text("videopasta-7b"))
    assert "beta: 0.1  # our choice" in text
    assert "32:1 is read as frame counts" in text


def test_the_7b_preset_marks_what_the_paper_does_not_publish() -> None:
    unpublished = ("learning_rate", "beta", "lora_r", "lora_alpha", "lora_dropout", "lambdas", "batch_size", "seed")
    for line in preset_text("videopasta-7b").splitlines():
        if line.split(":")[0].strip(" -") in unpublished:
            assert "# our choice" in line, line


def test_the_7b_preset_holds_the_papers_setting() -> None:
    settings = parse_project(preset_text("videopasta-7b"), FILE)
    assert settings.roles.query_writer.model == "OpenGVLab/InternVL2_5-38B"
    assert settings.roles.responder.model == "Qwen/Qwen2.5-VL-7B-Instruct"
    assert settings.roles.verifier.model == "Qwen/Qwen2.5-32B-Instruct"
    assert settings.recipe.queries_per_video == 10
    assert settings.recipe.adversaries_per_query == 3
    assert settings.recipe.adversary_policy == "one_per_mode"
    assert settings.frames.dense.max_frames == settings.frames.sparse.max_frames == 32
    assert settings.experiments[0].training.epochs == 1


def test_an_unknown_preset_is_refused_with_the_names() -> None:
    with pytest.raises(UserError, match="embedded, videopasta-7b"):
        preset_text("videopasta-8b")


def test_every_key_is_explained() -> None:
    """A key without a meaning would be a bare line in the project file and in the documentation."""
    pending, seen = [ProjectSettings], set()
    while pending:
        model = pending.pop()
        seen.add(model)
        for name, info in model.model_fields.items():
            nested = info.annotation if isinstance(info.annotation, type) else None
            if nested is not None and hasattr(nested, "model_fields"):
                pending.append(nested)
                continue
            assert info.exclude or info.description, f"{model.__name__}.{name}"


def test_the_documentation_shows_the_file_as_it_is() -> None:
    page = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert project_file(preset_text("embedded")) in page, "run `make docs`"
