"""Engines of the roles, kept warm: loading a model costs more than answering a shard."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

from resources.gpu_lease import VISIBLE_DEVICES, GpuLease, hold_gpu, lease_gpu, visible_devices
from videopasta_assets.config import RoleSettings
from videopasta_assets.config.serving import ServerSettings, VllmSettings
from videopasta_assets.engines import Engine
from videopasta_assets.stages.project import Engines, Project, RoleName

_PATIENCE_SECONDS: Final = 600.0
_warm: Final[dict[tuple[Any, ...], Engine]] = {}


@runtime_checkable
class EnginesOfAProject(Protocol):
    """Engines that a project names; those of a test are nobody's."""

    def of(self, project: Project) -> Engines:
        """The same for another project."""
        ...


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
        options = {"max_side": project.settings.frames.max_side, **self._options(settings)}
        source = project.model_source(role)
        reading = (project.settings.videos.decoder, project.roots)
        key = (settings.engine, source, project.model_id(role), *reading, *sorted(options.items()))
        if key not in _warm:
            if settings.engine == "vllm-server":
                options["devices"] = _devices_of_a_server(options["vllm"].gpus)
            # Behind a server the GPU is the server's.
            elif settings.engine != "openai" and settings.device != "cpu":
                hold_gpu()
            _warm[key] = build_engine(settings.engine, source, settings.revision, reader=project.reader, **options)
        return _warm[key]

    def of(self, project: Project) -> "WarmEngines":
        """The same for another project."""
        return WarmEngines(project)

    def _options(self, settings: RoleSettings) -> dict[str, Any]:
        """What an engine of its kind takes, beside its model."""
        if settings.engine == "openai":
            return {"server": settings.server, "pictures": self.project.pictures}
        if settings.engine == "transformers":
            own = {"device": settings.device, "batch_size": settings.batch_size}
            return {**own, "features": self.project.features}
        vllm = settings.vllm or VllmSettings()
        if vllm.python is not None:
            vllm = vllm.model_copy(update={"python": self.project.settings.path(vllm.python)})
        if settings.engine == "vllm":
            return {"vllm": vllm, "batch_size": settings.batch_size}
        server = settings.server or ServerSettings()
        return {"vllm": vllm, "server": server, "pictures": self.project.pictures}


def engines_of(project: Project, engines: Engines) -> Engines:
    """`engines` for `project`, which may be in another iteration than they were made for; a test's own stay."""
    return engines.of(project) if isinstance(engines, EnginesOfAProject) else engines


def warm_engines() -> tuple[Engine, ...]:
    """The engines that this process holds."""
    return tuple(_warm.values())


def close_engines() -> None:
    """Free every warm engine of this process; a server of ours ends with its last user."""
    while _warm:
        _warm.popitem()[1].close()


def _devices_of_a_server(gpus: int) -> Any:
    """Leases that a server takes over when it is started: its GPUs are its own, for as long as it lives."""

    @contextmanager
    def lease() -> Iterator[tuple[dict[str, str], tuple[int, ...]]]:
        seen = os.environ.get(VISIBLE_DEVICES)
        free = visible_devices()
        with ExitStack() as ours:
            held: list[GpuLease] = []
            try:
                while free and len(held) < gpus:
                    if (found := lease_gpu(free, wait_seconds=_PATIENCE_SECONDS)) is None:
                        break
                    ours.callback(found.release)
                    held.append(found)
                    free = [device for device in free if device != found.device]
            finally:
                # The lease is the server's: this process sees what it saw.
                os.environ.pop(VISIBLE_DEVICES, None) if seen is None else os.environ.update({VISIBLE_DEVICES: seen})
            devices = ",".join(lease.device for lease in held)
            yield {VISIBLE_DEVICES: devices} if devices else {}, tuple(lease.descriptor for lease in held)

    return lease
