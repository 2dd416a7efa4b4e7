"""Where the model that ships with the project lies. Its training is in `videopasta_assets.embedded`."""

from pathlib import Path
from typing import Final

EMBEDDED_MODEL: Final = "embedded"
"""The name under which `videopasta.yaml` refers to it."""

MODEL_DIR: Final = Path(__file__).parent.parent / "embedded" / "model"
"""A folder that `AutoModelForImageTextToText.from_pretrained` loads."""
