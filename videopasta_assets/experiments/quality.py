"""What the oracle knows of an experiment's pairs, its verifier and its blind judge: one query a table of the page."""

from collections.abc import Sequence
from typing import Any

import duckdb

Table = tuple[tuple[str, ...], Sequence[tuple[Any, ...]]]
"""Column names and rows; floats are shares."""


def pair_quality(connection: duckdb.DuckDBPyConnection) -> Table:
    """Verified pairs and first attempts: how often chosen is true, rejected on target, and both."""
    names = ("pairs", "number", "every claim of chosen true", "chosen answers rightly", "rejected on target", "good")
    rows = connection.execute(
        """
        WITH judged AS (
            SELECT verdicts.attempt, oracle_scores.* FROM oracle_scores JOIN verdicts USING (adversary_id)
            WHERE oracle_scores.error IS NULL)
        SELECT pairs, count(*), avg((aligned_truth = 'true')::INT), avg(aligned_right::INT), avg(on_target::INT),
               avg(good_pair::INT)
        FROM (SELECT 'verified' AS pairs, * FROM judged WHERE verdict = 'accepted'
              UNION ALL SELECT 'unfiltered', * FROM judged WHERE attempt = 1)
        GROUP BY pairs ORDER BY pairs DESC
        """
    ).fetchall()
    return names, rows


def answer_quality(connection: duckdb.DuckDBPyConnection) -> Table:
    """Aligned responses by mode, before and after their check."""
    rows = connection.execute(
        """
        SELECT query_mode, count(*), avg("right"::INT), avg((truth = 'true')::INT),
               avg(checked::INT), avg("right"::INT) FILTER (checked IS NOT false)
        FROM oracle_answers WHERE error IS NULL GROUP BY query_mode ORDER BY query_mode DESC
        """
    ).fetchall()
    return (
        "mode",
        "responses",
        "answer rightly",
        "every claim true",
        "passed the check",
        "rightly of those passed",
    ), rows


def verifier_quality(connection: duckdb.DuckDBPyConnection) -> Table:
    """The verifier's precision and recall of acceptance, by both yardsticks."""
    rows = connection.execute(
        """
        WITH judged AS (
            SELECT verdict = 'accepted' AS given, expected_verdict = 'accepted' AS by_text, good_pair AS by_truth
            FROM oracle_scores WHERE error IS NULL)
        SELECT yardstick, count(*), count(*) FILTER (given AND wanted) / nullif(count(*) FILTER (given), 0),
               count(*) FILTER (given AND wanted) / nullif(count(*) FILTER (wanted), 0)
        FROM (SELECT 'text' AS yardstick, given, by_text AS wanted FROM judged
              UNION ALL SELECT 'truth', given, by_truth FROM judged)
        GROUP BY yardstick ORDER BY yardstick
        """
    ).fetchall()
    return ("yardstick", "attempts", "precision", "recall"), rows


def targeting(connection: duckdb.DuckDBPyConnection) -> Table:
    """How often the blind judge names the intended mode, beside VideoPASTA's table 8."""
    rows = connection.execute(
        """
        SELECT adv_mode, count(*), avg(hit::INT), avg((readable_mode = adv_mode)::INT),
               CASE adv_mode WHEN 'spatial' THEN 0.961 WHEN 'temporal' THEN 0.924 ELSE 0.883 END::DOUBLE
        FROM oracle_targeting WHERE error IS NULL GROUP BY adv_mode ORDER BY adv_mode DESC
        """
    ).fetchall()
    return ("mode", "pairs", "judge names it", "a perfect reader names it", "VideoPASTA (GPT-4o, their data)"), rows


def difficulty(connection: duckdb.DuckDBPyConnection) -> Table:
    """Whether the base model prefers the chosen answer already."""
    rows = connection.execute(
        """
        SELECT adv_mode, count(*), avg(prefers_chosen::INT), avg((margin > 10)::INT)
        FROM oracle_difficulty WHERE error IS NULL GROUP BY adv_mode ORDER BY adv_mode DESC
        """
    ).fetchall()
    return ("mode", "pairs", "base prefers chosen", "by more than 10 nats"), rows
