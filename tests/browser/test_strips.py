"""Film strips have the size that the page was told, and show the frames that it names."""

import io

import pytest
from PIL import Image

from tests.fakes.bench_project import BenchProject
from videopasta_assets.browser.strips import draw_strip, embedded_strip, layout_of, strip_file, strip_json
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.video.guard import UnreadableVideo


def first_row(project: Project) -> dict:
    return next(good_rows(project, "sampled_videos", "s000000"))


@pytest.mark.parametrize(
    ("frames", "size", "shown", "picture"),
    [
        (8, (64, 64), 8, (8 * 96, 96)),
        (3, (128, 64), 3, (3 * 192, 96)),
        (32, (320, 240), 16, (8 * 128, 2 * 96)),
        (1, (4, 2000), 1, (32, 96)),
        (9, (4000, 10), 9, (8 * 384, 2 * 96)),
    ],
)
def test_layout(frames: int, size: tuple[int, int], shown: int, picture: tuple[int, int]) -> None:
    layout = layout_of({"dense_frames": list(range(frames)), "width": size[0], "height": size[1]}, "dense")
    assert len(layout.shown) == shown == len(set(layout.shown))
    assert list(layout.shown) == sorted(layout.shown)
    assert layout.size == picture


def test_the_picture_has_the_size_that_the_page_is_told(project: Project) -> None:
    row = first_row(project)
    for role, frames in (("dense", 8), ("sparse", 2)):
        told = strip_json(row, role)
        picture = Image.open(io.BytesIO(draw_strip(project, row, role)))
        assert picture.format == "JPEG"
        assert picture.size == (told["width"], told["height"])
        assert [index for index, _ in told["shown"]] == row[f"{role}_frames"]
        assert told["frames"] == frames


def test_a_strip_shows_its_frames_in_order(project: Project) -> None:
    row = first_row(project)
    picture = Image.open(io.BytesIO(draw_strip(project, row, "dense"))).convert("RGB")
    tiles = [picture.crop((96 * place, 0, 96 * (place + 1), 96)) for place in range(8)]
    ground = picture.getpixel((48, 90))
    # The square moves from left to right: its first pixel that is not the ground moves with it.
    places = [next(x for x in range(96) if _differs(tile.getpixel((x, 39)), ground)) for tile in tiles]
    assert places == sorted(places)
    assert places[-1] > places[0] + 30


def _differs(pixel: tuple[int, ...], ground: tuple[int, ...]) -> bool:
    return sum(abs(a - b) for a, b in zip(pixel, ground, strict=True)) > 60


def test_a_lost_video_says_so(bench: BenchProject) -> None:
    project = bench.project
    row = first_row(project)
    (bench.root / "videos" / row["path"]).unlink()
    with pytest.raises(UnreadableVideo):
        draw_strip(project, row, "dense")
    assert "lost" in embedded_strip(project, row, "dense")
    folder = bench.root / "strips"
    assert "lost" in strip_file(project, row, "dense", folder)
    assert not folder.exists()


def test_a_file_is_drawn_once(bench: BenchProject) -> None:
    project = bench.project
    row = first_row(project)
    folder = bench.root / "strips"
    first = strip_file(project, row, "sparse", folder)
    path = bench.root / first["src"]
    stamp = path.stat().st_mtime_ns
    (bench.root / "videos" / row["path"]).unlink()
    assert strip_file(project, row, "sparse", folder) == first
    assert path.stat().st_mtime_ns == stamp
