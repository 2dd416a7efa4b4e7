"""Models in actors of a Ray cluster, frames in its tasks; nothing else of a run leaves this process.

A copy of a model is an actor. Videos have a home among the copies, and a copy that dies is replaced by Ray while the
others take over its videos (`videopasta_assets.engines.replicas`). The cluster's machines need this package, the
videos under the same paths and, for models that are folders, those too: no lake and no database of Dagster's.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Final

from resources.engines import WarmEngines
from resources.placed_frames import FrameKey, PlacedFrames, decoded
from resources.ray_cluster import connected, mistakes_as_raised, see_a_free_cpu
from videopasta_assets.config import ProjectSettings
from videopasta_assets.engines import Engine, EngineError, Reply, Request
from videopasta_assets.engines.replicas import ReplicatedEngine
from videopasta_assets.stages.project import Project, RoleName

Build = Callable[[Project, RoleName], Engine]
"""Builds the engine of a role, in the process that it runs in."""

_PATIENCE_SECONDS: Final = 300.0
_PROBE_SECONDS: Final = 5.0
_CHUNKS_AHEAD: Final = 2
_engines: Final[dict[tuple[Any, ...], Engine]] = {}


def warm_engine(project: Project, role: RoleName) -> Engine:
    """The role's engine as this machine runs it."""
    return WarmEngines(project).engine(role)


@dataclass(frozen=True)
class RayEngines:
    """Gives each role an engine whose work is done on the cluster; roles with one model share its copies.

    Models behind a server stay where they are: they are asked from this process.
    """

    project: Project
    build: Build = warm_engine

    def engine(self, role: RoleName) -> Engine:
        """The engine that answers for `role`; its copies are started on first use and live as long as this process.

        Raises:
            UserError: Ray is not installed, or no cluster is at the address.
        """
        settings = self.project.role(role)
        if settings.engine in ("openai", "vllm-server"):
            return WarmEngines(self.project).engine(role)
        source, model_id = self.project.model_source(role), self.project.model_id(role)
        # Iterations and prompts change nothing for an engine; what it is built from does.
        key = (source, model_id, settings.engine, settings.device, settings.batch_size, self.build)
        if key not in _engines:
            ray = connected(self.project.settings.launcher.address)
            launcher = self.project.settings.launcher
            copies = {
                f"copy {number}": _Copy(ray, self.project.settings, role, model_id, self.build)
                for number in range(launcher.engines)
            }
            _engines[key] = ReplicatedEngine(copies, patience_seconds=_PATIENCE_SECONDS, probe_seconds=_PROBE_SECONDS)
        return _engines[key]

    def of(self, project: Project) -> "RayEngines":
        """The same for another project."""
        return RayEngines(project, self.build)


def close_ray_engines() -> None:
    """End every copy of this process."""
    while _engines:
        _engines.popitem()[1].close()


class EngineActor:
    """A copy of a model, in a process of the cluster."""

    def __init__(self, settings: ProjectSettings, role: RoleName, build: Build) -> None:
        project = Project(settings)
        self._frames = PlacedFrames(project.reader)
        # What the engine reads is what came with the request; its own decoder is for what did not.
        project.__dict__["reader"] = self._frames
        self._build = partial(build, project, role)
        self._engine: Engine | None = None

    def ready(self) -> bool:
        """Load the model. A method, because what a constructor raises reaches nobody as it was raised."""
        self._loaded()
        return True

    def answer(self, requests: list[Request], keys: list[FrameKey], *frames: Any) -> Iterator[Reply]:
        """Replies as they come."""
        with self._frames.placed(dict(zip(keys, frames, strict=True))):
            yield from self._loaded().generate(requests)

    def _loaded(self) -> Engine:
        self._engine = self._engine or self._build()
        return self._engine


class _Copy:
    """The engine that asks one actor."""

    def __init__(self, ray: Any, settings: ProjectSettings, role: RoleName, model_id: str, build: Build) -> None:
        launcher = settings.launcher
        self._ray = ray
        self._settings = settings
        self._model_id = model_id
        self._batch = Project(settings).role(role).batch_size
        self._start_seconds = launcher.start_seconds
        self._decode = ray.remote(decoded).options(num_cpus=1, max_retries=3)
        self._actor = (
            ray.remote(EngineActor)
            .options(
                num_cpus=launcher.cpus_per_engine,
                num_gpus=launcher.gpus_per_engine,
                max_restarts=-1,
                scheduling_strategy="SPREAD",
            )
            .remote(settings, role, build)
        )

    @property
    def model_id(self) -> str:
        """`name@revision`, as the project knows it."""
        return self._model_id

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """The actor's replies. Nothing is taken from `requests` before it is up.

        Raises:
            EngineError: the actor died; what was not yielded is not answered.
            UserError: the model cannot be loaded by a mistake of the user's.
        """
        with self._faults():
            self._ray.get(self._actor.ready.remote(), timeout=self._start_seconds)
            see_a_free_cpu(self._ray, self._settings)
        stream = iter(requests)
        under_way: list[Any] = []
        while True:
            while len(under_way) < _CHUNKS_AHEAD and (chunk := list(islice(stream, self._batch))):
                under_way.append(self._ask(chunk))
            if not under_way:
                return
            with self._faults():
                for reply in under_way.pop(0):
                    yield self._ray.get(reply)

    def close(self) -> None:
        """End the actor."""
        if self._ray.is_initialized():
            self._ray.kill(self._actor)

    def _ask(self, chunk: list[Request]) -> Any:
        """Have the chunk's frames decoded somewhere, and then answered by the actor."""
        clips = {request.clip.key: request.clip for request in chunk if request.clip is not None}
        keys = [FrameKey(clip.path, clip.plan.indices) for clip in clips.values()]
        frames = [self._decode.remote(self._settings, clip) for clip in clips.values()]
        return self._actor.answer.options(num_returns="streaming").remote(chunk, keys, *frames)

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        """What Ray raises, in our words: a mistake of ours as it was raised there, a loss as an engine that is gone."""
        from ray.exceptions import GetTimeoutError, RayActorError, RayError, RayTaskError

        try:
            with mistakes_as_raised():
                yield
        except RayTaskError as error:
            said = " ".join(str(error.cause).split())[:300]
            raise EngineError(f"an engine failed in the cluster ({said})") from error
        except GetTimeoutError as error:
            raise EngineError(
                f"it did not come up in {self._start_seconds:g} s: the cluster lacks the CPUs or GPUs that it takes, "
                "or the model loads slowly (launcher.start_seconds)"
            ) from error
        except RayActorError as error:
            raise EngineError(f"its process is gone ({' '.join(str(error).split())[:200]})") from error
        except RayError as error:
            raise EngineError(f"the cluster failed it ({' '.join(str(error).split())[:200]})") from error
