import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.toyworld.claims import (
    FORMS,
    PREFIXES,
    SLOT_VALUES,
    Claim,
    Sentence,
    answer_text,
    claim,
    parse_answer,
    parse_sentence,
)


@st.composite
def claims(draw: st.DrawFn, kinds: tuple[str, ...] = tuple(FORMS)) -> Claim:
    kind = draw(st.sampled_from(kinds))
    return claim(kind, **{slot: draw(st.sampled_from(values)) for slot, values in SLOT_VALUES.items()})


sentences = st.builds(Sentence, claims(), st.none() | claims(tuple(PREFIXES)))


@given(sentences)
def test_sentences_parse_back_exactly(sentence: Sentence) -> None:
    assert parse_sentence(sentence.text) == sentence


@given(st.lists(sentences, min_size=1, max_size=4).map(tuple))
def test_answers_parse_back_exactly(answer: tuple[Sentence, ...]) -> None:
    assert parse_answer(answer_text(answer)) == answer


@given(st.text(max_size=60))
def test_any_text_parses_to_something_or_nothing(text: str) -> None:
    parse_answer(text)


@pytest.mark.parametrize(
    "text", ["", "Hello.", "The red circle flashes at 99 s.", "The red circle starts at the red circle."]
)
def test_foreign_text_does_not_parse(text: str) -> None:
    assert not any(parse_answer(text))
