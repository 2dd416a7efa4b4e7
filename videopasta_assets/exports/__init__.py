"""Preference pairs and checkpoints as other programs read them: trainers' formats, and folders for a model hub."""

from videopasta_assets.exports.checkpoint import export_checkpoint
from videopasta_assets.exports.dataset import export_pairs
from videopasta_assets.exports.folder import Export
from videopasta_assets.exports.formats import FORMATS

__all__ = ["FORMATS", "Export", "export_checkpoint", "export_pairs"]
