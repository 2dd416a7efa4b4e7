"""Which files are videos: patterns, manifests, and names that nobody should have given a file."""

import os
from pathlib import Path

import pytest

from videopasta_assets.config.loader import parse_project
from videopasta_assets.errors import UserError
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.video_files import VideoFile, pattern_matcher, video_files


def project(root: Path, videos: str = "{}") -> Project:
    return Project(parse_project(f"videos: {videos}", root / "videopasta.yaml"))


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode("utf-8", "surrogateescape"))


def taken(found: list[VideoFile]) -> set[str]:
    return {file.path for file in found if file.reason is None}


def refused(found: list[VideoFile]) -> dict[str, str]:
    return {file.path: file.reason for file in found if file.reason is not None}


def test_files_that_match_a_pattern_in_folders_too(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", "deep/er/b.mkv", "c.txt", "d.mp4.part", "quote'\n\N{SNOWMAN}.mov")
    (tmp_path / "videos" / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "videos" / "pipe.mp4")
    (tmp_path / "videos" / "broken link.mp4").symlink_to("nowhere")
    (tmp_path / "videos" / "loop").symlink_to(tmp_path / "videos")
    found = list(video_files(project(tmp_path)))
    assert taken(found) == {"a.mp4", "deep/er/b.mkv", "quote'\n\N{SNOWMAN}.mov"}
    assert refused(found) == {"pipe.mp4": "it is no regular file", "broken link.mp4": "it is a link that leads nowhere"}


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("**/*.mp4", ("a.mp4", "a/b.mp4", "a/b/c.mp4", ".mp4"), ("a.mp4x", "amp4", "a.mp4/b")),
        ("*.mp4", ("a.mp4",), ("a/b.mp4",)),
        ("clips/**/x?.ts", ("clips/x1.ts", "clips/a/b/x2.ts"), ("x1.ts", "clips/x.ts", "clips/x/.ts")),
        ("a+(b).mp4", ("a+(b).mp4",), ("aab.mp4",)),
    ],
)
def test_patterns(pattern: str, matching: tuple[str, ...], others: tuple[str, ...]) -> None:
    matches = pattern_matcher((pattern,))
    assert [bool(matches.fullmatch(path)) for path in (*matching, *others)] == [True] * len(matching) + [False] * len(
        others
    )


def test_patterns_agree_with_pathlib(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", "x/b.mp4", "x/y/c.mp4", "x/y/d.ts", "x.mp4/e.mp4")
    folder = tmp_path / "videos"
    for pattern in ("**/*.mp4", "*.mp4", "*/*.mp4", "x/**/*.ts", "x/**/*", "**/?.mp4"):
        expected = {path.relative_to(folder).as_posix() for path in folder.glob(pattern) if path.is_file()}
        assert taken(list(video_files(project(tmp_path, f"{{patterns: ['{pattern}']}}")))) == expected, pattern


def test_a_name_that_is_no_text_is_refused_with_a_reason(tmp_path: Path) -> None:
    put(tmp_path, os.fsdecode(b"caf\xe9.mp4"))
    assert refused(list(video_files(project(tmp_path)))) == {"caf?.mp4": "its name is not valid UTF-8"}


def test_a_manifest_names_the_videos(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", "b.bin", "unnamed.mp4")
    (tmp_path / "videos" / "folder.mp4").mkdir()
    lines = [
        "# two that are there, four that are not",
        "a.mp4",
        '{"path": "b.bin", "caption": "any other key"}',
        "",
        "gone.mp4",
        "../videopasta.yaml",
        "/etc/passwd",
        "folder.mp4",
    ]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    found = list(video_files(project(tmp_path, "{manifest: list.txt}")))
    assert taken(found) == {"a.mp4", "b.bin"}
    assert refused(found) == {
        "gone.mp4": "the manifest names it, and it is not there",
        "../videopasta.yaml": "it is outside the video folder",
        "/etc/passwd": "it is outside the video folder",
        "folder.mp4": "it is no regular file",
    }


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the video folder does not exist"):
        list(video_files(project(tmp_path)))
    put(tmp_path, "a.mp4")
    with pytest.raises(UserError, match=r"the manifest of videos cannot be read \(No such file"):
        list(video_files(project(tmp_path, "{manifest: list.txt}")))
    (tmp_path / "list.txt").write_text('{"file": "a.mp4"}')
    with pytest.raises(UserError, match="no JSON object with a `path`"):
        list(video_files(project(tmp_path, "{manifest: list.txt}")))


@pytest.mark.parametrize(
    ("remote", "said"),
    [
        ("s3://key:secret@bucket/x", "credentials belong in environment variables"),
        ("s3://bucket/x?token=secret", "credentials belong in environment variables"),
        ("some/folder", "give the URL of an object storage"),
    ],
)
def test_a_remote_is_a_url_without_secrets(tmp_path: Path, remote: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        project(tmp_path, f"{{remote: '{remote}'}}")
