"""Train without Dagster: `python -m videopasta_assets.training.run config.json`, or the same under `accelerate launch`.

The file is a `TrainingJob`: `pairs`, `model`, `output`, `videos`, and optionally how videos are read and `training`.
Paths are relative to the file. Dagster starts the very same command and listens to what it reports.
Exit codes: 0 done, 1 the work failed, 2 wrong use.
"""

import sys
from pathlib import Path

from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.training.job import load_job
from videopasta_assets.training.parent import follow_parent
from videopasta_assets.training.reporting import open_reporter


def main(arguments: list[str]) -> int:
    """Entry of the module; returns the exit code."""
    follow_parent()
    with open_reporter() as reporter:
        try:
            if len(arguments) != 1:
                raise UserError("usage: python -m videopasta_assets.training.run CONFIG.json")
            reporter.finished(load_job(Path(arguments[0])).train(reporter.progress))
        except VideoPastaError as error:
            reporter.failed(error)
            return 2 if isinstance(error, UserError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
