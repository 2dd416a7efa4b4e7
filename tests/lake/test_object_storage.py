"""A lake on a real S3 server: the rules of a lake in a folder hold."""

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from videopasta_assets.errors import UserError
from videopasta_assets.lake import COMMON, Address, Lake, connect
from videopasta_assets.lake.held_objects import HeldFileSystem, HeldObjects
from videopasta_assets.lake.lease import leased
from videopasta_assets.lake.object_journal import ObjectJournal
from videopasta_assets.lake.objects import (
    LakeError,
    create_object,
    is_object,
    objects_under,
    open_location,
    put_object,
    read_object,
    remove_objects,
)
from videopasta_assets.lake.schema import Row
from videopasta_assets.lake.shards import LandedVideo, link_files, linked_files, list_shards, read_shard, seal_shards
from videopasta_assets.lake.sql import attach, declare
from videopasta_assets.lake.tables import VIDEOS

ADDRESS = Address("videos", COMMON, "s000000")


def place(url: str) -> UPath:
    root = open_location(url)
    assert is_object(root)
    return root


def row(key: str, path: str = "a.mp4") -> Row:
    return VIDEOS.versioned({"row_key": key, "video_id": key, "path": path, "present": True, "provenance": "p"})


def test_what_was_written_is_read_back(url: str) -> None:
    lake = Lake(url)
    assert lake.manifest(ADDRESS) is None
    assert lake.rows(ADDRESS) == []
    written = lake.write(ADDRESS, [row("b"), row("a")], {"stage": "1"}, {"files": "x"})
    again = Lake(url)
    assert again.manifest(ADDRESS) == written
    assert [found["row_key"] for found in again.rows(ADDRESS)] == ["a", "b"]
    assert again.columns(ADDRESS, ["path"]).to_pylist() == [{"path": "a.mp4"}] * 2
    assert again.absent_columns(ADDRESS) == ()
    assert again.shards_of("videos", COMMON) == ["s000000"]
    assert again.recipes_of("videos") == [COMMON]
    assert again.has_rows("videos")
    assert not again.has_rows("queries")
    again.remove(ADDRESS)
    again.remove(ADDRESS)
    assert again.manifest(ADDRESS) is None


def test_a_footer_longer_than_the_first_look_is_read_whole(url: str) -> None:
    lake = Lake(url)
    lake.write(ADDRESS, [row("a")], {f"part {number}": "x" * 100 for number in range(2000)})
    manifest = lake.manifest(ADDRESS)
    assert manifest is not None
    assert len(manifest.spec) == 2000


def test_a_replaced_shard_is_seen_by_who_opened_the_lake_before(url: str) -> None:
    reader, writer = Lake(url), Lake(url)
    writer.write(ADDRESS, [row("a")], {})
    assert len(reader.rows(ADDRESS)) == 1
    writer.write(ADDRESS, [row("a"), row("b")], {})
    assert len(reader.rows(ADDRESS)) == 2


def test_a_damaged_object_says_what_to_do(url: str) -> None:
    lake = Lake(url)
    lake.write_file(f"{ADDRESS.folder}/rows.parquet", b"garbage that is no Parquet file")
    with pytest.raises(LakeError, match=r"cannot be read .* Delete it: the next run makes it again"):
        lake.manifest(ADDRESS)


def test_files_beside_the_tables(url: str) -> None:
    lake = Lake(url)
    lake.write_file("notes/a.txt", b"one")
    lake.write_file("notes/deep/b.txt", b"two")
    assert [path.name for path in lake.files("notes", ".txt")] == ["a.txt"]
    assert lake.read_file("notes/a.txt") == b"one"
    assert lake.has_file("notes/a.txt")
    lake.remove_file("notes/a.txt")
    assert not lake.has_file("notes/a.txt")
    with pytest.raises(FileNotFoundError):
        lake.read_file("notes/a.txt")


def test_shards_and_links(url: str) -> None:
    lake = Lake(url)
    video = LandedVideo("0" * 64, "a.mp4", 1, 2)
    seal_shards(lake, [video, video], 1)
    link_files(lake, [video])
    assert list_shards(Lake(url)) == ["s000000", "s000001"]
    assert read_shard(Lake(url), "s000001").videos == (video,)
    assert linked_files(Lake(url)) == [video]


