"""Files that survive: replaced whole, whatever fails on the way; what a kill left is swept."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from videopasta_assets.lake.files import LakeError, make_folder, replace_file, sync_tree, write_all

CALLS = ("open", "write", "fsync", "replace")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_whatever_fails_the_old_file_stays_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")
    real = getattr(os, call)

    def failing(*arguments: object) -> object:
        if call == "open" and not str(arguments[0]).endswith(".tmp"):
            return real(*arguments)
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing)
        with pytest.raises(LakeError, match=f"cannot write {path}: .*\\.$"):
            replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert [left.name for left in tmp_path.iterdir()] == ["file"]
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"


def test_the_next_writer_sweeps_what_a_killed_one_left(tmp_path: Path) -> None:
    (tmp_path / ".file.0123.tmp").write_bytes(b"half")
    (tmp_path / "other").write_bytes(b"kept")
    replace_file(tmp_path / "file", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "other"]


def test_a_writer_at_work_is_not_swept(tmp_path: Path) -> None:
    at_work = tmp_path / ".other.4567.tmp"
    at_work.write_bytes(b"being written")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        replace_file(tmp_path / "file", b"whole")
        assert at_work.exists()
    finally:
        os.close(descriptor)


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "way").write_bytes(b"")
    with pytest.raises(LakeError, match=r"a part of the path is a file|a file of that name is in the way"):
        replace_file(tmp_path / "way" / "file", b"new")


def test_dev_full_is_one_sentence() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OSError, match="No space left"):
            write_all(descriptor, b"anything")
    finally:
        os.close(descriptor)


def test_folders_are_made_once_and_trees_are_synced(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "a" / "b" / "file").write_bytes(b"content")
    sync_tree(tmp_path / "a")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"content"
