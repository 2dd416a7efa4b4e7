"""The prompt library and the contract that both styles keep."""

from pathlib import Path

import pytest

from videopasta_assets.errors import UserError
from videopasta_assets.prompts import STYLES, PromptLibrary
from videopasta_assets.recipes.perturbation import PROMPTS
from videopasta_assets.taxonomy import CATEGORIES, MODES, STRATEGIES

QUESTION = "Which object is left of the lamp?"
EXPECTED = {
    "caption",
    "check_answer",
    "judge_answer",
    "judge_caption",
    "judge_mode",
    "multiple_choice",
    "open_question",
    "repair",
    "yes_no",
    "verify",
    *(f"query/{mode}" for mode in MODES),
    *(f"aligned/{mode}" for mode in MODES),
    *(f"adversary/{mode}/{strategy}" for mode in MODES for strategy in STRATEGIES[mode]),
    *(f"timewarp_implicit/rejected/{name}" for name in PROMPTS),
    *(f"timewarp_explicit/{name}" for name in ("questions", "answer", "multiple_choice", "choose")),
    *("videosavi/critique", "videosavi/revise", "hound_dpo/score"),
}
OF_RECIPES = {
    "caption": "First a cup, then a vase.",
    "query": QUESTION,
    "answer": "The cup is.",
    "errors": [{"type": "factual_inaccuracy", "evidence": "a vase", "correction": ""}],
    "options": ["the cup", "the vase", "the pan", "the jug"],
    "count": 3,
    "duration": 12.5,
    "mode": "temporal",
    "category": "event_ordering",
    "strategy": "imagined_future",
}
"""Variables of the recipes' own templates: each gets those that it has."""


def variables(name: str) -> dict[str, object]:
    """What the pipeline gives to a template, by its name."""
    kind, _, rest = name.partition("/")
    if kind in ("timewarp_implicit", "timewarp_explicit", "videosavi", "hound_dpo"):
        unasked = {"query"} if rest in ("questions", "multiple_choice") else set()
        return {key: value for key, value in OF_RECIPES.items() if key not in unasked}
    mode = rest.partition("/")[0]
    answers = {"query": QUESTION, "aligned": "The cup is.", "adversary": "The vase is."}
    return {
        "query": {"mode": mode, "category": CATEGORIES[mode][0] if mode else "", "duration": 12.5, "count": 1},
        "aligned": {"mode": mode, "category": "occlusion", "query": QUESTION, "duration": 12.5},
        "adversary": {"mode": mode, "strategy": rest.partition("/")[2], "query": QUESTION, "duration": 12.5},
        "verify": {**answers, "mode": "spatial"},
        "judge_mode": answers,
        "check_answer": {"query": QUESTION, "answer": "The cup is."},
        "multiple_choice": {"question": QUESTION, "options": ["the cup", "the vase"], "duration": 12.5},
        "caption": {"duration": 12.5},
        "repair": {"prompt": "Judge.", "reply": "Well."},
        "open_question": {"question": QUESTION, "duration": 12.5},
        "yes_no": {"question": QUESTION, "duration": 12.5},
        "judge_answer": {"question": QUESTION, "reference": "the cup", "answer": "a cup"},
        "judge_caption": {"caption": "A cup and a lamp.", "question": QUESTION, "options": ["the cup", "the vase"]},
    }[kind]


@pytest.mark.parametrize("style", STYLES)
def test_a_style_has_a_template_for_every_step_mode_and_strategy(style: str) -> None:
    assert set(PromptLibrary(style).names()) == EXPECTED


@pytest.mark.parametrize("style", STYLES)
def test_every_template_renders_from_the_variables_of_the_contract(style: str) -> None:
    library = PromptLibrary(style)
    texts = {name: library.render(name, **variables(name)).text for name in library.names()}
    assert all(texts.values())
    adversaries = [text for name, text in texts.items() if name.startswith("adversary/")]
    assert len(set(adversaries)) == len(adversaries)


