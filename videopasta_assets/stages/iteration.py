"""Iterations of a recipe: each round is done with the model that the round before tuned, and tunes that.

The adapter of a round is merged into its base; the merged model answers in the next round and is what training starts
from and is compared with (VideoSAVi does not say which reference it uses: ours is the start of the iteration).
"""

from pathlib import Path
from typing import Final

from videopasta_assets.config.settings import RoleSettings
from videopasta_assets.errors import UserError
from videopasta_assets.hashing import stable_hash
from videopasta_assets.stages.lora_checkpoint import adapter_of
from videopasta_assets.stages.project import ITERATED, Project

_MODELS: Final = "models"


def at_iteration(project: Project, number: int) -> Project:
    """`project`, as its file says, in round `number` from 1; the model that it starts from is made if it is not there.

    The first of the project's experiments is the one that the rounds hand on.

    Raises:
        UserError: the round before has no checkpoint yet, or its model is behind a server that is not ours.
    """
    if number <= 1:
        return Project(project.settings)
    before = at_iteration(project, number - 1)
    experiment = project.settings.experiments[0].name
    adapter = adapter_of(before, experiment)
    if adapter is None:
        raise UserError(
            f"iteration {number} starts from the checkpoint of iteration {number - 1}, which is not there",
            where=f"recipe {project.recipe}, experiment {experiment}",
            fix="`videopasta run` does one iteration after the other.",
        )
    start = _merged(before, *adapter)
    responder = before.role("responder")
    roles = {
        name: _moved(role, start)
        for name, role in before.settings.roles
        if (role.model, role.revision) == (responder.model, responder.revision)
    }
    settings = project.settings.model_copy(update={"roles": project.settings.roles.model_copy(update=roles)})
    return Project(settings, iteration=number)


def at_partition(project: Project, key: str) -> Project:
    """The project in the round that a partition key belongs to; rounds are told apart in recipes that have several."""
    found = ITERATED.search(key) if project.settings.recipe.iterations > 1 else None
    number = int(found.group(1)) if found else 1
    return project if project.iteration == number else at_iteration(project, number)


def current_iteration(project: Project) -> int:
    """The first round whose checkpoint is not there yet; the last one where all are."""
    last = project.settings.recipe.iterations
    experiment = project.settings.experiments[0].name
    for number in range(1, last):
        if adapter_of(Project(project.settings, iteration=number), experiment) is None:
            return number
    return last


def _moved(role: RoleSettings, folder: Path) -> RoleSettings:
    if role.engine == "openai":
        raise UserError(
            "the next iteration's model cannot be loaded into a server that is not ours",
            where="roles.responder.engine",
            fix=f"Use transformers or vllm-server, or serve {folder} yourself and set recipe.iterations to 1.",
        )
    return role.model_copy(update={"model": str(folder), "revision": None, "prompt_style": role.style})


def _merged(project: Project, adapter: Path, adapter_hash: str) -> Path:
    from videopasta_assets.training.merge import merge_adapter

    role = project.role("responder")
    name = stable_hash(project.model_id("responder"), adapter_hash)
    target = project.settings.root / _MODELS / project.recipe / f"{project.iteration + 1}-{name[:16]}"
    return merge_adapter(project.model_source("responder"), role.revision, adapter, target)
