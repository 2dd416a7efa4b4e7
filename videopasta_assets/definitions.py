"""The code location: all that Dagster shows of the project that `VIDEOPASTA_PROJECT` names."""

import dagster as dg

from resources.project import find_project
from sensors.new_videos import new_videos_sensor
from sensors.nightly import nightly_schedule
from sensors.staleness import staleness_sensor
from sensors.switch import check_times
from sensors.training import training_schedule
from videopasta_assets.assets.jobs import PAIRS, PREFERENCES, RETRAIN
from videopasta_assets.assets.pipeline import pipeline_definitions
from videopasta_assets.errors import UserError
from videopasta_assets.stages.project import Project


def build_definitions(project: Project) -> dg.Definitions:
    """Pipeline, SQL models, sensors and schedules of `project`.

    Raises:
        UserError: a mistake in a prompt template, a SQL model or a schedule, or a model that does not exist.
    """
    automation = project.settings.automation
    check_times(automation)
    pipeline = pipeline_definitions(project)
    jobs = {job.name: job for job in pipeline.jobs or ()}
    starters = dg.Definitions(
        sensors=[
            new_videos_sensor(PAIRS, automation),
            staleness_sensor(jobs[PAIRS], jobs[PREFERENCES], automation),
        ],
        schedules=[nightly_schedule(PAIRS, automation), training_schedule(RETRAIN, automation)],
    )
    return dg.Definitions.merge(pipeline, starters)


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads; a mistake in the project file is one sentence here as everywhere."""
    try:
        return build_definitions(find_project())
    except UserError as error:
        raise dg.DagsterInvalidDefinitionError(str(error)) from None
