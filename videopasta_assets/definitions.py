"""The code location: all that Dagster shows of the project that `VIDEOPASTA_PROJECT` names."""

import dagster as dg

from resources.project import find_project
from sensors.new_videos import new_videos_sensor
from sensors.nightly import nightly_schedule
from videopasta_assets.assets.jobs import PAIRS
from videopasta_assets.assets.pipeline import pipeline_definitions
from videopasta_assets.errors import UserError
from videopasta_assets.stages.project import Project


def build_definitions(project: Project) -> dg.Definitions:
    """Pipeline, SQL models, sensor and schedule of `project`.

    Raises:
        UserError: a mistake in a prompt template or a SQL model, or a model that does not exist.
    """
    starters = dg.Definitions(sensors=[new_videos_sensor(PAIRS)], schedules=[nightly_schedule(PAIRS)])
    return dg.Definitions.merge(pipeline_definitions(project), starters)


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads; a mistake in the project file is one sentence here as everywhere."""
    try:
        return build_definitions(find_project())
    except UserError as error:
        raise dg.DagsterInvalidDefinitionError(str(error)) from None
