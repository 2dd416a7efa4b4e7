"""Reading `videopasta.yaml`: every mistake is one sentence that names the key and the nearest right one."""

import difflib
from pathlib import Path
from typing import Any, Final, get_args

import yaml
from pydantic import BaseModel, ValidationError

from videopasta_assets.config.recipe import RecipeSettings
from videopasta_assets.config.settings import ProjectSettings
from videopasta_assets.errors import UserError

CONFIG_NAME: Final = "videopasta.yaml"
# Who puts a key into the file by mistake must not find it in a log as well.
_NEVER_SHOWN: Final = (("api_key_env",), ("base_url",), ("server",))


def load_project(path: Path) -> ProjectSettings:
    """Settings of the project at `path` (the file, or the folder that holds it).

    Raises:
        UserError: no file, no YAML, an unknown key or a wrong value.
    """
    file = path / CONFIG_NAME if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(
            "no project file here",
            where=str(file),
            fix="Run `videopasta init DIR` to make one, or name it with --project.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the project file ({error})", where=str(file)) from error
    return parse_project(text, file)


def parse_project(text: str, file: Path) -> ProjectSettings:
    """Settings from YAML `text`; `file` names it in errors and gives the project's root.

    Raises:
        UserError: no YAML, an unknown key or a wrong value.
    """
    try:
        data = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"{file}, line {mark.line + 1}" if mark else str(file)
        raise UserError(
            f"this is no valid YAML ({getattr(error, 'problem', None) or error})",
            where=line,
            fix="Check quotes and indentation.",
        ) from error
    if not isinstance(data, dict):
        raise UserError("the file must hold keys and values", where=str(file), fix="See `videopasta init --help`.")
    data.pop("root", None)
    try:
        return ProjectSettings.model_validate({**_over_defaults(data), "root": file.resolve().parent})
    except ValidationError as error:
        what, fix = _first_mistake(error)
        raise UserError(what, where=str(file), fix=fix) from error


def _over_defaults(data: dict[str, Any]) -> dict[str, Any]:
    """`data` laid over the defaults, key by key, so that a section which gives one key keeps the others' defaults.

    Without this, `query_writer: {decoding: {max_new_tokens: 90}}` would also reset the role's temperature. A section
    whose keys are all commented out reads as null in YAML: it keeps its defaults too.
    """

    def over(default: Any, given: Any) -> Any:
        if isinstance(default, dict) and given is None:
            return default
        if not (isinstance(default, dict) and isinstance(given, dict)):
            return given
        return {**default, **{key: over(default.get(key), value) for key, value in given.items()}}

    laid: dict[str, Any] = over(ProjectSettings(recipe=_recipe_defaults(data)).model_dump(mode="json"), data)
    _without_unsaid_models(laid["roles"], data.get("roles"))
    return laid


def _without_unsaid_models(roles: Any, given: Any) -> None:
    """The default model is that of the default engine: a role that names another engine names its model as well."""
    for name, role in given.items() if isinstance(given, dict) else ():
        if isinstance(role, dict) and role.get("engine", "transformers") != "transformers" and "model" not in role:
            roles[name].pop("model", None)


def _recipe_defaults(data: dict[str, Any]) -> RecipeSettings:
    """Defaults of the recipe that `data` names; `recipe: NAME` is short for its name alone."""
    if isinstance(data.get("recipe"), str):
        data["recipe"] = {"name": data["recipe"]}
    section = data.get("recipe")
    given = section if isinstance(section, dict) else {}
    try:
        return RecipeSettings.model_validate({key: given[key] for key in ("name", "queries_per_video") if key in given})
    except ValidationError:  # said with its place when the whole is read
        return RecipeSettings()


def _first_mistake(error: ValidationError) -> tuple[str, str]:
    """(what, fix) of the first error that pydantic found."""
    first = error.errors()[0]
    location = first["loc"]
    key = ".".join(str(part) for part in location) or "the file"
    if first["type"] == "extra_forbidden":
        known = _keys_at(ProjectSettings, location[:-1])
        near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
        fix = f"Did you mean {near[0]!r}?" if near else f"Known keys there: {', '.join(known)}."
        return f"unknown key {key!r}", fix
    message = str(first["msg"]).removeprefix("Value error, ")
    if location[-1:] in _NEVER_SHOWN:
        return f"{key}: {message[:1].lower()}{message[1:]}", "Its value is not shown: it may hold a secret."
    return f"{key}: {message[:1].lower()}{message[1:]}", f"It is {_shown(first.get('input'))} now."


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) < 60 else f"{text[:57]}..."


def _keys_at(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """Field names of the settings object that `location` points into."""
    current: type[BaseModel] = model
    for part in location:
        if not isinstance(part, str) or part not in current.model_fields:
            continue
        nested = _model_in(current.model_fields[part].annotation)
        if nested is None:
            break
        current = nested
    return [name for name in current.model_fields if name != "root"]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)
