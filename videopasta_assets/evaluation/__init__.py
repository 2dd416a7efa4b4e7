"""Evaluation: items, one reader of replies, scores with intervals, published benchmarks and papers' values."""

from videopasta_assets.evaluation.benchmark import Benchmark, Metric
from videopasta_assets.evaluation.item import BenchmarkItem, load_items
from videopasta_assets.evaluation.multiple_choice import parse_choice
from videopasta_assets.evaluation.published import PUBLISHED
from videopasta_assets.evaluation.reply import Reading, read_reply
from videopasta_assets.evaluation.scoring import Comparison, ItemOutcome, compare

__all__ = [
    "PUBLISHED",
    "Benchmark",
    "BenchmarkItem",
    "Comparison",
    "ItemOutcome",
    "Metric",
    "Reading",
    "compare",
    "load_items",
    "parse_choice",
    "read_reply",
]
