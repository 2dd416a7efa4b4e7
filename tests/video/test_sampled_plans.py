"""The stage `sampled_videos` on honest videos: dense and sparse frames in one pass, in several processes, snapped."""

import hashlib
from pathlib import Path

import pytest

from tests.video.footage import Footage, numbers_in
from videopasta_assets.config.loader import parse_project
from videopasta_assets.errors import UserError
from videopasta_assets.lake import Row
from videopasta_assets.stages import landing, sampled_videos, videos
from videopasta_assets.stages.project import Project
from videopasta_assets.video.clip import load_frames
from videopasta_assets.video.pyav_reader import PyavReader
from videopasta_assets.video.worker_pool import shared_pool


def rows(root: Path, folder: Path, sparse: str, workers: int = 1) -> tuple[Project, dict[str, Row]]:
    yaml = f"videos: {{folder: {folder}, workers: {workers}}}\nframes: {{dense: {{value: 8}}, sparse: {sparse}}}\n"
    made = Project(parse_project(yaml, root / "videopasta.yaml"))
    (shard,) = (sealed.key for sealed in landing.land(made)[1])
    videos.run(made, shard)
    sampled_videos.run(made, shard)
    return made, {row["path"]: row for row in made.lake.rows(made.address("sampled_videos", shard))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    for number in range(3):
        Footage(f"{number}.mp4", frames=60 + number, options={"g": "20", "bf": "2"}).write(folder)
    Footage("stream.ts", frames=40, options={"g": "20", "bf": "2"}).write(folder)
    return folder


def test_snapped_frames_are_keyframes_where_the_file_tells_them(tmp_path: Path, folder: Path) -> None:
    made, found = rows(tmp_path, folder, "{value: 2, snap: keyframe}")
    for path, row in found.items():
        expected = [10, 30] if path == "stream.ts" else [20, 40]
        assert row["sparse_frames"] == expected
        assert row["sparse_timestamps"] == pytest.approx([number / 30 for number in expected], abs=1e-3)
        assert numbers_in(load_frames(sampled_videos.clip_of(made, row, "sparse"), made.reader)) == expected


def test_several_processes_and_one_pass_give_the_same_rows(tmp_path: Path, folder: Path) -> None:
    _, alone = rows(tmp_path / "1", folder, "{value: 3}")
    _, together = rows(tmp_path / "3", folder, "{value: 3}", workers=3)
    shared_pool(3).close()
    unlike = {"created_at"}
    assert [{k: v for k, v in row.items() if k not in unlike} for row in alone.values()] == [
        {k: v for k, v in row.items() if k not in unlike} for row in together.values()
    ]
    row = alone["0.mp4"]
    frames = PyavReader([folder]).read(folder / "0.mp4", row["dense_frames"])
    assert row["frame_digest"] == hashlib.blake2b(frames.tobytes(), digest_size=16).hexdigest()


def test_a_window_is_not_snapped() -> None:
    yaml = "frames: {sparse: {strategy: window, value: 4, snap: keyframe}}"
    with pytest.raises(UserError, match="keyframes may all lie outside a window"):
        parse_project(yaml, Path("videopasta.yaml"))
