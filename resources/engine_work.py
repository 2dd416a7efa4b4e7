"""What the models of this process did during a materialization, for its metadata."""

from typing import Any

from resources.engines import warm_engines
from videopasta_assets.engines.usage import EngineUsage


def engine_work() -> EngineUsage:
    """All work so far of the engines that are warm in this process; those behind servers do not measure it."""
    return sum((getattr(engine, "usage", EngineUsage()) for engine in warm_engines()), EngineUsage())


def work_figures(before: EngineUsage) -> dict[str, Any]:
    """Metadata of the work since `before`: seconds, the share of them without input, and clips that were paid for.

    Empty where no model of this process worked.
    """
    work = engine_work() - before
    if work.busy_seconds <= 0:
        return {}
    return {
        "model busy seconds": round(work.busy_seconds, 2),
        "model idle share": round(work.idle_share, 4),
        "clips encoded": work.prefixes_computed,
        "clips reused": work.prefixes_reused,
    }
