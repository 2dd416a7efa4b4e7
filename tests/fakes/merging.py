"""Merging an adapter without a model: one more folder that a model might be in."""

from pathlib import Path

from videopasta_assets.stages import iteration
from videopasta_assets.stages.project import Project


def merged(project: Project, adapter: Path, adapter_hash: str) -> Path:
    """In the place of `iteration._merged`."""
    folder = iteration._folder(project, adapter_hash)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_text(adapter_hash)
    return folder
