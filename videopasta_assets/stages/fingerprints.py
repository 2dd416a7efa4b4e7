"""Fingerprints of the videos that pairs and benchmarks are about, kept in the lake so that each is made once."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from videopasta_assets.evaluation import BenchmarkItem
from videopasta_assets.lake import Row
from videopasta_assets.stages.benchmark_items import benchmark_named, find_video, items_of, published
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.video.fingerprint import BLANK, FINGERPRINT, Fingerprints, fingerprint
from videopasta_assets.video.guard import UnreadableVideo
from videopasta_assets.video.identity import content_id
from videopasta_assets.video.worker import probe_safely

_SCALE: Final = 32.0
"""Pictures are stored as bytes: values from -4 to 4 standard deviations."""


@dataclass(frozen=True)
class VideoPrints:
    """Some videos as what identifies them.

    Attributes:
        ids: SHA-256 of each file's bytes; empty where the file cannot be read.
        names: what to call each in a message.
        pictures: one fingerprint a video; zeros where it cannot be decoded.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    pictures: Fingerprints


def prints_of_members(project: Project, members: Iterable[Row]) -> VideoPrints:
    """Prints of the videos of a preference set's members."""
    wanted: dict[str, set[str]] = {}
    for member in members:
        wanted.setdefault(str(member["pair_shard"]), set()).add(str(member["video_id"]))
    found: dict[str, Fingerprints] = {}
    for shard, videos in sorted(wanted.items()):
        paths = {
            row["video_id"]: project.video_folder / row["path"] for row in good_rows(project, "sampled_videos", shard)
        }
        store = _Store(project, shard)
        for video in sorted(videos & paths.keys()):
            found[video] = store.picture(video, paths[video])
        store.save()
    return _together({video: (video, video) for video in found}, found)


def prints_of_benchmark(project: Project, name: str) -> VideoPrints:
    """Prints of a benchmark's videos, those that are there.

    Raises:
        UserError: the benchmark's files are missing or malformed.
    """
    settings = benchmark_named(project, name)
    inside = published(settings)
    folder = project.benchmark_folder(settings)
    store = _Store(project, f"benchmark-{name}")
    known: dict[str, tuple[str, str]] = {}
    found: dict[str, Fingerprints] = {}
    for video, item in _videos(items_of(project, name)).items():
        path = find_video(folder, video, inside.video_folders if inside else ())
        if path is None:
            if item.video_id:
                known[video], found[video] = (item.video_id, video), BLANK
            continue
        state = path.stat()
        key = f"{video}:{state.st_size}:{state.st_mtime_ns}"
        identity = item.video_id or store.identity(key, path)
        known[video], found[video] = (identity, video), store.picture(key, path)
    store.save()
    return _together(known, found)


def _videos(items: Iterable[BenchmarkItem]) -> dict[str, BenchmarkItem]:
    return {item.video: item for item in items}


def _together(known: Mapping[str, tuple[str, str]], pictures: Mapping[str, Fingerprints]) -> VideoPrints:
    order = sorted(known)
    stacked = np.stack([pictures[key] for key in order]) if order else np.zeros((0, *BLANK.shape), dtype=np.float32)
    return VideoPrints(tuple(known[key][0] for key in order), tuple(known[key][1] for key in order), stacked)


class _Store:
    """One file of the lake with the fingerprints of a shard's or a benchmark's videos."""

    def __init__(self, project: Project, name: str) -> None:
        self._project = project
        self._file = f"fingerprints/{FINGERPRINT}/{name}.npz"
        self._pictures: dict[str, Fingerprints] = {}
        self._ids: dict[str, str] = {}
        self._changed = False
        if project.lake.has_file(self._file):
            try:
                with np.load(io.BytesIO(project.lake.read_file(self._file)), allow_pickle=False) as held:
                    keys, ids = held["keys"].tolist(), held["ids"].tolist()
                    self._pictures = dict(zip(keys, held["pictures"].astype(np.float32) / _SCALE, strict=True))
                    self._ids = {key: identity for key, identity in zip(keys, ids, strict=True) if identity}
            except (ValueError, KeyError, OSError, zipfile.BadZipFile):
                self._changed = True  # damaged: made again

    def picture(self, key: str, path: Path) -> Fingerprints:
        """The fingerprint of a video; blank where it cannot be decoded."""
        if key not in self._pictures:
            self._changed = True
            try:
                info = probe_safely(path, self._project.roots, self._project.limits)
                self._pictures[key] = fingerprint(path, info, self._project.reader)
            except UnreadableVideo:
                self._pictures[key] = BLANK
        return self._pictures[key]

    def identity(self, key: str, path: Path) -> str:
        """SHA-256 of the file's bytes; empty where it cannot be read."""
        if key not in self._ids:
            self._changed = True
            try:
                self._ids[key] = content_id(path, self._project.roots, self._project.limits.max_file_bytes)
            except UnreadableVideo:
                return ""
        return self._ids[key]

    def save(self) -> None:
        """Write the file if it would say something new."""
        if not self._changed or not self._pictures:
            return
        keys = sorted(self._pictures)
        stacked = np.stack([self._pictures[key] for key in keys])
        content = io.BytesIO()
        np.savez_compressed(
            content,
            keys=np.array(keys),
            ids=np.array([self._ids.get(key, "") for key in keys]),
            pictures=np.clip(np.rint(stacked * _SCALE), -127, 127).astype(np.int8),
        )
        self._project.lake.write_file(self._file, content.getvalue())
