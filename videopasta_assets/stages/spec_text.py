"""What the hashes in a specification stand for, kept beside the lake: so that a plan can show old and new."""

from contextlib import suppress
from typing import Any, Final

from videopasta_assets.errors import UserError
from videopasta_assets.hashing import canonical, stable_hash
from videopasta_assets.stages.project import Project, RoleName

_FOLDER: Final = "specs"


def spec_texts(project: Project) -> dict[str, str]:
    """Text by hash, of everything that the project's specifications name by a hash."""
    settings = project.settings
    texts: dict[str, str] = {}
    roles: tuple[RoleName, ...] = ("query_writer", "responder", "verifier", "judge")
    for role in roles:
        library = project.prompts(role)
        for name in library.names():
            with suppress(UserError):  # a template that no stage uses may be broken
                texts[library.hash(name)] = library.text(name)
        decoding = project.role(role).decoding
        texts[stable_hash(decoding)] = _shown(decoding)
    temperature = settings.recipe.adversary_temperature
    responder = project.role("responder").decoding
    texts[stable_hash(responder, temperature)] = _shown({**canonical(responder), "temperature": temperature})
    texts[stable_hash(settings.evaluation.decoding)] = _shown(settings.evaluation.decoding)
    texts[project.sampling("dense").spec_hash] = _shown(settings.frames.dense)
    texts[project.sampling("sparse").spec_hash] = _shown(settings.frames.sparse)
    texts[project.sampling("policy").spec_hash] = _shown(settings.frames.policy or settings.frames.dense)
    check = settings.recipe.aligned_check
    for agree_by in ("words", "verifier"):
        texts[stable_hash(check, agree_by)] = _shown({**canonical(check), "agree_by": agree_by})
    for experiment in settings.experiments:
        texts[stable_hash(experiment.training.identity)] = _shown(experiment.training.identity)
    return texts


def remember_spec_texts(project: Project) -> None:
    """Keep the texts of the project's specifications in the lake."""
    kept = {path.name for path in project.lake.files(_FOLDER, ".txt")}
    for digest, text in spec_texts(project).items():
        if f"{digest}.txt" not in kept:
            project.lake.write_file(f"{_FOLDER}/{digest}.txt", text.encode())


def text_of(project: Project, part: str) -> str | None:
    """The text that the hash `part` stands for; None where it is no hash, or of a time before texts were kept."""
    if not part or not all(character in "0123456789abcdef" for character in part):
        return None
    try:
        return project.lake.read_file(f"{_FOLDER}/{part}.txt").decode()
    except FileNotFoundError:
        return None


def _shown(settings: Any) -> str:
    return "".join(f"{name}: {value}\n" for name, value in sorted(canonical(settings).items()))
