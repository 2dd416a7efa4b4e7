"""Iterations of a recipe: each round is done with the model that the round before tuned, and tunes that.

The adapter of a round is merged into its base; the merged model answers in the next round and is what training starts
from and is compared with (VideoSAVi does not say which reference it uses: ours is the start of the iteration).
"""

from pathlib import Path
from typing import Final

from videopasta_assets.config.recipe import ITERATED
from videopasta_assets.errors import UserError
from videopasta_assets.hashing import stable_hash
from videopasta_assets.stages.lora_checkpoint import adapter_of
from videopasta_assets.stages.project import Project

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
    experiment = handed_on(project)
    adapter = adapter_of(before, experiment)
    if adapter is None:
        raise UserError(
            f"iteration {number} starts from the checkpoint of iteration {number - 1}, which is not there",
            where=f"recipe {project.recipe}, experiment {experiment}",
            fix="`videopasta run` does one iteration after the other.",
        )
    check_rounds(project)
    return _started(project, number, before, _merged(before, *adapter))


def known_iteration(project: Project, number: int) -> Project | None:
    """As `at_iteration`, for those who only look: None where the model that the round starts from is not made yet."""
    if number <= 1:
        return Project(project.settings)
    before = known_iteration(project, number - 1)
    adapter_hash = None if before is None else _adapter_hash(before)
    if before is None or adapter_hash is None or not (folder := _folder(before, adapter_hash)).is_dir():
        return None
    return _started(project, number, before, folder)


def held_rounds(project: Project) -> list[Project]:
    """The rounds that there are, as far as the lake says: their tables can be read, whatever their models are.

    A project that is in a later round is that round alone.
    """
    if project.settings.recipe.iterations == 1 or project.iteration > 1:
        return [project]
    return [Project(project.settings, iteration=number + 1) for number in range(current_iteration(project))]


def paired_rounds(project: Project) -> list[Project]:
    """Those of `held_rounds` that have pairs, and the first in any case."""
    first, *later = held_rounds(project)
    return [first, *(turn for turn in later if turn.shards_of("verified_pairs"))]


def number_of(project: Project, key: str) -> int:
    """The round that a partition key belongs to; rounds are told apart in recipes that have several."""
    found = ITERATED.search(key) if project.settings.recipe.iterations > 1 else None
    return int(found.group(1)) if found else 1


def at_partition(project: Project, key: str) -> Project:
    """The project in the round that a partition key belongs to."""
    number = number_of(project, key)
    return project if project.iteration == number else at_iteration(project, number)


def current_iteration(project: Project) -> int:
    """The first round whose checkpoint is not there yet; the last one where all are."""
    last = project.settings.recipe.iterations
    for number in range(1, last):
        if _adapter_hash(Project(project.settings, iteration=number)) is None:
            return number
    return last


def handed_on(project: Project) -> str:
    """Name of the experiment whose checkpoint the next round starts from."""
    return project.settings.experiments[0].name


def check_rounds(project: Project) -> None:
    """Said before the first round is paid for.

    Raises:
        UserError: the recipe is repeated, and a tuned model cannot take the responder's place.
    """
    if project.settings.recipe.iterations > 1 and project.role("responder").engine == "openai":
        raise UserError(
            "the next iteration's model cannot be loaded into a server that is not ours",
            where="roles.responder.engine",
            fix="Use transformers, vllm or vllm-server; or set recipe.iterations to 1.",
        )


def _started(project: Project, number: int, before: Project, start: Path) -> Project:
    """Every role that had the responder's model has its tuned successor; what others serve stays as it is."""
    responder = before.role("responder")
    roles = {
        name: role.model_copy(update={"model": str(start), "revision": None, "prompt_style": role.style})
        for name, role in before.settings.roles
        if (role.model, role.revision) == (responder.model, responder.revision) and role.engine != "openai"
    }
    settings = project.settings.model_copy(update={"roles": project.settings.roles.model_copy(update=roles)})
    return Project(settings, iteration=number)


def _merged(project: Project, adapter: Path, adapter_hash: str) -> Path:
    from videopasta_assets.training.merge import merge_adapter

    role = project.role("responder")
    return merge_adapter(project.model_source("responder"), role.revision, adapter, _folder(project, adapter_hash))


def _folder(project: Project, adapter_hash: str) -> Path:
    """Where the model lies that the round after `project` starts from."""
    name = stable_hash(project.model_id("responder"), adapter_hash)
    return project.settings.root / _MODELS / project.recipe / f"{project.iteration + 1}-{name[:16]}"


def _adapter_hash(project: Project) -> str | None:
    rows = project.lake.rows(project.address("lora_checkpoint", handed_on(project)))
    return next((row["adapter_hash"] for row in rows if row["error"] is None), None)
