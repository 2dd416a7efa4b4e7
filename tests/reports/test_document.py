"""A report's page escapes every text, and takes the reader's colours."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tests.browser.conftest import HOSTILE
from videopasta_assets.reports import figures
from videopasta_assets.reports.document import Report, Section, Table, percent, points, render

TAGS = re.compile(r"<[a-z/!][^>]*>", re.IGNORECASE)


def page(text: str) -> str:
    section = Section(text, (text,), None, (Table((text, "b"), [(text, 1.5), (None, True)], frozenset({1})),))
    return render(Report(text, text, [(text, text)], [section]))


def tags(html: str) -> list[str]:
    """Tags; whether a cell stands to the right is left out."""
    return [tag.replace(' class="number"', "") for tag in TAGS.findall(html)]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_no_text_becomes_markup(text: str) -> None:
    assert tags(page(text)) == tags(page("plain"))


def test_hostile_texts() -> None:
    text = page(HOSTILE)
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;img src=x" in text
    assert "49" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)


def test_plots_take_the_colour_of_text_and_keep_names_as_they_are() -> None:
    drawn = figures.svg(figures.differences([("<b>$x_1$ & y", 0.1, -0.1, 0.2)]), 'say "<i>"')
    assert "currentColor" in drawn
    assert "#010203" not in drawn
    assert "&lt;b&gt;$x_1$ &amp; y" in drawn
    assert 'aria-label="say &quot;&lt;i&gt;&quot;"' in drawn
    assert drawn == figures.svg(figures.differences([("<b>$x_1$ & y", 0.1, -0.1, 0.2)]), 'say "<i>"')


def test_no_text_of_a_plot_has_a_colour_of_its_own() -> None:
    for figure in (
        figures.funnel([("videos", 3)]),
        figures.shares({"spatial": 0.5}, 0.078, "paper"),
        figures.stacked({"spatial": {"accepted": 1, "rejected_similar": 2}}),
        figures.lengths([3], [4]),
        figures.training_curves([{"step": 1, "rewards/accuracies": 0.5}]),
        figures.differences([("a", 0.1, 0.0, 0.2)]),
    ):
        texts = re.findall(r"<text[^>]*>", figures.svg(figure, "plot"))
        assert texts
        assert all("fill: currentColor" in text for text in texts)


def test_plots_of_nothing_are_drawn() -> None:
    for figure in (
        figures.funnel([("videos", 0)]),
        figures.shares({"spatial": None}, 0.078, "paper"),
        figures.stacked({"spatial": {}}),
        figures.lengths([], []),
        figures.training_curves([]),
        figures.differences([]),
    ):
        assert figures.png(figure).startswith(b"\x89PNG")


def test_numbers_as_text() -> None:
    assert percent(0.078) == "7.8 %"
    assert points(-0.0123) == "-1.2"
    assert percent(None) is points(None) is None
