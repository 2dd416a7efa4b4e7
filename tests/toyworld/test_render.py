import numpy as np

from videopasta_assets.toyworld.render import LABELS_PER_CELL, cell_labels, midpoints, position, render
from videopasta_assets.toyworld.scene import Scene


def test_frames_are_deterministic(scene: Scene) -> None:
    times = midpoints(scene.duration, 16)
    frames = render(scene, times, 48)
    assert frames.shape == (16, 48, 48, 3)
    assert frames.dtype == np.uint8
    assert np.array_equal(frames, render(scene, times, 48))


def test_small_frames_show_what_large_frames_show(scene: Scene) -> None:
    times = midpoints(scene.duration, 4)
    large = render(scene, times, 192).reshape(4, 48, 4, 48, 4, 3).mean((2, 4))
    assert np.abs(large - render(scene, times, 48)).mean() < 4


def test_a_thing_is_drawn_where_its_place_says(scene: Scene) -> None:
    thing = scene.things[0]
    centre = position(scene, thing, 0.0)
    assert centre is not None
    row, column = thing.start_place
    assert abs(centre[0] - (column + 0.5) / 3) < 0.2
    assert abs(centre[1] - (row + 0.5) / 3) < 0.2


def test_absent_things_have_no_position(many_scenes: list) -> None:
    absent = [(s, t) for s, _ in many_scenes for t in s.things if t.presence == "enters"]
    assert absent
    assert all(position(s, t, 0.0) is None for s, t in absent)


def test_labels_cover_every_pair_and_cell(scene: Scene) -> None:
    labels = cell_labels(scene, midpoints(scene.duration, 16))
    assert labels.shape == (8, 9, LABELS_PER_CELL)
    assert labels[..., :5].sum() >= 8
