import json
from pathlib import Path

import av
import numpy as np
import pytest

from videopasta_assets.errors import UserError
from videopasta_assets.toyworld.folder import read_truth, video_id, write_folder
from videopasta_assets.toyworld.render import render
from videopasta_assets.toyworld.scene import scene_from_dict


def test_a_folder_holds_playable_videos_and_no_truth(tmp_path: Path) -> None:
    videos, truth = tmp_path / "videos", tmp_path / "truth"
    paths = write_folder(videos, truth, 3, 0, "pairs")
    assert sorted(videos.iterdir()) == sorted(paths)
    for path in paths:
        record = json.loads((truth / f"{video_id(path)}.json").read_text())
        scene = scene_from_dict(record["scene"])
        assert record["captions"][0]["text"].startswith(f"The setting is {scene.settings[0]}")
        with av.open(str(path)) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        fps, size = record["encoding"]["fps"], record["encoding"]["size"]
        assert len(frames) == round(scene.duration * fps)
        middle = len(frames) // 2
        drawn = render(scene, np.asarray([middle / fps]), size)[0]
        assert np.abs(frames[middle].astype(float) - drawn).mean() < 8


def test_a_seed_gives_the_same_stories_and_a_second_run_writes_nothing(tmp_path: Path) -> None:
    first = write_folder(tmp_path / "a", tmp_path / "ta", 2, 4, "pairs")
    before = [path.stat().st_mtime_ns for path in first]
    assert write_folder(tmp_path / "a", tmp_path / "ta", 2, 4, "pairs") == first
    assert [path.stat().st_mtime_ns for path in first] == before
    second = write_folder(tmp_path / "b", tmp_path / "tb", 2, 4, "pairs")
    stories = [
        [read_truth(t, video_id(p)) for p in paths]
        for t, paths in ((tmp_path / "ta", first), (tmp_path / "tb", second))
    ]
    assert stories[0] == stories[1]


def test_truth_among_the_videos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="truth may not lie among the videos"):
        write_folder(tmp_path, tmp_path / "truth", 1, 0, "pairs")


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot create the folder"):
        write_folder(tmp_path / "file" / "videos", tmp_path / "truth", 1, 0, "pairs")
