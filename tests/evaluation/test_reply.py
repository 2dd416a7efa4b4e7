import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.evaluation import BenchmarkItem, read_reply
from videopasta_assets.evaluation.reply import parse_yes_no

CHOICE = BenchmarkItem("a", "a.mp4", "Which?", ("He runs.", "He jumps."), 1, labels=("Option 1", "Option 2"))
YES_NO = BenchmarkItem("b", "a.mp4", "Does he run?", ("yes", "no"), 1, form="yes_no")
OPEN = BenchmarkItem("c", "a.mp4", "On what?", (), -1, form="open", reference="Couch")


@pytest.mark.parametrize(
    ("reply", "place"),
    [
        ("Option 2", 1),
        ("Option 2: He jumps.", 1),
        ("The best match is option 1.", 0),
        ("B", 1),
        ("He jumps.", 1),
        ("Option 3", None),
        ("Both of them", None),
    ],
)
def test_captions_are_matched_by_their_published_names_too(reply: str, place: int | None) -> None:
    reading = read_reply(CHOICE, reply)
    assert (reading.predicted_index, reading.parsed, reading.correct) == (place, place is not None, place == 1)


@pytest.mark.parametrize(
    ("reply", "place"),
    [
        ("yes", 0),
        ("No, he does not.", 1),
        ("**No**", 1),
        ("The answer is yes.", 0),
        ("Answer: no", 1),
        ("Nothing of the kind", None),
        ("He does, yes", None),
        ("", None),
    ],
)
def test_yes_and_no(reply: str, place: int | None) -> None:
    assert parse_yes_no(reply) == place
    assert read_reply(YES_NO, reply).correct == (place == 1)


@pytest.mark.parametrize(("reply", "correct"), [("A couch.", True), ("couches", False), ("on the COUCH", True)])
def test_open_answers_are_matched_by_whole_words(reply: str, correct: bool) -> None:
    assert read_reply(OPEN, reply).correct == correct
    assert read_reply(OPEN, reply).parsed


@given(st.text())
def test_any_reply_is_read_the_same_way_twice_and_never_guessed(reply: str) -> None:
    for item in (CHOICE, YES_NO, OPEN):
        first = read_reply(item, reply)
        assert first == read_reply(item, reply)
        assert not (first.correct and not first.parsed)