def test_sql_reads_the_objects_and_nothing_else(url: str) -> None:
    import duckdb

    lake = Lake(url)
    lake.write(ADDRESS, [row("a", "it's.mp4")], {"stage": "1"})
    lake.write_file(
        "preference_sets/r/x.json", json.dumps({"preference_set": "x", "recipe": "r", "pairs": []}).encode()
    )
    put_object(place(url).parent / "outside.csv", b"a,b")
    connection = connect(lake)
    assert connection.execute("SELECT path, shard FROM videos").fetchall() == [("it's.mp4", "s000000")]
    assert connection.execute('SELECT "table", rows FROM manifests').fetchall() == [("videos", 1)]
    lake.write(Address("videos", COMMON, "s000001"), [row("b")], {})
    assert connection.execute("SELECT count(*) FROM videos").fetchall() == [(2,)]  # a view looks when it is asked
    for outside in ("/etc/hostname", url.rsplit("/", 1)[0] + "/outside.csv"):
        with pytest.raises(duckdb.PermissionException):
            connection.execute(f"SELECT * FROM read_text('{outside}')")


def test_sql_fetches_an_object_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(url)
    shards = [Address("videos", COMMON, f"s{number:06d}") for number in range(4)]
    for number, address in enumerate(shards):
        lake.write(address, [row(f"{number}", f"{number}.mp4")], {})
    assert is_object(lake.root)
    fetched: list[str] = []
    whole = lake.root.fs.cat_ranges

    def counted(paths: list[str], *arguments: Any, **options: Any) -> Any:
        fetched.extend(paths)
        return whole(paths, *arguments, **options)

    monkeypatch.setattr(lake.root.fs, "cat_ranges", counted)
    question = "SELECT count(*), count(DISTINCT path) FROM videos"
    connection, frozen = declare(), declare()
    attach(connection, lake)
    attach(frozen, lake, frozen=True)
    for _ in range(3):
        assert connection.execute(question).fetchall() == [(4, 4)]
        assert frozen.execute(question).fetchall() == [(4, 4)]
    assert len(fetched) == 4
    for path in ("same.mp4", "as-long.mp4"):  # replaced twice within the second that S3 counts
        lake.write(shards[0], [row("0", path)], {})
        assert connection.execute("SELECT path FROM videos WHERE shard = 's000000'").fetchall() == [(path,)]
    assert len(fetched) == 6
    lake.remove(shards[1])
    assert connection.execute(question).fetchall() == [(3, 3)]
    assert frozen.execute(question).fetchall() == [(4, 4)]


def test_what_does_not_fit_is_fetched_again(url: str) -> None:
    import duckdb

    lake = Lake(url)
    for number in range(3):
        lake.write(Address("videos", COMMON, f"s{number:06d}"), [row(f"{number}")], {})
    assert is_object(lake.root)
    first = lake.path(Address("videos", COMMON, "s000000"))
    assert is_object(first)
    held = HeldObjects(max_bytes=len(read_object(first)) + 10)
    connection = duckdb.connect()
    connection.register_filesystem(HeldFileSystem(lake.root, held))
    files = lake.root / "tables" / "*" / "*" / "*" / "*.parquet"
    for _ in range(2):
        assert connection.execute(f"SELECT count(*) FROM '{files}'").fetchall() == [(3,)]
    with pytest.raises(duckdb.Error):
        connection.execute(f"COPY (SELECT 1) TO '{lake.root / 'mine.parquet'}'")


