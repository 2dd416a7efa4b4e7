"""The same collection through landing and the stages `videos` and `sampled_videos`, on a real lake."""

import re
import shutil
from pathlib import Path

import pytest

from tests.faults.hostile_videos import HostileVideo
from tests.faults.open_watch import open_watch
from tests.faults.people import is_for_people
from tests.video.conftest import Collection
from tests.video.footage import Footage, numbers_in
from videopasta_assets.config.loader import parse_project
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.lake import Row
from videopasta_assets.lake.shards import linked_files
from videopasta_assets.stages import landing, sampled_videos, videos
from videopasta_assets.stages.project import Project
from videopasta_assets.video import worker as worker_module
from videopasta_assets.video.clip import load_frames
from videopasta_assets.video.worker_pool import shared_pool, usual_workers

pytestmark = pytest.mark.timeout(900)  # the first test of a session makes all the files


def project(root: Path, folder: Path, **more: object) -> Project:
    settings = {"folder": str(folder), "patterns": ["**/*"], "per_shard": 50, **more}
    yaml = f"videos: {settings}\nframes: {{dense: {{value: 8}}, sparse: {{value: 2}}}}\n"
    return Project(parse_project(yaml, root / "videopasta.yaml"))


def land(made: Project) -> tuple[list[str], tuple[str, ...]]:
    found, shards = landing.land(made)
    return [shard.key for shard in shards], found.unreadable


def rows_of(made: Project, shards: list[str]) -> dict[str, Row]:
    """Rows of `sampled_videos` by path, after running both stages."""
    for shard in shards:
        videos.run(made, shard)
        sampled_videos.run(made, shard)
    return {row["path"]: row for shard in shards for row in made.lake.rows(made.address("sampled_videos", shard))}


def complaint(made: Project, hostile: HostileVideo, row: Row) -> str | None:
    """What is wrong with the row of a hostile video; None when it is as it must be."""
    if row["error"] is not None:
        told = hostile.reason and re.search(hostile.reason, row["error"]) and is_for_people(row["error"])
        return None if told else f"{hostile.kind}: {row['error']}"
    if hostile.numbers is None:
        return f"{hostile.kind}: no error row"
    for role in ("dense", "sparse"):
        clip = sampled_videos.clip_of(made, row, role)
        shown = numbers_in(load_frames(clip, made.reader))
        if shown != [hostile.numbers(second) for second in clip.plan.timestamps]:
            return f"{hostile.kind}: {role} frames show {shown}"
    return None


def test_every_file_is_a_right_row_or_an_error_row_or_left_out_with_a_reason(
    collection: Collection, tmp_path: Path
) -> None:
    made = project(tmp_path, collection.videos)
    with open_watch(collection.outside) as watch:
        shards, unreadable = land(made)
        rows = rows_of(made, shards)
        linked = {file.path for file in linked_files(made.lake)}
        left_out = dict(line.rsplit(": ", 1) for line in unreadable)
        assert all(is_for_people(reason) for reason in left_out.values()), left_out
        complaints = []
        for hostile in collection.kinds.values():
            if hostile.file in rows:
                complaints.append(complaint(made, hostile, rows[hostile.file]))
            elif hostile.kind != "folder" and hostile.file not in linked and not _named_in(left_out, hostile.file):
                complaints.append(f"{hostile.kind}: not a word about it")
        assert [words for words in complaints if words] == []
        assert watch.opened() == set()
    assert sum(row["error"] is not None for row in rows.values()) >= 35
    assert sum(row["error"] is None for row in rows.values()) >= 45
    for shard in shards:
        again = sampled_videos.run(made, shard)
        assert again.computed == 0
        failed = again.failed
        assert sampled_videos.run(made, shard, retry_failed=True).computed == failed


def _named_in(left_out: dict[str, str], file: str) -> bool:
    names = {file, repr(file), file.split("/", maxsplit=1)[0], file.encode("utf-8", "replace").decode()}
    return bool(names & set(left_out))


def test_what_takes_the_place_of_a_landed_file_is_an_error_row(collection: Collection, tmp_path: Path) -> None:
    """Pipes, devices, links out: all that cannot land, but can lie there when the decoder comes."""
    folder = tmp_path / "videos"
    hostile = {kind.file: kind for kind in collection.kinds.values() if not kind.lands}
    for number, file in enumerate(hostile):
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Footage("film.mp4", frames=5 + number).write(tmp_path).read_bytes())
    made = project(tmp_path, folder)
    shards, _ = land(made)
    for shard in shards:
        videos.run(made, shard)
    for file, kind in hostile.items():
        if "/" in file:
            shutil.rmtree((folder / file).parent)
        else:
            (folder / file).unlink()
        kind.make(folder / file, collection.canary)
    with open_watch(collection.outside) as watch:
        for shard in shards:
            sampled_videos.run(made, shard)
        assert watch.opened() == set()
    rows = {row["path"]: row for shard in shards for row in made.lake.rows(made.address("sampled_videos", shard))}
    assert [words for file, kind in hostile.items() if (words := complaint(made, kind, rows[file]))] == []


def test_a_film_that_takes_the_place_of_another_is_an_error_row(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    Footage("film.mp4", frames=20).write(folder)
    made = project(tmp_path, folder)
    (shard,), _ = land(made)
    videos.run(made, shard)
    Footage("film.mp4", frames=21).write(folder)
    sampled_videos.run(made, shard)
    (row,) = made.lake.rows(made.address("sampled_videos", shard))
    assert row["error"] == "the content of this file is no longer what it was when it landed"
    videos.run(made, shard)
    (row,) = made.lake.rows(made.address("videos", shard))
    assert not row["present"]


def test_decord_in_the_stages_is_right_or_an_error_row(collection: Collection, tmp_path: Path) -> None:
    """Also where decord conceals damage: the stage compares its frames with the exact reader's."""
    folder = tmp_path / "videos"
    folder.mkdir()
    kinds = (
        "corrupt mkv",
        "corrupt mp4 at 50%",
        "open groups",
        "two films",
        "uneven mp4",
        "turned 90",
        "name with shell",
    )
    chosen = {collection.kinds[kind].file: collection.kinds[kind] for kind in kinds}
    for file in chosen:
        shutil.copy(collection.videos / file, folder / file)
    made = project(tmp_path, folder, decoder="decord")
    shards, _ = land(made)
    rows = rows_of(made, shards)
    readable = {chosen[file].kind for file, row in rows.items() if row["error"] is None}
    assert readable == {"uneven mp4", "turned 90", "name with shell"}
    assert all(complaint(made, chosen[file], row) is None for file, row in rows.items() if row["error"] is None)
    assert all(is_for_people(row["error"]) for row in rows.values() if row["error"] is not None)


def test_a_decoder_that_cannot_start_is_no_fault_of_the_videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    Footage("film.mp4", frames=20).write(folder)
    made = project(tmp_path, folder)
    (shard,), _ = land(made)
    videos.run(made, shard)
    shared_pool(usual_workers()).close()
    with monkeypatch.context() as broken:
        broken.setattr(worker_module, "_PROGRAM", "raise SystemExit(1)")
        with pytest.raises(VideoPastaError, match="does not start"):
            sampled_videos.run(made, shard)
    assert sampled_videos.run(made, shard).failed == 0