@pytest.mark.parametrize("style", STYLES)
def test_questions_and_answers_reach_the_prompt(style: str) -> None:
    library = PromptLibrary(style)
    for name in library.names():
        given = variables(name)
        for key in {"query", "question", "aligned", "adversary"} & given.keys():
            assert str(given[key]) in library.render(name, **given).text, (name, key)


def test_standard_prompts_have_one_skeleton() -> None:
    library = PromptLibrary("standard")
    # A repair repeats the prompt that it follows, and has that one's skeleton.
    for name in set(library.names()) - {"repair"}:
        headings = [line for line in library.render(name, **variables(name)).text.splitlines() if line.startswith("# ")]
        assert headings[:4] == ["# Role", "# Objective", "# Constraints", "# Output"], name
        assert headings[4:] in ([], ["# Question"], ["# Material"]), name


@pytest.mark.parametrize("name", ["aligned/temporal", "adversary/spatial/equidistant", "verify", "multiple_choice"])
def test_what_differs_between_questions_comes_last(name: str) -> None:
    """Engines share the text before it as a prefix."""
    library, given = PromptLibrary("standard"), variables(name)
    key = "question" if "question" in given else "query"
    first, second = (library.render(name, **{**given, key: text}).text for text in ("AAAA?", "BBBB?"))
    assert first.index("AAAA?") == second.index("BBBB?") > 0.7 * len(first)


@pytest.mark.parametrize("mode", MODES)
def test_every_category_is_explained_to_the_query_writer(mode: str) -> None:
    library = PromptLibrary("standard")
    texts = {
        library.render(f"query/{mode}", mode=mode, category=category, duration=9.0, count=2).text
        for category in CATEGORIES[mode]
    }
    assert len(texts) == len(CATEGORIES[mode])


def test_the_blind_judge_is_not_told_the_mode() -> None:
    library = PromptLibrary("standard")
    assert library.render("judge_mode", **variables("judge_mode")) == library.render(
        "judge_mode", **variables("judge_mode"), mode="spatial"
    )


def test_a_hash_follows_everything_that_a_template_is_made_of(tmp_path: Path) -> None:
    ours = PromptLibrary("standard")
    before = {name: ours.hash(name) for name in ours.names()}
    skeleton = Path(str(ours._environment.get_template("_adversary.j2").filename)).read_text()
    (tmp_path / "_adversary.j2").write_text(skeleton.replace("wrong answers", "false answers"))
    changed = {name for name, digest in before.items() if PromptLibrary("standard", tmp_path).hash(name) != digest}
    assert changed == {name for name in EXPECTED if name.startswith("adversary/")}
    (tmp_path / "system.j2").write_text("You are exact.")
    library = PromptLibrary("standard", tmp_path)
    assert library.render("caption", duration=1.0).system == "You are exact."
    assert all(library.hash(name) != digest for name, digest in before.items())


def test_a_users_template_replaces_ours_by_name(tmp_path: Path) -> None:
    (tmp_path / "caption.j2").write_text("Say what happens in {{ duration }} s.")
    assert PromptLibrary("standard", tmp_path).render("caption", duration=3).text == "Say what happens in 3 s."


def test_text_of_a_model_is_never_run_as_a_template() -> None:
    text = PromptLibrary("standard").render(
        "aligned/spatial", mode="spatial", category="occlusion", duration=1.0, query="{{ 7 * 7 }} {% raw %}"
    )
    assert "{{ 7 * 7 }} {% raw %}" in text.text


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ colour }}", "'colour' is undefined"),
        ("{% if %}", "Expected an expression"),
        ("{% extends 'no.j2' %}", "no.j2"),
    ],
)
def test_a_broken_template_is_the_users_mistake(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "caption.j2").write_text(source)
    with pytest.raises(UserError, match=message):
        PromptLibrary("standard", tmp_path).render("caption", duration=1.0)


def test_unknown_names_are_the_users_mistake() -> None:
    with pytest.raises(UserError, match="unknown prompt style"):
        PromptLibrary("verbose")
    with pytest.raises(UserError, match=r"'summary\.j2' does not exist"):
        PromptLibrary("standard").render("summary")
