"""Versions of the lake: a new one is marked, an older one is migrated step by step, everything else says what to do."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from videopasta_assets.errors import UserError
from videopasta_assets.lake import Address, Lake
from videopasta_assets.lake.files import LakeError
from videopasta_assets.lake.migrations import (
    LAKE_VERSION,
    MIGRATIONS,
    Migration,
    open_version,
    read_version,
    session,
)


def rename(old: str, new: str):
    """A step that accepts a lake that it has changed already."""

    def apply(root: Path) -> None:
        if (root / old).exists():
            (root / old).rename(root / new)

    return apply


CHAIN = (Migration(2, "b takes the place of a", rename("a", "b")), Migration(3, "c of b", rename("b", "c")))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    (tmp_path / "lake.json").write_text('{"version": 1}')
    (tmp_path / "a").write_text("rows")
    return tmp_path


def test_the_chain_ends_at_this_programs_version() -> None:
    assert [step.version for step in MIGRATIONS] == list(range(LAKE_VERSION - len(MIGRATIONS) + 1, LAKE_VERSION + 1))


def test_a_new_lake_is_marked(tmp_path: Path) -> None:
    assert read_version(tmp_path) is None
    Lake(tmp_path / "lake")
    assert read_version(tmp_path / "lake") == LAKE_VERSION


def test_an_older_lake_goes_through_every_step_in_turn(old: Path) -> None:
    open_version(old, 3, CHAIN)
    assert (old / "c").read_text() == "rows"
    assert read_version(old) == 3
    open_version(old, 3, ())  # nothing is left to do


def test_a_migration_that_was_killed_goes_on_where_it_was(old: Path) -> None:
    def killed(root: Path) -> None:
        rename("b", "c")(root)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_version(old, 3, (CHAIN[0], Migration(3, "c of b", killed)))
    assert read_version(old) == 2
    open_version(old, 3, CHAIN)
    assert (old / "c").read_text() == "rows"
    assert read_version(old) == 3


def test_a_full_disk_during_a_migration_is_one_sentence_and_the_version_stays(old: Path) -> None:
    def full(root: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(LakeError, match="the disk is full"):
        open_version(old, 2, (Migration(2, "too much", full),))
    assert read_version(old) == 1


def test_a_lake_that_is_too_old_says_what_to_do(old: Path) -> None:
    with pytest.raises(UserError, match=r"version 1, and this program cannot bring it to version 3.*another folder"):
        open_version(old, 3, CHAIN[1:])
    assert (old / "a").exists()


def test_a_newer_lake_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "lake.json").write_text('{"version": 99, "more": true}')
    with pytest.raises(UserError, match=r"newer than version .*Upgrade"):
        Lake(tmp_path)
    assert json.loads((tmp_path / "lake.json").read_text()) == {"version": 99, "more": True}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": "2"}', b"\xff\x00", None])
def test_a_lost_version_is_not_guessed(tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "tables").mkdir()
    if content is not None:
        (tmp_path / "lake.json").write_bytes(content)
    with pytest.raises(UserError, match=r'version is lost.*write \{"version": 1\} into it'):
        Lake(tmp_path)


def test_a_lake_in_use_is_not_migrated(old: Path) -> None:
    with session(old, 1), pytest.raises(UserError, match="another process works on it"):
        open_version(old, 3, CHAIN)
    assert (old / "a").exists()
    open_version(old, 3, CHAIN)


def test_a_program_of_the_old_version_writes_no_more_once_the_lake_is_migrated(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    (tmp_path / "lake.json").write_text(json.dumps({"version": LAKE_VERSION + 1}))
    address = Address("queries", "videopasta", "s000000")
    with pytest.raises(UserError, match="has migrated this lake"), lake.lock(address):
        pass


def test_the_lock_is_free_again_afterwards(old: Path) -> None:
    open_version(old, 3, CHAIN)
    descriptor = os.open(old / "locks" / "lake.lock", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)
