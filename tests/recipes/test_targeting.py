"""The blind judge's reply."""

import pytest

from videopasta_assets.recipes.targeting import ModeJudgement, parse_mode_judgement
from videopasta_assets.taxonomy import FailureMode


@pytest.mark.parametrize(
    ("reply", "mode"),
    [
        ('{"mode": "spatial"}', FailureMode.SPATIAL),
        ('```json\n{"mode": "Cross-frame"}\n```', FailureMode.CROSS_FRAME),
        ("temporal.", FailureMode.TEMPORAL),
        ('{"mode": "none"}', None),
    ],
)
def test_a_mode_is_read(reply: str, mode: FailureMode | None) -> None:
    assert parse_mode_judgement(reply) == ModeJudgement(mode)


@pytest.mark.parametrize("reply", ["", '{"mode": "audio"}', '{"label": "spatial"}', "spatial or temporal"])
def test_anything_else_is_no_judgement(reply: str) -> None:
    assert parse_mode_judgement(reply) is None
