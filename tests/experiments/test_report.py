"""The page: everything is escaped, and what got worse is said to be worse."""

from dataclasses import replace
from pathlib import Path

import pytest

from videopasta_assets.experiments.comparison import Effect
from videopasta_assets.experiments.history import Trial, differing, remember, trials
from videopasta_assets.experiments.report import Page, render, verdict
from videopasta_assets.experiments.training_runs import Budget

BETTER = Effect("dpo_verified", "all", 120, 3, 0.5, 0.6, 0.1, 0.05, 0.15)


@pytest.fixture
def page() -> Page:
    return Page(
        title="t",
        command="videopasta <script>alert(1)</script>",
        machine="m",
        model="base@1",
        split="benchmark",
        effects=[BETTER, replace(BETTER, scope="spatial"), replace(BETTER, scope="temporal", low=-0.2, high=-0.1)],
        against={"sft": [replace(BETTER, difference=0.02, low=-0.01, high=0.05)]},
        refusals=[replace(BETTER, scope="unanswerable")],
        blind=[("spatial", 40, 0.27)],
        oracle={"Pairs <b>": (("pairs", "good"), [("verified", 0.5), ("<i>", None)])},
        budgets=[Budget("sft", 3, 100, 20, None, 9.0), Budget("dpo_temporal", 3, 40, 10, 0.8, 5.0)],
        curves={"rewards/accuracies": {"dpo_verified": [(1, 0.5), (5, 0.7)]}, "rewards/margins": {}},
        trials=[Trial("benchmark", {"beta": 0.1}, {"dpo_verified": (0.1, 0.05, 0.15)})],
        seconds=60,
    )


def test_the_page_escapes_what_it_shows(page: Page) -> None:
    html = render(page)
    assert "<script>" not in html and "Pairs <b>" not in html and "<i>" not in html
    assert html.count("<svg") == 3 and "dpo_temporal (40)" in html and "27.0 %" in html


def test_the_verdict_says_what_is_significant_and_what_got_worse(page: Page) -> None:
    said = verdict(page)
    assert "+10.0 points (+5.0 to +15.0)" in said
    assert "significantly better in spatial, significantly worse in temporal" in said
    assert "Against sft: +2.0 points (-1.0 to +5.0)." in said
    assert "not the benchmark" in verdict(replace(page, split="validation"))
    assert verdict(replace(page, effects=[])) == "DPO on verified pairs was not scored."


def test_trials_are_kept_and_the_same_options_replace_themselves(tmp_path: Path) -> None:
    first = Trial("validation", {"beta": 0.1, "pairs": 8}, {"sft": (0.0, -0.1, 0.1)})
    second = Trial("validation", {"beta": 0.3, "pairs": 8}, {"sft": (0.1, 0.0, 0.2)})
    remember(tmp_path, first)
    remember(tmp_path, second)
    again = replace(first, differences={"sft": (0.2, 0.1, 0.3)})
    assert remember(tmp_path, again) == [second, again] == trials(tmp_path)
    assert differing(trials(tmp_path)) == ["beta"]
