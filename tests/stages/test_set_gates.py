"""Each gate on pairs that violate it, and on pairs that do not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fakes.tiny_videos import write_video
from videopasta_assets.stages.set_gates import answers_differ, lengths_alike, modes_balanced, sound
from videopasta_assets.taxonomy import MODES
from videopasta_assets.video.fingerprint import BLANK, fingerprint, similarity
from videopasta_assets.video.probe import probe
from videopasta_assets.video.reader import get_reader


def pair(chosen: str = "it moves left", rejected: str = "it moves right", mode: str = "spatial") -> dict[str, Any]:
    return {
        "pair_id": f"{chosen}-{rejected}",
        "query": "what?",
        "chosen": chosen,
        "rejected": rejected,
        "adv_mode": mode,
        "dense_frames": [0],
        "dense_timestamps": [0.0],
    }


def test_answers_that_differ_only_where_they_are_cut_hold_no_preference() -> None:
    late = pair("A " * 5 + "left", "a  " * 5 + "right")
    assert answers_differ([pair(), late], 6).passed
    report = answers_differ([pair(), late], 5)
    assert not report.passed
    assert report.figures["equal when cut"] == 1
    assert "in their first 5 words" in report.sentence


def test_a_length_that_tells_the_chosen_answer_closes_the_gate() -> None:
    long = [pair("word " * (20 + n % 3), "word " * 10) for n in range(20)]
    report = lengths_alike(long, 1.5)
    assert not report.passed
    assert report.figures["longer is chosen"] == 1
    assert report.figures["length ratio"] == pytest.approx(2.09, abs=0.02)
    assert "the chosen answers are 2.09 times as long" in report.sentence
    assert lengths_alike(long, 2.5).passed
    assert not lengths_alike([pair(row["rejected"], row["chosen"]) for row in long], 1.5).passed


def test_a_few_pairs_say_nothing_of_length() -> None:
    assert lengths_alike([pair("one two three four", "one")], 1.5).passed
    assert lengths_alike([], 1.5).passed
    mixed = [pair("one two three four", "one"), pair("one two", "one two"), pair("one", "one two three")]
    assert lengths_alike(mixed, 1.0).passed


def test_a_mode_without_pairs_is_told() -> None:
    pairs = [pair(mode=mode) for mode in ("spatial", "temporal") for _ in range(10)]
    report = modes_balanced(pairs, MODES, 0.05)
    assert not report.passed
    assert report.sentence.startswith("cross_frame has 0 of 20 pairs, at least 5% are wanted")
    assert modes_balanced(pairs, MODES[:2], 0.5).passed
    assert modes_balanced(pairs, MODES, 0.0).passed


def test_members_that_are_gone_or_broken_are_told() -> None:
    assert sound([pair()], 0).passed
    report = sound([pair("same", "SAME")], 2)
    assert not report.passed
    assert "2 members have changed or gone" in report.sentence
    assert report.figures["defects"] == 2


def test_a_copy_in_other_bytes_is_recognized_and_a_blank_video_is_like_none(tmp_path: Path) -> None:
    reader = get_reader("auto", [tmp_path], isolate=False)

    def print_of(path: Path) -> np.ndarray[Any, Any]:
        return fingerprint(path, probe(path, [tmp_path]), reader)

    original = print_of(write_video(tmp_path / "a.mp4", 1))
    larger = print_of(write_video(tmp_path / "b.mp4", 1, frames=36, fps=12, size=96))
    other = print_of(write_video(tmp_path / "c.mp4", 5))
    alike = similarity(np.stack([original, BLANK]), np.stack([larger, other, BLANK]))
    assert alike[0, 0] > 0.5 > alike[0, 1]
    assert similarity(np.stack([original]), np.stack([original]))[0, 0] == pytest.approx(1, abs=1e-4)
    assert not alike[1].any()
    assert not alike[:, 2].any()
