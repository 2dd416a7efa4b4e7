"""The embedded default model: a small Qwen2.5-VL of transformers' own classes, trained from nothing on toyworld."""

from pathlib import Path
from typing import Final

MODEL_DIR: Final = Path(__file__).parent / "model"
"""Where the committed model lies: `AutoModelForImageTextToText.from_pretrained(MODEL_DIR)`."""

EMBEDDED_ID: Final = "embedded"
"""The name under which configurations refer to it."""
