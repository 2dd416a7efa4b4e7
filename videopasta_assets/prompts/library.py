"""The prompt library: Jinja templates in two styles, overridable file by file.

`standard` is full English for real models; `compact` is the short form that the embedded model was trained
on. Both hold the same tree of names, so a recipe never knows which one it uses.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    meta,
)

from videopasta_assets.errors import UserError

STYLES: Final = ("standard", "compact")
_TEMPLATES: Final = Path(__file__).parent / "templates"
_SUFFIX: Final = ".j2"
_SYSTEM: Final = "system"
_DIGEST_BYTES: Final = 16


@dataclass(frozen=True)
class Prompt:
    """What a model reads beside the video. The layout is always system, video, text (the prefix is shared)."""

    text: str
    system: str
    template: str
    template_hash: str


class PromptLibrary:
    """Renders templates of one style.

    Args:
        style: `standard` or `compact`.
        overrides: a folder of the user's own templates; a file there replaces the one of the same name.
    """

    def __init__(self, style: str, overrides: Path | None = None) -> None:
        if style not in STYLES:
            raise UserError(f"unknown prompt style {style!r}", fix=f"Use one of: {', '.join(STYLES)}.")
        self.style = style
        self.overrides = overrides

    @cached_property
    def _environment(self) -> Environment:
        folders = [_TEMPLATES / self.style] if self.overrides is None else [self.overrides, _TEMPLATES / self.style]
        return Environment(  # noqa: S701  # prompts are plain text for a model, never HTML
            loader=FileSystemLoader(folders), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    @cached_property
    def _hashes(self) -> dict[str, str]:
        return {}

    @cached_property
    def _texts(self) -> dict[str, str]:
        return {}

    def names(self) -> list[str]:
        """Every template that can be rendered, without suffix: `adversary/spatial/mirrored_relation`, ...

        Parts that others extend (their names begin with an underscore) and the system text are left out.
        """
        names = (name.removesuffix(_SUFFIX) for name in self._environment.list_templates(extensions=["j2"]))
        return [name for name in names if name != _SYSTEM and not name.rpartition("/")[2].startswith("_")]

    def hash(self, name: str) -> str:
        """Content hash of a template with everything that it includes, and of the style's system text."""
        if name not in self._hashes:
            digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
            for source in self._sources(name + _SUFFIX):
                digest.update(source.encode())
            digest.update(self._system().encode())
            self._hashes[name] = digest.hexdigest()
        return self._hashes[name]

    def text(self, name: str) -> str:
        """Source of a template with everything that it includes, and the style's system text: what `hash` hashes.

        Raises:
            UserError: no such template in this style, or a malformed one.
        """
        if name not in self._texts:  # every stage of every shard asks for all texts
            self._texts[name] = "\n".join([*self._sources(name + _SUFFIX), self._system()]).rstrip() + "\n"
        return self._texts[name]

    def render(self, name: str, **variables: Any) -> Prompt:
        """Render template `name`.

        Raises:
            UserError: no such template in this style, or one that is malformed or asks for an unknown variable.
        """
        try:
            text = self._environment.get_template(name + _SUFFIX).render(**variables).strip()
        except TemplateNotFound as error:
            raise UserError(
                f"prompt template {error.name!r} does not exist in style {self.style!r}",
                fix=f"Add it under {self.overrides or _TEMPLATES / self.style}.",
            ) from error
        except TemplateError as error:
            raise UserError(
                f"prompt template cannot be rendered: {error.message}",
                where=f"{name}{_SUFFIX} (style {self.style})",
                fix=f"Mend the template; it is given {', '.join(sorted(variables)) or 'no variables'}.",
            ) from error
        return Prompt(text=text, system=self._system(), template=name, template_hash=self.hash(name))

    def _system(self) -> str:
        try:
            return self._environment.get_template(_SYSTEM + _SUFFIX).render().strip()
        except TemplateNotFound:
            return ""

    def _sources(self, file_name: str) -> list[str]:
        loader = self._environment.loader
        if loader is None:  # pragma: no cover - an Environment of ours always has one
            return []
        try:
            source, _, _ = loader.get_source(self._environment, file_name)
        except TemplateNotFound as error:
            raise UserError(
                f"prompt template {file_name!r} does not exist in style {self.style!r}",
                fix=f"Add it under {self.overrides or _TEMPLATES / self.style}.",
            ) from error
        try:
            parsed = self._environment.parse(source)
        except TemplateSyntaxError as error:
            raise UserError(
                f"prompt template is malformed: {error.message}", where=f"{file_name} (style {self.style})"
            ) from error
        included = sorted(name for name in meta.find_referenced_templates(parsed) if name is not None)
        return [source, *(text for name in included for text in self._sources(name))]
