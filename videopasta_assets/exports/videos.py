"""Where an export's videos are: beside it as links or copies, or left where they lie."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

from videopasta_assets.errors import UserError
from videopasta_assets.exports.record import ExportRecord
from videopasta_assets.lake.files import disk_errors

VideoPlace = Literal["relative", "link", "copy"]
VIDEOS: Final = "videos"


def place_videos(records: Sequence[ExportRecord], folder: Path, place: VideoPlace) -> list[ExportRecord]:
    """Records whose `video` is relative to `folder`.

    Links and copies are named by the hash of the video's bytes: no name that somebody chose reaches a trainer.

    Args:
        records: with the sources.
        folder: of the export.
        place: relative leaves the files where they are; link makes symbolic links in `videos/`; copy copies.

    Raises:
        UserError: a video is no longer there.
        LakeError: it cannot be copied.
    """
    placed: dict[Path, str] = {}
    for record in records:
        if record.source not in placed:
            placed[record.source] = _place(record, folder, place)
    return [replace(record, video=placed[record.source]) for record in records]


def _place(record: ExportRecord, folder: Path, place: VideoPlace) -> str:
    source = record.source.absolute()
    if not source.is_file():
        raise UserError(
            "a video of the preference set is gone",
            where=str(source),
            fix="Bring it back, or `videopasta run` to retract its pairs.",
        )
    if place == "relative":
        return Path(os.path.relpath(source, folder.absolute())).as_posix()
    target = folder / VIDEOS / f"{record.video_id}{source.suffix.lower()}"
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if place == "link":
            target.symlink_to(source)
        else:
            shutil.copyfile(source, target)
    return f"{VIDEOS}/{target.name}"
