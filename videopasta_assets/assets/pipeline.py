"""Everything that a run needs, without what starts runs: assets, checks, jobs and resources of one project."""

import dagster as dg

from dbt_like_sql.assets import SQL_JOB, sql_assets, warehouse
from resources.launcher import launch
from resources.progress import ProgressListener
from resources.trainer import ProcessTrainer, Trainer
from videopasta_assets.assets.jobs import build_jobs
from videopasta_assets.assets.recipe import recipe_assets
from videopasta_assets.stages.project import Engines, Project


def pipeline_definitions(
    project: Project,
    *,
    engines: Engines | None = None,
    progress: ProgressListener | None = None,
    trainer: Trainer | None = None,
) -> dg.Definitions:
    """Definitions of the project's pipeline and SQL models.

    Args:
        project: settings and lake.
        engines: who answers for the roles; none: the models that the project names.
        progress: who is told of progress; none: nobody.
        trainer: who trains; none: processes as the project's settings say.

    Raises:
        UserError: a mistake in a prompt template or a SQL model, or a model that does not exist.
    """
    pipeline = recipe_assets(project)
    questions = sql_assets(project, {key for asset in pipeline for key in asset.keys})
    hardcoded = dg.ResourceDefinition.hardcoded_resource
    return dg.Definitions(
        assets=[*pipeline, *questions],
        jobs=[*build_jobs(project), SQL_JOB],
        resources={
            "project": hardcoded(project, "Settings, lake, prompts and frame reader."),
            "engines": hardcoded(
                launch(project, engines, progress.meter if progress else None),
                "The roles' models, loaded on first use and kept; counted, and within their budgets.",
            ),
            "trainer": hardcoded(
                trainer or ProcessTrainer(project.settings.trainer), "Trains, in a process of its own."
            ),
            "progress": hardcoded(progress or ProgressListener(), "Who is told of progress."),
            "warehouse": warehouse,
        },
        # One process a run: engines stay warm from asset to asset, and a step costs no start of Python.
        executor=dg.in_process_executor,
    )
