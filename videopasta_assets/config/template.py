"""A commented `videopasta.yaml`: every key with its meaning, a preset's values active, defaults as comments.

The text comes from the field descriptions of the settings, so the file cannot fall behind them. Prose is
written as `# prose`, an inactive key as `#key: value`: deleting that one character activates the key.
"""

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from videopasta_assets.config.settings import ProjectSettings

_WIDTH: Final = 110
_INDENT: Final = "  "
_HEADER: Final = (
    "# The project file of videopasta-assets. Relative paths start at this file's folder.",
    "# A key such as `#key: value` shows its default: delete the `#` to change it.",
)

KeyPath = tuple[str | int, ...]


def project_file(preset: str) -> str:
    """The text of a `videopasta.yaml` whose active keys are those of `preset` (YAML; its comments are kept)."""
    template = _Template(preset)
    values: dict[str, Any] = yaml.safe_load(preset) or {}
    lines = template.section(ProjectSettings, ProjectSettings(), values, ())
    return "\n".join([*_HEADER, *template.preamble, *lines]) + "\n"


class _Template:
    """Writes sections; remembers which kinds of section it has explained, so that each is explained once."""

    def __init__(self, preset: str) -> None:
        lines = preset.splitlines()
        self.preamble = lines[: lines.index("")] if "" in lines else []
        self._above, self._beside = _comments(preset)
        self._explained: set[type[BaseModel]] = set()

    def section(
        self, model: type[BaseModel], defaults: BaseModel | None, values: Mapping[str, Any], path: KeyPath
    ) -> Iterator[str]:
        """Lines of one settings object, without indent.

        Args:
            model: the settings class.
            defaults: values of keys that are not active; None: those of the class.
            values: the active keys.
            path: where the object is, from the top.
        """
        explain = model not in self._explained
        self._explained.add(model)
        for name, info in model.model_fields.items():
            if info.exclude:
                continue
            here, active, nested = (*path, name), name in values, _nested_model(info)
            default = info.get_default(call_default_factory=True) if defaults is None else getattr(defaults, name)
            if not path:
                yield ""
            if explain:
                yield from _prose(_meaning(info, nested))
            yield from self._above.get(here, ())
            head = f"{name}:{self._beside.get(here, '')}"
            whole = default if isinstance(default, BaseModel) else None
            if nested is not None and (whole is not None or isinstance(values.get(name), dict)):
                given = values[name] if active else to_jsonable_python(default)
                body = [head, *(_INDENT + line for line in self.section(nested, whole, given or {}, here))]
            elif nested is not None and active and values[name]:
                items = (self._item(nested, item, (*here, number)) for number, item in enumerate(values[name]))
                body = [head, *(line for item in items for line in item)]
            else:
                value = values[name] if active else to_jsonable_python(default)
                body = [f"{name}: {_flow(value)}{self._beside.get(here, '')}"]
            yield from body if active else (f"#{line}" for line in body)

    def _item(self, model: type[BaseModel], values: Mapping[str, Any], path: KeyPath) -> Iterator[str]:
        """Lines of one list item: its first active key carries the dash."""
        dash = True
        for line in self.section(model, None, values, path):
            first = dash and not line.startswith("#")
            yield f"{_INDENT}{'- ' if first else _INDENT}{line}"
            dash = dash and not first


def _comments(preset: str) -> tuple[dict[KeyPath, list[str]], dict[KeyPath, str]]:
    """Comments of the preset by key: the lines directly above it, and what stands beside it."""
    lines = preset.splitlines()
    above: dict[KeyPath, list[str]] = {}
    beside: dict[KeyPath, str] = {}

    def visit(node: yaml.Node | None, path: KeyPath) -> None:
        if isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                visit(item, (*path, number))
        if not isinstance(node, yaml.MappingNode):
            return
        for key, value in node.value:
            here, row = (*path, key.value), key.start_mark.line
            if lines[row][: key.start_mark.column].strip() in ("", "-"):
                start = row
                while start > 0 and lines[start - 1].lstrip().startswith("#"):
                    start -= 1
                above[here] = [line.strip() for line in lines[start:row]]
                found = re.search(r"\s+#\s.*$", lines[row])
                beside[here] = f"  {found.group().strip()}" if found else ""
            visit(value, here)

    visit(yaml.compose(preset, Loader=yaml.SafeLoader), ())
    return above, beside


def _meaning(info: FieldInfo, nested: type[BaseModel] | None) -> str:
    if info.description:
        return info.description
    return (nested.__doc__ or "").strip().split("\n\n")[0] if nested is not None else ""


def _prose(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(" ".join(text.split()), _WIDTH)]


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _nested_model(info: FieldInfo) -> type[BaseModel] | None:
    pending: list[Any] = [info.annotation]
    while pending:
        annotation = pending.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return annotation
        pending.extend(get_args(annotation))
    return None
