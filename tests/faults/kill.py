"""Kill a run again and again, run it again, and see that nothing is lost or doubled.

`python -m tests.faults.kill --kills 100` kills at 100 moments: in the course of every asset, before, in the middle of
and after chosen changes of files, and at random times of the clock. After each kill the lake must be readable and
whole; after the next run that is left alone it must equal that of a run that was never killed, with at most the batch
that was in flight asked again. The last line is one JSON object with the figures.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.faults.child import Ending, in_child
from tests.faults.crash_points import Beacon, CrashPoints, Moment, follow_phases, follow_steps
from tests.faults.driver import PHASES, TRAINING_PHASES, Driver, run_project
from tests.faults.fingerprint import defects, fingerprint
from tests.faults.kill_project import BATCH, SAVE_STEPS, ledger_path, make_project, steps_path

_MOMENTS: Final[tuple[Moment, ...]] = ("before", "half", "after")
_CLOCK_SHARE: Final = 0.3
"""Share of kills at a random time instead of at a chosen change."""


@dataclass(frozen=True)
class Reference:
    """A run that was never killed."""

    lake: dict[str, str]
    asked: Counter[str]
    steps: int
    seconds: float
    changes: tuple[tuple[str, str], ...]

    def by_phase(self, phase: str) -> list[int]:
        """Numbers of the changes in `phase`."""
        return [number for number, (other, _) in enumerate(self.changes, 1) if other == phase]


@dataclass
class Score:
    """What the kills did."""

    kills: Counter[str] = field(default_factory=Counter)
    by_clock: int = 0
    trials: int = 0
    asked_again: list[int] = field(default_factory=list)
    steps_again: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def report(self, reference: Reference, seconds: float) -> dict[str, Any]:
        """The figures, for people and scripts."""
        return {
            "kills": sum(self.kills.values()),
            "by_clock": self.by_clock,
            "by_phase": {phase: self.kills[phase] for phase in (*PHASES, "start") if self.kills[phase]},
            "trials": self.trials,
            "faults": self.faults,
            "calls_of_a_run": sum(reference.asked.values()),
            "most_calls_again_per_kill": max(self.asked_again, default=0),
            "mean_calls_again_per_kill": round(sum(self.asked_again) / max(1, len(self.asked_again)), 2),
            "batch": BATCH,
            "most_steps_again_per_kill": max(self.steps_again, default=0),
            "changes_of_a_run": len(reference.changes),
            "seconds": round(seconds, 1),
        }


class Bench:
    """A project that is copied for every trial, and the memory that this process shares with its children."""

    def __init__(self, folder: Path, driver: Driver, *, train: bool = True) -> None:
        self.folder = folder
        self.driver = driver
        self.train = train
        self.template = folder / "template"
        self.beacon = Beacon()
        _succeed(in_child(lambda: make_project(self.template)))

    def project(self, name: str) -> Path:
        """A fresh copy of the project; its files keep their times."""
        return Path(shutil.copytree(self.template, self.folder / name / "project"))

    def run(
        self,
        root: Path,
        at: int | None = None,
        moment: Moment = "before",
        record: Path | None = None,
        kill_after: float | None = None,
    ) -> Ending:
        """Run the project in a child, which dies at change `at` or after `kill_after` seconds."""
        self.beacon.clear()

        def work() -> None:
            listed = None if record is None else os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            steps = os.open(steps_path(root), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            points = CrashPoints(root / "lake", self.beacon, at, moment, listed)
            follow_phases(self.beacon)
            follow_steps(points, steps)
            points.install()
            run_project(root, self.driver, train=self.train)

        return in_child(work, kill_after)

    def reference(self) -> Reference:
        """Run a copy without disturbing it."""
        root = self.project("reference")
        record = self.folder / "changes"
        started = time.monotonic()
        _succeed(self.run(root, record=record))
        seconds = time.monotonic() - started
        changes = [line.rsplit(" ", 1) for line in record.read_text().splitlines()]
        return Reference(
            lake=_succeed(in_child(lambda: fingerprint(root / "lake"))).value,
            asked=asked(root),
            steps=_steps(root),
            seconds=seconds,
            changes=tuple((phase, name) for phase, name in changes),
        )


def import_everything() -> None:
    """Import what a run imports, once, for all children."""
    import duckdb  # noqa: F401

    from videopasta_assets.torchvision_ops import prepare_torchvision

    prepare_torchvision()
    from transformers import (  # noqa: F401
        AutoModelForImageTextToText,
        AutoProcessor,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLVideoProcessor,
    )

    import videopasta_assets.training.train  # noqa: F401


def kill_often(
    bench: Bench,
    reference: Reference,
    kills: int,
    seed: int,
    phases: Sequence[str],
    tell: Callable[[str], object],
) -> Score:
    """Trials of one to three kills each, until there were `kills`; those at chosen changes are spread over `phases`."""
    rng = random.Random(seed)
    score = Score()
    while sum(score.kills.values()) < kills:
        wanted = min(rng.choice((1, 1, 1, 2, 2, 3)), kills - sum(score.kills.values()))
        _trial(bench, reference, rng, wanted, phases, score)
        tell(f"{sum(score.kills.values())}/{kills} kills, {len(score.faults)} faults {score.faults[-1:]}")
    return score


def _trial(
    bench: Bench, reference: Reference, rng: random.Random, wanted: int, phases: Sequence[str], score: Score
) -> None:
    name = f"trial-{score.trials}"
    root = bench.project(name)
    killed: list[str] = []
    for _ in range(wanted):
        if rng.random() < _CLOCK_SHARE:
            ending = bench.run(root, kill_after=rng.uniform(0, reference.seconds))
            how = "clock"
        else:
            phase, at, moment = _moment(reference, rng, phases, score)
            ending = bench.run(root, at=at, moment=moment)
            how = f"{moment} change {at} ({phase} {reference.changes[at - 1][1]})"
        if ending.error:
            score.faults.append(f"{name} after {killed}: {ending.error}")
            break
        if not ending.killed:
            break  # it was done before its time came
        phase = bench.beacon.phase or "start"
        score.kills[phase] += 1
        score.by_clock += how == "clock"
        killed.append(f"{phase}: {how}")
        _note(score, name, killed, in_child(lambda: defects(root / "lake", finished=False) if _made(root) else []))
    finished = bench.run(root)
    if finished.error or finished.killed:
        score.faults.append(f"{name} after {killed}: the last run failed: {finished.error or 'killed'}")
    else:
        _note(score, name, killed, in_child(lambda: defects(root / "lake", finished=True)))
        _compare(root, reference, name, killed, score)
    score.trials += 1
    shutil.rmtree(root.parent)


def _moment(reference: Reference, rng: random.Random, phases: Sequence[str], score: Score) -> tuple[str, int, Moment]:
    """A change of the phase that was hit least so far."""
    fewest = min(score.kills[phase] for phase in phases)
    phase = rng.choice([phase for phase in phases if score.kills[phase] == fewest])
    return phase, rng.choice(reference.by_phase(phase)), rng.choice(_MOMENTS)


def _compare(root: Path, reference: Reference, name: str, killed: Sequence[str], score: Score) -> None:
    ending = in_child(lambda: fingerprint(root / "lake"))
    if ending.error:
        score.faults.append(f"{name} after {killed}: {ending.error}")
        return
    lake, calls = ending.value, asked(root)
    differing = sorted(key for key in lake.keys() | reference.lake.keys() if lake.get(key) != reference.lake.get(key))
    if differing:
        score.faults.append(f"{name} after {killed}: differs in {differing}")
    if calls.keys() != reference.asked.keys():
        score.faults.append(f"{name} after {killed}: not the same requests were asked")
    again = sum(calls.values()) - sum(reference.asked.values())
    steps_again = _steps(root) - reference.steps
    if again > BATCH * len(killed) or max(calls.values()) > 1 + len(killed):
        score.faults.append(f"{name} after {killed}: {again} calls were made again")
    if steps_again > SAVE_STEPS * len(killed):
        score.faults.append(f"{name} after {killed}: {steps_again} training steps were made again")
    score.asked_again += [again / len(killed)] if killed else []
    score.steps_again += [steps_again / len(killed)] if killed else []


def _note(score: Score, name: str, killed: Sequence[str], ending: Ending) -> None:
    found = [ending.error] if ending.error else ending.value
    score.faults += [f"{name} after {list(killed)}: {fault}" for fault in found]


def _made(root: Path) -> bool:
    return (root / "lake").exists()


def asked(root: Path) -> Counter[str]:
    """Engine calls made for the project in `root`, by request."""
    path = ledger_path(root)
    return Counter(path.read_text().splitlines()) if path.exists() else Counter()


def _steps(root: Path) -> int:
    return len(steps_path(root).read_text().splitlines())


def _succeed(ending: Ending) -> Ending:
    if ending.error or ending.killed:
        raise RuntimeError(ending.error or "killed")
    return ending


def main() -> int:
    """Kill and report; the exit code says whether there were faults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--driver", choices=("stages", "command"), default="stages", help="command: videopasta run")
    parser.add_argument("--no-train", action="store_true", help="neither train nor score")
    parser.add_argument("--phases", nargs="+", choices=PHASES, help="kill at changes of these only")
    arguments = parser.parse_args()
    done = [phase for phase in PHASES if not (arguments.no_train and phase in TRAINING_PHASES)]
    started = time.monotonic()
    import_everything()
    with tempfile.TemporaryDirectory(prefix="kill-") as folder:
        bench = Bench(Path(folder), arguments.driver, train=not arguments.no_train)
        reference = bench.reference()
        missing = [phase for phase in done if not reference.by_phase(phase)]
        if missing:
            raise RuntimeError(f"a run has no changes in {missing}")
        score = kill_often(
            bench,
            reference,
            arguments.kills,
            arguments.seed,
            arguments.phases or done,
            lambda line: sys.stderr.write(f"{line}\n"),
        )
    sys.stdout.write(json.dumps(score.report(reference, time.monotonic() - started)) + "\n")
    return bool(score.faults)


if __name__ == "__main__":
    sys.exit(main())
