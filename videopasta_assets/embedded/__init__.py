"""The embedded default model: a small Qwen2.5-VL of transformers' own classes, trained from nothing on toyworld."""

from videopasta_assets.config.embedded import EMBEDDED_MODEL as EMBEDDED_ID
from videopasta_assets.config.embedded import MODEL_DIR

__all__ = ["EMBEDDED_ID", "MODEL_DIR"]