def test_a_folder_is_worked_on_here_and_published(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lake = Lake(url)
    here = lake.local_folder("checkpoints/r/x")
    (here / "adapter").mkdir(parents=True)
    (here / "adapter" / "weights").write_bytes(b"first")
    (here / "checkpoint-7").mkdir()
    (here / "checkpoint-7" / "state").write_bytes(b"only to resume")
    lake.publish_folder("checkpoints/r/x")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another machine"))
    there = Lake(url).local_folder("checkpoints/r/x")
    assert (there / "adapter" / "weights").read_bytes() == b"first"
    assert not (there / "checkpoint-7").exists()
    lake.write_file("checkpoints/r/x/adapter/weights", b"second")
    assert (Lake(url).local_folder("checkpoints/r/x/adapter") / "weights").read_bytes() == b"second"


def test_rows_are_journaled_within_a_second(url: str) -> None:
    lake = Lake(url)
    journal = lake.journal(ADDRESS)
    journal.append(row("a"))
    journal.append(row("b"))
    deadline = time.monotonic() + 10
    while not lake.has_journal(ADDRESS) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [found["row_key"] for found in Lake(url).journal(ADDRESS).rows()] == ["a", "b"]
    again = Lake(url).journal(ADDRESS)  # the next run goes on behind them
    again.append(row("a", "later.mp4"))
    again.close()
    assert [found["path"] for found in lake.journal(ADDRESS).rows()] == ["a.mp4", "a.mp4", "later.mp4"]
    assert lake.interrupted("videos", COMMON) == 1
    journal.discard()
    assert not lake.has_journal(ADDRESS)


def test_many_rows_share_an_object(url: str) -> None:
    journal = ObjectJournal(place(url) / "journal" / "x", VIDEOS, rows_an_object=4, seconds=60)
    for number in range(9):
        journal.append(row(str(number)))
    assert len(objects_under(journal.path)) == 2
    journal.close()
    assert len(list(journal.rows())) == 9


def test_one_process_at_a_time_creates(url: str) -> None:
    path = place(url) / "x"
    assert create_object(path, b"first")
    assert not create_object(path, b"second")
    assert read_object(path) == b"first"


def test_a_second_writer_waits_for_the_first(url: str) -> None:
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        inside.wait()
        with Lake(url).lock(ADDRESS):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with Lake(url).lock(ADDRESS):
        inside.set()
        time.sleep(0.7)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def _hold_and_hang(url: str, held: str) -> None:
    lake = Lake(url)
    with lake.lock(ADDRESS):
        lake.journal(ADDRESS).append(row("a"))
        time.sleep(1.5)
        Path(held).touch()
        time.sleep(600)


def test_a_killed_writer_loses_its_lock_at_once_and_keeps_its_rows(url: str, tmp_path: Path) -> None:
    held = tmp_path / "held"
    process = multiprocessing.get_context("spawn").Process(target=_hold_and_hang, args=(url, str(held)))
    process.start()
    while not held.exists():
        assert process.is_alive()
        time.sleep(0.05)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    started = time.monotonic()
    lake = Lake(url)
    with lake.lock(ADDRESS):
        assert time.monotonic() - started < 10
        assert [found["row_key"] for found in lake.journal(ADDRESS).rows()] == ["a"]


def test_a_lease_of_another_machine_expires(url: str) -> None:
    folder = place(url) / "locks" / "x"
    stranger = {
        "host": "far",
        "machine": "other",
        "pid": 1,
        "started": 0.0,
        "token": "t",
        "beats": 0,
        "released": False,
    }
    put_object(folder / "000000001", json.dumps(stranger).encode())
    started = time.monotonic()
    with leased(folder, "x", expires_seconds=1.0) as lease:
        assert time.monotonic() - started >= 1.0
        lease.confirm()
        assert list(objects_under(folder)) == ["000000002"]


def test_who_stood_still_and_was_taken_over_writes_nothing(url: str) -> None:
    lake = Lake(url)
    with lake.lock(ADDRESS):
        folder = place(url) / "locks" / "videos.common.s000000.lock"
        put_object(folder / "000000002", b"{}")
        with pytest.raises(LakeError, match="another run took over videos of s000000"):
            lake.write(ADDRESS, [row("a")], {})
        remove_objects(folder / "000000002")
    assert lake.manifest(ADDRESS) is None


def test_a_look_at_all_of_it_is_a_listing_and_reads_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(url)
    places = [Address("videos", COMMON, f"s{number:06d}") for number in range(5)]
    written = [lake.write(place, [row("a")], {"long": "x" * 30_000 * (place == places[0])}) for place in places]
    seal_shards(lake, [LandedVideo("0" * 64, "a.mp4", 1, 2)], 1)
    journal = lake.journal(places[0])
    journal.append(row("b"))
    journal.close()
    requests: list[str] = []
    storage = place(url).fs

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(name: str, **more: Any) -> Any:
            requests.append(name)
            return real(name, **more)

        return call

    for name in ("cat_file", "find", "isfile", "info"):
        monkeypatch.setattr(storage, name, counted(getattr(storage, name)))
    with lake.snapshot():
        requests.clear()
        assert [lake.manifest(one) for one in places] == written
        assert set(requests) <= {place(url).path + f"/{places[0].folder}/rows.parquet"}  # longer than was fetched
        requests.clear()
        assert [lake.has_journal(one) for one in places] == [True, False, False, False, False]
        assert lake.shards_of("videos", COMMON) == [one.shard for one in places]
        assert list_shards(lake) == ["s000000"]
        assert read_shard(lake, "s000000").videos[0].path == "a.mp4"
        assert lake.manifest(Address("videos", COMMON, "s000009")) is None
        assert not requests
        assert len(lake.rows(places[1])) == 1
        Lake(url).write(Address("videos", COMMON, "s000009"), [row("a")], {})
        assert lake.manifest(Address("videos", COMMON, "s000009")) is None
    assert lake.manifest(Address("videos", COMMON, "s000009")) is not None


def test_another_version_is_not_migrated(url: str) -> None:
    Lake(url).write_file("lake.json", b'{"version": 0}')
    with pytest.raises(UserError, match="object storage is not migrated"):
        Lake(url)


def test_a_bucket_that_is_not_there_is_one_sentence(s3: str) -> None:
    with pytest.raises(LakeError, match=r"s3://no-such-bucket/x/lake\.json cannot be written") as raised:
        Lake("s3://no-such-bucket/x")
    assert "secret-of-the-test" not in str(raised.value)


def test_a_storage_that_nobody_knows_is_a_mistake() -> None:
    with pytest.raises(UserError, match="Unsupported filesystem"):
        Lake("nowhere://bucket/x")
