"""Settings of where a run's work is done."""

from typing import Literal

from pydantic import Field

from videopasta_assets.config.strict import Settings


class LauncherSettings(Settings):
    """Where models run that no server answers for: in the run's own process, or on a Ray cluster."""

    kind: Literal["local", "ray"] = Field(
        default="local",
        description="local: in the run's process; ray: models in actors, decoding in tasks of a Ray cluster "
        "(docs/distributed.md).",
    )
    address: str | None = Field(
        default=None, description="Of the Ray cluster: auto, HOST:6379 or ray://HOST:10001; none: this machine alone."
    )
    engines: int = Field(default=1, ge=1, le=4096, description="Copies of each model in the cluster.")
    cpus_per_engine: float = Field(default=1, ge=0, description="Ray CPUs that a copy takes.")
    gpus_per_engine: float = Field(default=0, ge=0, description="Ray GPUs that a copy takes; 0: it runs on a CPU.")
    start_seconds: float = Field(default=900, gt=0, description="So long may the first copy take to come up.")
