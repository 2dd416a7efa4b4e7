"""Which files are the project's videos: those of the video folder that match a pattern, or that a manifest names."""

import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.stages.project import Project

MIRROR: Final = "mirror"
"""Folder in the video folder that copies of object storage are in; patterns are matched inside it."""

_WILDCARDS: Final = {"*": "[^/]*", "?": "[^/]", "**/": "(?:[^/]+/)*", "**": ".*"}
_TOKEN: Final = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")


@dataclass(frozen=True)
class VideoFile:
    """A file as the file system shows it now.

    Attributes:
        path: relative to the video folder, with slashes.
        size_bytes: its size.
        modified_ns: when its content changed last.
        touched_ns: when content, name or attributes changed last: here a copy that keeps its times tells its age.
        reason: why it cannot be taken; None for a file that can.
    """

    path: str
    size_bytes: int = 0
    modified_ns: int = 0
    touched_ns: int = 0
    reason: str | None = None


def video_files(project: Project) -> Iterator[VideoFile]:
    """The project's videos, in no particular order, one at a time: a folder of any size takes little memory.

    A file that is named or matched and cannot be taken comes with its reason.

    Raises:
        UserError: the folder or the manifest is missing or cannot be read.
    """
    folder = project.video_folder
    _check(folder)
    manifest = project.settings.videos.manifest
    found = _walk(folder) if manifest is None else _named(folder, project.settings.path(manifest))
    matches = pattern_matcher(project.settings.videos.patterns)
    mirror = None if project.settings.videos.remote is None else f"{MIRROR}/"
    for file in found:
        if manifest is None and not matches.fullmatch(file.path.removeprefix(mirror) if mirror else file.path):
            continue
        if not _is_text(file.path):
            yield VideoFile(file.path.encode("utf-8", "replace").decode(), reason="its name is not valid UTF-8")
        else:
            yield file


def pattern_matcher(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for all patterns: `*` and `?` stay within a folder, `**` goes through folders."""
    translated = (
        "".join(_WILDCARDS.get(token) or re.escape(token) for token in _TOKEN.findall(pattern)) for pattern in patterns
    )
    return re.compile("|".join(translated), re.DOTALL)


def _check(folder: Path) -> None:
    try:
        with os.scandir(folder):
            return
    except FileNotFoundError as error:
        raise UserError(
            "the video folder does not exist",
            where=str(folder),
            fix="Make it, or set videos.folder in videopasta.yaml.",
        ) from error
    except NotADirectoryError as error:
        raise UserError(
            "the video folder is a file", where=str(folder), fix="Set videos.folder in videopasta.yaml to a folder."
        ) from error
    except PermissionError as error:
        raise UserError(
            "no permission to read this folder", where=str(folder), fix="Mend its permissions, or set videos.folder."
        ) from error


def _walk(folder: Path, prefix: str = "") -> Iterator[VideoFile]:
    """Regular files under `folder`; links to folders are not followed, so that no loop is."""
    try:
        entries = os.scandir(folder)
    except OSError:  # a folder inside that vanished, or that we may not read: its files are not ours to see
        return
    with entries:
        for entry in entries:
            path = prefix + entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    yield from _walk(Path(entry.path), f"{path}/")
                elif entry.is_file():
                    yield _seen(path, entry.stat())
                elif entry.is_symlink() and not os.path.exists(entry.path):  # noqa: PTH110 - loops answer False
                    yield VideoFile(path, reason="it is a link that leads nowhere")
                else:
                    yield VideoFile(path, reason="it is no regular file")
            except FileNotFoundError:
                continue
            except OSError as error:
                yield VideoFile(path, reason=error.strerror)


def _named(folder: Path, manifest: Path) -> Iterator[VideoFile]:
    try:
        with manifest.open(encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                name = _name(line.strip(), manifest)
                if name:
                    yield _named_file(folder, name)
    except OSError as error:
        raise UserError(
            f"the manifest of videos cannot be read ({error.strerror})",
            where=str(manifest),
            fix="Write it, or take videos.manifest out of videopasta.yaml.",
        ) from error


def _name(line: str, manifest: Path) -> str | None:
    if not line or line.startswith("#"):
        return None
    if not line.startswith("{"):
        return line
    try:
        name = json.loads(line)["path"]
    except (json.JSONDecodeError, KeyError) as error:
        raise UserError(
            f"{line[:80]} is no JSON object with a `path`",
            where=str(manifest),
            fix="Give one path, or one such object, a line.",
        ) from error
    return str(name)


def _named_file(folder: Path, name: str) -> VideoFile:
    inside = os.path.relpath(os.path.normpath(folder / name), os.path.normpath(folder))
    if inside == ".." or inside.startswith("../"):
        return VideoFile(name, reason="it is outside the video folder")
    try:
        status = os.stat(folder / inside)  # noqa: PTH116 - a name with a NUL byte is a ValueError here
    except FileNotFoundError:
        return VideoFile(inside, reason="the manifest names it, and it is not there")
    except OSError as error:
        return VideoFile(inside, reason=error.strerror)
    except ValueError:
        return VideoFile(inside, reason="its name holds a NUL byte")
    if not stat.S_ISREG(status.st_mode):
        return VideoFile(inside, reason="it is no regular file")
    return _seen(inside, status)


def _seen(path: str, status: os.stat_result) -> VideoFile:
    return VideoFile(path, status.st_size, status.st_mtime_ns, max(status.st_mtime_ns, status.st_ctime_ns))


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
