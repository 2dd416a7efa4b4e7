"""Videos probed, planned and decoded in tasks of a Ray cluster: rows come back, frames do not."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from resources.placed_frames import project_of
from resources.ray_cluster import connected, mistakes_as_raised, see_a_free_cpu
from videopasta_assets.config import ProjectSettings
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.sampled_videos import sampled_row, unreadable_row

SampleOne = Callable[[Project, Derivation], Row]
"""Computes the row of one video, in the process that it runs in."""

_RETRIES: Final = 3


@dataclass(frozen=True)
class RaySampling:
    """Computes rows of `sampled_videos` on the cluster: a task and a CPU for each video.

    The videos of a node that dies are begun again on others.
    """

    sample_one: SampleOne = sampled_row

    def __call__(self, project: Project, derivations: Sequence[Derivation]) -> Iterator[Row]:
        """Rows as they are known, in no order.

        Raises:
            UserError: no cluster answers, it has no free CPU, or a node does not see the videos.
            VideoPastaError: a node cannot start a decoder, or the cluster failed.
        """
        settings = project.settings
        ray = connected(settings.launcher.address)
        task = ray.remote(sampled).options(num_cpus=1, max_retries=_RETRIES, scheduling_strategy="SPREAD")
        with _faults():
            see_a_free_cpu(ray, settings)
            under_way = {task.remote(self.sample_one, settings, derivation): derivation for derivation in derivations}
        try:
            while under_way:
                with _faults():
                    (done,), _ = ray.wait(list(under_way), num_returns=1)
                    row = _row(ray, done, under_way.pop(done))
                yield row
        finally:
            for left in under_way:
                ray.cancel(left)


def sampled(sample_one: SampleOne, settings: ProjectSettings, derivation: Derivation) -> Row:
    """The row of one video: a task of the cluster.

    Raises:
        UserError: this node does not see the video folder, so that all of its videos would seem broken.
    """
    project = project_of(settings)
    if not project.video_folder.is_dir():
        raise UserError(
            f"a node of the cluster does not see the folder {str(project.video_folder)!r}",
            where="videos.folder",
            fix="Mount it under the same path on every node.",
        )
    return sample_one(project, derivation)


def _row(ray: Any, task: Any, derivation: Derivation) -> Row:
    from ray.exceptions import OutOfMemoryError, WorkerCrashedError

    try:
        row: Row = ray.get(task)
    except (WorkerCrashedError, OutOfMemoryError):
        return unreadable_row(derivation, f"the cluster lost the process that read it, {_RETRIES + 1} times")
    return row


@contextmanager
def _faults() -> Iterator[None]:
    """What Ray raises, in our words."""
    from ray.exceptions import RayError

    try:
        with mistakes_as_raised():
            yield
    except RayError as error:
        said = " ".join(str(error).split())[-300:]
        raise VideoPastaError(f"the cluster failed while videos were read ({said})") from error
