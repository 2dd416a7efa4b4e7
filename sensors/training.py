"""Schedule `training`: requests a training for each experiment that has enough new pairs."""

from collections.abc import Iterator

import dagster as dg

from resources.project import reopen_project
from sensors.runs_in_progress import partitions_in_progress
from sensors.switch import schedule_status
from videopasta_assets.config.settings import AutomationSettings
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.stages.iteration import held_rounds
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.training_gate import TrainingGate, training_gate


def training_schedule(job_name: str, automation: AutomationSettings) -> dg.ScheduleDefinition:
    """The schedule that requests runs of `job_name`, which makes the preference set, checks it, and trains."""

    @dg.schedule(
        name="training",
        cron_schedule=automation.training,
        execution_timezone=automation.timezone,
        job_name=job_name,
        default_status=schedule_status("training", automation),
        description="Trains an experiment that has enough new pairs since its last checkpoint; the preference set's "
        "blocking checks must pass.",
    )
    def training(
        context: dg.ScheduleEvaluationContext, project: dg.ResourceParam[Project]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        busy = partitions_in_progress(context.instance)
        try:
            current = reopen_project(project)
            gates = _gates(current)
        except VideoPastaError as error:
            yield dg.SkipReason(str(error))
            return
        wanted = [key for key, gate in gates.items() if gate.is_open and key not in busy]
        if not wanted:
            notes = ", in progress"
            yield dg.SkipReason("; ".join(f"{gate}{notes if key in busy else ''}" for key, gate in gates.items()))
        for key in wanted:
            yield dg.RunRequest(partition_key=key, run_key=f"{key}-{context.scheduled_execution_time.isoformat()}")

    return training


def _gates(project: Project) -> dict[str, TrainingGate]:
    """Gates by partition key, up to the first iteration with an open one: what comes after starts from its model."""
    gates: dict[str, TrainingGate] = {}
    for turn in held_rounds(project):
        own = {turn.partition(one.name): training_gate(turn, one.name) for one in project.settings.experiments}
        gates |= own
        if any(gate.is_open for gate in own.values()):
            break
    return gates
