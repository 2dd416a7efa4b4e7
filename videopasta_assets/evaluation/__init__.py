"""Evaluation: items, one parser, scores with intervals."""

from videopasta_assets.evaluation.item import BenchmarkItem, load_items
from videopasta_assets.evaluation.multiple_choice import parse_choice
from videopasta_assets.evaluation.scoring import Comparison, ItemOutcome, compare

__all__ = ["BenchmarkItem", "Comparison", "ItemOutcome", "compare", "load_items", "parse_choice"]
