import pytest

from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.toyworld.contrast import contradicted_modes, salient_mode

A = (
    "The red circle starts at the top left. The red circle flashes at 3 s. "
    "The setting is night at the start and night at the end."
)


@pytest.mark.parametrize(
    ("other", "modes"),
    [
        (A, set()),
        (A.replace("3 s", "4 s"), set()),
        (A.replace("3 s", "7 s"), {"temporal"}),
        (A.replace("top left", "top right"), {"spatial"}),
        (A.replace("is night at the start", "is snow at the start"), {"cross_frame"}),
        (A.replace("The red circle flashes", "In a flashback, the red circle flashes"), {"temporal"}),
    ],
)
def test_modes_that_differ(other: str, modes: set[str]) -> None:
    assert contradicted_modes(A, other) == modes


def test_different_topics_cannot_be_compared() -> None:
    assert contradicted_modes(A, A.replace("red circle", "blue square")) is None
    assert contradicted_modes(A, "Good evening.") is None
    assert contradicted_modes("", "") is None


def test_an_opening_phrase_is_the_salient_error() -> None:
    other = A.replace("top left", "top right").replace(
        "The red circle flashes", "In a flashback, the red circle flashes"
    )
    modes = contradicted_modes(A, other)
    assert modes is not None
    assert salient_mode(other, modes) is FailureMode.TEMPORAL
