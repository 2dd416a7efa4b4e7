"""Ready-made values for `videopasta.yaml`, one file a preset."""

from pathlib import Path
from typing import Final

from videopasta_assets.errors import UserError

_FOLDER: Final = Path(__file__).parent


def preset_names() -> list[str]:
    """Names that `preset_text` knows, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def preset_text(name: str) -> str:
    """The YAML of a preset.

    Raises:
        UserError: no preset has that name.
    """
    if name not in preset_names():
        raise UserError(f"there is no preset {name!r}", fix=f"Choose one of: {', '.join(preset_names())}.")
    return (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
