"""Engines of the roles, kept warm: loading a model costs more than answering a shard."""

from dataclasses import dataclass
from typing import Any, Final

from resources.gpu_lease import hold_gpu
from videopasta_assets.engines import Engine
from videopasta_assets.stages.project import Project, RoleName

_warm: Final[dict[tuple[Any, ...], Engine]] = {}


@dataclass(frozen=True)
class WarmEngines:
    """Gives each role its engine; roles with the same model and settings share one, across runs of this process."""

    project: Project

    def engine(self, role: RoleName) -> Engine:
        """The engine that answers for `role`; built on first use, on this process's GPU where there is one.

        Raises:
            EngineError: the model cannot be loaded.
            NoFreeGpuError: all GPUs are leased by other runs.
        """
        from videopasta_assets.engines.factory import build_engine

        project, settings = self.project, self.project.role(role)
        options: dict[str, Any] = {"max_side": project.settings.frames.max_side}
        if settings.engine == "openai":
            options["server"] = settings.server
        else:
            options |= {"device": settings.device, "batch_size": settings.batch_size}
        source = project.model_source(role)
        reading = (project.settings.videos.decoder, project.roots)
        key = (settings.engine, source, project.model_id(role), *reading, *sorted(options.items()))
        if key not in _warm:
            # Behind a server the GPU is the server's.
            if settings.engine == "transformers" and settings.device != "cpu":
                hold_gpu()
            _warm[key] = build_engine(settings.engine, source, settings.revision, reader=project.reader, **options)
        return _warm[key]


def close_engines() -> None:
    """Free every warm engine of this process."""
    while _warm:
        _warm.popitem()[1].close()
