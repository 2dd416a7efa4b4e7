"""Runs on a disk that is full: one clear sentence, nothing torn, and the next run with space completes the lake.

`python -m tests.faults.disk_full`. First the disk fills at chosen changes of files; then, where mounting is permitted,
the lake is on a real small file system, with training, whose libraries write by themselves. The last line is one JSON
object with the figures.
"""

import argparse
import ctypes
import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.faults.child import in_child
from tests.faults.driver import PHASES, TRAINING_PHASES, run_project
from tests.faults.fingerprint import defects, fingerprint
from tests.faults.kill import Bench, Reference, asked, import_everything
from videopasta_assets.errors import VideoPastaError

_NEW_MOUNTS: Final = 0x00020000
_PRIVATE: Final = 1 << 18 | 1 << 14
_REMOUNT: Final = 32
_FULL: Final = ("the disk is full", "No space left on device")


def filled_at_a_change(bench: Bench, reference: Reference, name: str, at: int) -> list[str]:
    """Faults of a run whose disk is full from change `at` on, and of the next one, which has space."""
    root = bench.project(name)
    ending = bench.run(root, at=at, moment="full")
    where = f"{name}, full at change {at} {reference.changes[at - 1]}"
    faults = [] if ending.error else ["a full disk was not noticed"]
    if ending.error and not (ending.error.startswith("LakeError: cannot write") and _FULL[0] in ending.error):
        faults.append(f"not one clear sentence: {ending.error}")
    if (root / "lake").exists():
        faults += in_child(lambda: defects(root / "lake", finished=False)).value
    again = bench.run(root)
    faults += [f"the next run failed: {again.error}"] if again.error else _differences(root, reference)
    shutil.rmtree(root.parent)
    return [f"{where}: {fault}" for fault in faults]


def _differences(root: Path, reference: Reference) -> list[str]:
    faults = list(in_child(lambda: defects(root / "lake", finished=True)).value)
    if in_child(lambda: fingerprint(root / "lake")).value != reference.lake:
        faults.append("the lake is not that of an undisturbed run")
    if asked(root).keys() != reference.asked.keys():
        faults.append("not the same requests were asked")
    return faults


def on_a_small_disk(root: Path, kilobytes: int) -> dict[str, Any]:
    """In this process, which gets a mount of its own: run on a file system of `kilobytes`, then on a larger one."""
    lake = root / "lake"
    _mount(lake, f"size={kilobytes}k", 0)
    try:
        run_project(root, "stages")
        sentence = None
    except VideoPastaError as error:
        sentence = str(error)
    torn = defects(lake, finished=False)
    _mount(lake, "size=64m", _REMOUNT)
    run_project(root, "stages")
    return {"sentence": sentence, "torn": torn + defects(lake, finished=True), "lake": fingerprint(lake)}


def can_mount() -> bool:
    """This user may mount a file system of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return in_child(lambda: _mount(Path(folder) / "probe", "size=64k", 0)).error is None


def _mount(folder: Path, options: str, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if not flags:
        folder.mkdir()
        _check(libc.unshare(_NEW_MOUNTS))
        _check(libc.mount(b"none", b"/", None, _PRIVATE, None))
    _check(libc.mount(b"none", os.fsencode(folder), b"tmpfs", flags, options.encode()))


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def main() -> int:
    """Fill disks; the exit code says whether there were faults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=10, help="how many chosen changes to fill the disk at")
    parser.add_argument("--disks", type=float, nargs="*", default=[], help="real disks, as shares of the lake's size")
    arguments = parser.parse_args()
    import_everything()
    rng = random.Random(0)
    figures: dict[str, Any] = {"filled_at_changes": 0, "real_disks": [], "faults": []}
    with tempfile.TemporaryDirectory(prefix="disk-full-") as folder:
        bench = Bench(Path(folder), "stages", train=False)
        reference = bench.reference()
        phases = [phase for phase in PHASES if phase not in TRAINING_PHASES]
        for number in range(arguments.changes):
            writes = [
                at for at in reference.by_phase(phases[number % len(phases)]) if reference.changes[at - 1][1] == "write"
            ]
            figures["faults"] += filled_at_a_change(bench, reference, f"trial-{number}", rng.choice(writes))
            figures["filled_at_changes"] += 1
    if arguments.disks and can_mount():
        with tempfile.TemporaryDirectory(prefix="disk-full-") as folder:
            bench = Bench(Path(folder), "stages")
            reference = bench.reference()
            size = in_child(lambda: _kilobytes(bench.folder / "reference" / "project" / "lake")).value
            for share in arguments.disks:
                root = bench.project(f"disk-{share}")
                ending = in_child(lambda: on_a_small_disk(root, int(size * share)))  # noqa: B023 - called at once
                found = ending.value or {"sentence": None, "torn": [ending.error], "lake": None}
                figures["real_disks"].append({"kilobytes": int(size * share), "sentence": found["sentence"]})
                figures["faults"] += found["torn"]
                if found["lake"] != reference.lake:
                    figures["faults"].append(f"disk of {share}: the lake is not that of an undisturbed run")
                if found["sentence"] is None or not any(words in found["sentence"] for words in _FULL):
                    figures["faults"].append(f"disk of {share}: not one clear sentence: {found['sentence']}")
    sys.stdout.write(json.dumps(figures) + "\n")
    return bool(figures["faults"])


def _kilobytes(folder: Path) -> int:
    """Space that the files take, in pages of 4 KiB."""
    return sum(-(-path.stat().st_size // 4096) * 4 for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
