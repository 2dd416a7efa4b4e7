"""Where a run's work is done: by the project's settings in this process, behind servers, or on a cluster.

Whoever answers for the roles, replies are counted, and a role's budget holds.
"""

from dataclasses import dataclass, field

from resources.engines import WarmEngines, engines_of
from videopasta_assets.engines import Engine
from videopasta_assets.engines.budget import BudgetedEngine
from videopasta_assets.engines.meter import Meter, MeteredEngine
from videopasta_assets.stages import sampled_videos
from videopasta_assets.stages.project import Engines, Project, RoleName


@dataclass(frozen=True)
class Launcher:
    """Gives each role its engine, counted and within its budget.

    Attributes:
        project: names models, budgets and where to run.
        engines: who answers.
        meter: counts what they do in this run.
    """

    project: Project
    engines: Engines
    meter: Meter = field(default_factory=Meter)

    def engine(self, role: RoleName) -> Engine:
        """The engine that answers for `role`."""
        engine = MeteredEngine(self.engines.engine(role), role, self.meter)
        limit = self.project.role(role).token_budget
        return engine if limit is None else BudgetedEngine(engine, role, limit, self.meter)

    def of(self, project: Project) -> "Launcher":
        """The same for `project`, which may be in another iteration."""
        return Launcher(project, engines_of(project, self.engines), self.meter)


def launch(project: Project, engines: Engines | None = None, meter: Meter | None = None) -> Launcher:
    """The launcher that the project's settings ask for.

    Args:
        project: the project.
        engines: who answers, in the place of the models that the project names.
        meter: of a run that goes over several executions; none: one of its own.
    """
    from resources.ray_engines import RayEngines

    if engines is None:
        engines = RayEngines(project) if project.settings.launcher.kind == "ray" else WarmEngines(project)
    return Launcher(project, engines, meter or Meter())


def sampling(project: Project) -> sampled_videos.Sample:
    """What probes, plans and decodes the project's videos: this process, or tasks of the cluster."""
    from resources.ray_sampling import RaySampling

    return RaySampling() if project.settings.launcher.kind == "ray" else sampled_videos.compute
