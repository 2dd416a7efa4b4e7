import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from videopasta_assets.engines.feature_store import FeatureStore
from videopasta_assets.hashing import stable_hash

_KILOBYTE = torch.zeros(256)


def key(number: int) -> str:
    return stable_hash(number)


def age(store: FeatureStore, number: int, seconds: float) -> None:
    path = store._path(key(number))
    os.utime(path, (time.time() - seconds, time.time() - seconds))


def test_what_was_put_is_found_again_by_another_process_too(tmp_path) -> None:
    tensors = {"a": torch.rand(3, 4), "b": torch.rand(2).bfloat16(), "ids": torch.arange(5)}
    assert FeatureStore(tmp_path, 10_000).put(key(0), tensors)
    found = FeatureStore(tmp_path, 10_000).get(key(0))
    assert found is not None
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) and found[name].dtype == tensors[name].dtype for name in found)


def test_hits_and_misses_are_counted(tmp_path) -> None:
    store = FeatureStore(tmp_path, 10_000)
    assert store.get(key(0)) is None
    store.put(key(0), {"a": _KILOBYTE})
    store.get(key(0))
    assert (store.hits, store.misses) == (1, 1)


def test_the_longest_unused_make_room(tmp_path) -> None:
    store = FeatureStore(tmp_path, 4_000)
    for number in range(3):
        assert store.put(key(number), {"a": _KILOBYTE})
        age(store, number, 10_000 - number)
    assert store.get(key(0)) is not None  # is the latest used now
    assert store.put(key(3), {"a": _KILOBYTE})
    assert [store.get(key(number)) is not None for number in range(4)] == [True, False, True, True]
    assert store.size_bytes <= 4_000


def test_a_pass_over_more_than_fits_keeps_what_it_has(tmp_path) -> None:
    store = FeatureStore(tmp_path, 4_000)
    for _ in range(2):
        for number in range(6):
            if store.get(key(number)) is None:
                store.put(key(number), {"a": _KILOBYTE})
    assert store.hits == 3  # all that fit, in the second pass; the least recently used rule would find none


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=12))
def test_the_cap_always_holds(tmp_path_factory, sizes) -> None:
    store = FeatureStore(tmp_path_factory.mktemp("store"), 3_000, protected_seconds=-1)
    for number, size in enumerate(sizes):
        stored = store.put(key(number), {"a": torch.zeros(size)})
        assert stored == (store.get(key(number)) is not None)
        assert store.size_bytes <= 3_000


def test_a_broken_entry_is_a_miss_and_goes(tmp_path) -> None:
    store = FeatureStore(tmp_path, 10_000)
    store.put(key(0), {"a": _KILOBYTE})
    store._path(key(0)).write_bytes(b"torn")
    assert store.get(key(0)) is None
    assert not store._path(key(0)).exists()


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_cache(tmp_path, caplog) -> None:
    (tmp_path / "file").write_text("")
    store = FeatureStore(tmp_path / "file", 10_000)
    assert not store.put(key(0), {"a": _KILOBYTE})
    assert not store.put(key(1), {"a": _KILOBYTE})
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("seconds", [0.02, 0.1])
def test_a_killed_writer_leaves_whole_entries_only(tmp_path, seconds) -> None:
    code = f"""
import itertools, torch
from pathlib import Path
from videopasta_assets.engines.feature_store import FeatureStore
from videopasta_assets.hashing import stable_hash
store = FeatureStore(Path({str(tmp_path)!r}), 1 << 30)
print("ready", flush=True)
for number in itertools.count():
    store.put(stable_hash(number), {{"a": torch.full((200_000,), float(number))}})
"""
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path.cwd())
    assert writer.stdout is not None
    writer.stdout.readline()
    time.sleep(seconds)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    for path in tmp_path.glob("*/*.safetensors"):
        values = load_file(path)["a"]
        assert len(values) == 200_000
        assert float(values.min()) == float(values.max())
        assert path.stem == stable_hash(int(values[0]))
