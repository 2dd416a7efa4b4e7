"""A folder of toyworld videos, with the truth written somewhere else.

The truth of a video lies at `<truth>/<video_id>.json`, `video_id` being the SHA-256 of the file's bytes. Nothing but
the oracle may read it, so it never lies beside the videos.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from videopasta_assets.errors import UserError
from videopasta_assets.toyworld.caption import timed_captions
from videopasta_assets.toyworld.scene import Scene, scene_from_dict
from videopasta_assets.toyworld.splits import scenes
from videopasta_assets.toyworld.video_file import Encoding, sample_encoding, write_video


def write_folder(
    dest: Path, truth: Path, count: int, seed: int, split: str, annotations: Path | None = None
) -> list[Path]:
    """Render `count` distinct scenes of a split as MP4 files into `dest`, and their truth into `truth`.

    Files that are already there with their truth are kept as they are. Returns the files in order. `annotations` is a
    folder for what an annotator who watched would write down: timed captions, and nothing else of the truth.

    Raises:
        UserError: `truth` is inside `dest`, or a folder cannot be written.
    """
    prepare_folders(dest, truth)
    paths = []
    for (scene, rng), index in zip(scenes(split, seed), range(count), strict=False):
        encoding = sample_encoding(rng)
        path = dest / f"{split}-{seed:03d}-{index:05d}.mp4"
        if not (path.exists() and truth_file(truth, video_id(path)).exists()):
            write_scene(scene, encoding, path, truth)
        if annotations is not None:
            annotate(scene, annotations / f"{path.stem}.json")
        paths.append(path)
    return paths


def prepare_folders(dest: Path, truth: Path) -> None:
    if truth.resolve().is_relative_to(dest.resolve()):
        raise UserError(
            "the truth may not lie among the videos", where=str(truth), fix="Choose a folder outside the video folder."
        )
    for folder in (dest, truth):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot create the folder ({error.strerror})", where=str(folder)) from error


def write_scene(scene: Scene, encoding: Encoding, path: Path, truth: Path) -> str:
    """Write one video and its truth; returns the `video_id`."""
    partial = path.with_suffix(".partial")
    try:
        write_video(scene, encoding, partial)
        partial.replace(path)
    except OSError as error:
        raise UserError(f"cannot write the video ({error.strerror})", where=str(path)) from error
    finally:
        partial.unlink(missing_ok=True)
    identifier = video_id(path)
    record = {
        "video_id": identifier,
        "scene_id": scene.identity,
        "scene": scene.to_dict(),
        "encoding": asdict(encoding),
        "captions": [asdict(event) for event in timed_captions(scene)],
    }
    truth_file(truth, identifier).write_text(json.dumps(record, indent=1) + "\n")
    return identifier


def annotate(scene: Scene, path: Path) -> None:
    """Write the scene's timed captions, as the `captions` layout of scene annotations has them."""
    events = {"duration": scene.duration, "captions": [asdict(event) for event in timed_captions(scene)]}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(events, indent=1) + "\n")
    except OSError as error:
        raise UserError(f"cannot write the annotations ({error.strerror})", where=str(path)) from error


def read_truth(truth: Path, identifier: str) -> Scene | None:
    """The scene of a video, or None when there is no truth for it."""
    path = truth_file(truth, identifier)
    return scene_from_dict(json.loads(path.read_text())["scene"]) if path.exists() else None


def truth_file(truth: Path, identifier: str) -> Path:
    return truth / f"{identifier}.json"


def video_id(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
