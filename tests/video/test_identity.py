"""The identity of a file is the hash of its bytes; files that are not ours to read have none."""

import hashlib
import os
import time
from pathlib import Path

import pytest

from tests.faults.people import is_for_people
from videopasta_assets.video.guard import UnreadableVideo
from videopasta_assets.video.identity import content_id


@pytest.mark.parametrize("data", [b"", b"no video at all", bytes(9 << 20)], ids=["empty", "text", "chunks"])
def test_it_is_the_hash_of_any_content(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    assert content_id(path, [tmp_path]) == hashlib.sha256(data).hexdigest()


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(1 << 42)
    started = time.monotonic()
    with pytest.raises(UnreadableVideo, match="too big"):
        content_id(path, [tmp_path])
    assert time.monotonic() - started < 1


def test_a_file_without_permission_has_none(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    path.chmod(0)
    root = os.geteuid() == 0
    if root:
        tmp_path.chmod(0o755)
    try:
        if root:
            os.seteuid(65534)
        with pytest.raises(UnreadableVideo, match="no permission") as refusal:
            content_id(path, [tmp_path])
        assert is_for_people(refusal.value.reason)
    finally:
        if root:
            os.seteuid(0)


def test_a_link_out_has_none(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (root / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(UnreadableVideo, match="outside"):
        content_id(root / "link", [root])
    assert content_id(root / "link", [root, tmp_path])
