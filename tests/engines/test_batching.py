"""Laws of batches."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.engines.contract import ask
from videopasta_assets.engines import Decoding, Request
from videopasta_assets.engines.batching import plan_batches, windows
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.plan import FramePlan

PLAN = FramePlan("dense", (0, 1), (0.0, 0.1), 2, 10.0, 0.2, "h")
CLIPS = [None, *(Clip(f"v{i}", Path(f"{i}.mp4"), PLAN) for i in range(4))]
DECODINGS = [Decoding(4), Decoding(4, temperature=0.5)]


@st.composite
def requests(draw: st.DrawFn) -> list[Request]:
    kinds = draw(
        st.lists(st.tuples(st.sampled_from(CLIPS), st.sampled_from(DECODINGS), st.integers(0, 9)), max_size=60)
    )
    return [ask(str(i), "x" * length, clip, decoding) for i, (clip, decoding, length) in enumerate(kinds)]


@given(asked=requests(), size=st.integers(1, 12))
def test_every_request_is_in_one_batch_of_its_own_kind(asked: list[Request], size: int) -> None:
    batches = plan_batches(asked, size)
    assert Counter(r.request_id for batch in batches for r in batch) == Counter(r.request_id for r in asked)
    for batch in batches:
        assert 0 < len(batch) <= size
        assert len({(r.decoding, r.adapter, r.clip is None) for r in batch}) == 1


@given(asked=requests())
def test_requests_about_a_clip_are_neighbours_and_grow_longer(asked: list[Request]) -> None:
    for batch in plan_batches(asked, 100):
        keys = [r.clip.key if r.clip else "" for r in batch]
        assert len({key for i, key in enumerate(keys) if i == 0 or keys[i - 1] != key}) == len(set(keys))
        for key in set(keys):
            lengths = [len(r.prompt.text) for r, own in zip(batch, keys, strict=True) if own == key]
            assert lengths == sorted(lengths)


def test_a_clip_is_kept_whole_where_it_leaves_no_half_empty_batch() -> None:
    asked = [ask(f"{c}-{i}", "x", CLIPS[1 + c]) for c in range(4) for i in range(10)]
    assert [len(batch) for batch in plan_batches(asked, 32)] == [30, 10]
    assert [len(batch) for batch in plan_batches(asked, 16)] == [10, 10, 10, 10]
    assert [len(batch) for batch in plan_batches(asked, 4)] == [4, 4, 2] * 4


def test_most_frames_come_first_but_for_clips_that_are_held() -> None:
    times = tuple(number / 10 for number in range(8))
    clips = [
        Clip(f"v{n}", Path(f"{n}.mp4"), replace(PLAN, indices=tuple(range(n)), timestamps=times[:n])) for n in (2, 8, 4)
    ]
    asked = [ask(f"{clip.video_id}-{i}", "x", clip) for clip in clips for i in range(2)]
    frames = {request.clip.key: len(request.clip.plan.indices) for request in asked if request.clip}
    flat = [request.clip.key for batch in plan_batches(asked, 2) for request in batch if request.clip]
    assert [frames[key] for key in flat] == sorted((frames[key] for key in flat), reverse=True)
    last = flat[-1]
    first = [request.clip for request in plan_batches(asked, 2, {last})[0]]
    assert {clip.key for clip in first if clip} == {last}


def test_windows_cover_a_stream_without_reading_ahead_of_need() -> None:
    taken = []
    stream = windows((taken.append(i) or ask(str(i), "x") for i in range(100)), batch_size=4)
    assert len(next(stream)) == len(taken) == 32
    assert sum(len(window) for window in stream) == 68
