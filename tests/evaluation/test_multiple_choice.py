import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.evaluation import parse_choice

_OPTIONS = ("the red square", "the blue disc", "the red square on the left", "nothing")
_words = st.text(string.ascii_lowercase, min_size=2, max_size=6)
_options = st.lists(st.lists(_words, min_size=1, max_size=4).map(" ".join), min_size=2, max_size=8, unique=True)


@pytest.mark.parametrize(
    ("reply", "index"),
    [
        ("B", 1),
        ("b", 1),
        ("(B)", 1),
        ("b)", 1),
        ("B.", 1),
        ("**B**", 1),
        ("B. the blue disc", 1),
        ("B: because it moves", 1),
        ("B because it moves", 1),
        ("Answer: B", 1),
        ("**Answer:** B", 1),
        ("The correct answer is (B).", 1),
        ("The best option is B", 1),
        ("Option C", 2),
        ("It moves first, so the answer is D.", 3),
        ("A the red square", 0),
        ("A.", 0),
        ("The Blue Disc!", 1),
        ("I see the blue disc.", 1),
        ("the red square on the left", 2),
        ("It is the red square on the left side", 2),
        ("\uff22", 1),  # full-width B
    ],
)
def test_what_names_an_option(reply, index) -> None:
    assert parse_choice(reply, _OPTIONS) == index


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "?",
        "E",
        "A dog runs.",
        "The answer is A dog.",
        "I do not know",
        "A or B",
        "B or C",
        "B, C",
        "B) is wrong, C) is right",
        "A. B. C. D.",
        "Answer: B. No, answer: C.",
        "B. the red square",
        "the red square or the blue disc",
        "The answer is not B",
        "a square of red",
        "nothingness",
    ],
)
def test_what_names_none_or_several(reply) -> None:
    assert parse_choice(reply, _OPTIONS) is None


def test_numbers_are_whole() -> None:
    assert parse_choice("at 3.2 seconds", ["2 seconds", "3.2 seconds"]) == 1
    assert parse_choice("at 3.2 seconds", ["2 seconds", "4 seconds"]) is None


@given(_options, st.data())
def test_an_options_text_names_it_in_any_order_and_dress(options, data) -> None:
    index = data.draw(st.integers(0, len(options) - 1))
    dress = data.draw(st.sampled_from(["{}", " {}. ", '"{}"', "{}!"]))
    reply = dress.format(data.draw(st.sampled_from([options[index], options[index].upper(), options[index].title()])))
    order = data.draw(st.permutations(range(len(options))))
    assert parse_choice(reply, options) == index
    assert parse_choice(reply, [options[place] for place in order]) == order.index(index)


@given(_options, st.data(), st.sampled_from(["{}", "({})", "{}.", "{})", "Answer: {}", "The answer is {}."]))
def test_a_letter_names_a_place_whatever_stands_there(options, data, form) -> None:
    index = data.draw(st.integers(0, len(options) - 1))
    letter = string.ascii_uppercase[index]
    assert parse_choice(form.format(letter), options) == index
    assert parse_choice(f"{form.format(letter)} {options[index]}".replace(". ", ". "), options) in (index, None)


@given(st.text(max_size=60), _options)
def test_any_text_gives_an_option_or_nothing_and_always_the_same(reply, options) -> None:
    choice = parse_choice(reply, options)
    assert choice is None or 0 <= choice < len(options)
    assert parse_choice(reply, options) == choice


@given(st.lists(st.text("xyz", min_size=2, max_size=5), max_size=9), st.lists(st.text("abc", min_size=2), min_size=2))
def test_words_of_no_option_name_none(words, options) -> None:
    assert parse_choice(" ".join(words), options) is None


def test_the_words_before_a_letter_are_no_option() -> None:
    assert parse_choice("Answer: A", ["aa", "answer"]) == 0
    assert parse_choice("The answer is B. red", ["red", "blue"]) is None
