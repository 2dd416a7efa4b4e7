"""Two runs of one project at once, as real processes: one waits for the other, and nothing is computed twice.

`python -m tests.faults.two_runs`. In a second trial the run that is ahead is killed while the other waits. The last
line is one JSON object with the figures.
"""

import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.child import Child, in_child
from tests.faults.driver import run_project
from tests.faults.fingerprint import defects, fingerprint
from tests.faults.kill import Bench, Reference, asked, import_everything
from tests.faults.kill_project import BATCH


def two_at_once(bench: Bench, reference: Reference, name: str, kill_first_after: float | None) -> list[str]:
    """Faults of one trial."""
    root = bench.project(name)
    runs = [Child(lambda: run_project(root, bench.driver, train=bench.train)) for _ in range(2)]
    endings = [runs[0].wait(kill_first_after), runs[1].wait()]
    faults = [ending.error for ending in endings if ending.error]
    killed = sum(ending.killed for ending in endings)
    faults += in_child(lambda: defects(root / "lake", finished=True)).value
    if in_child(lambda: fingerprint(root / "lake")).value != reference.lake:
        faults.append("the lake is not that of one run")
    again = sum(asked(root).values()) - sum(reference.asked.values())
    if not 0 <= again <= BATCH * killed:
        faults.append(f"{again} calls were made again")
    shutil.rmtree(root.parent)
    return [f"{name}: {fault}" for fault in faults]


def main() -> int:
    """Three trials; the exit code says whether there were faults."""
    import_everything()
    rng = random.Random(0)
    with tempfile.TemporaryDirectory(prefix="two-runs-") as folder:
        bench = Bench(Path(folder), "stages", train=False)
        reference = bench.reference()
        faults = two_at_once(bench, reference, "both", None)
        for number in range(2):
            after = rng.uniform(0.2, 0.8) * reference.seconds
            faults += two_at_once(bench, reference, f"killed-{number}", after)
    sys.stdout.write(
        json.dumps({"trials": 3, "calls_of_a_run": sum(reference.asked.values()), "faults": faults}) + "\n"
    )
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
