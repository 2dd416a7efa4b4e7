"""The oracle's stages of a shard, in the order in which they can run."""

from typing import Final

from videopasta_assets.oracle import answers, difficulty, scores, targeting

ORACLE_STAGES: Final = (answers.STAGE, scores.STAGE, targeting.STAGE, difficulty.STAGE)
ORACLE_TABLES: Final = tuple(stage.table for stage in ORACLE_STAGES)
"""Tables that nothing but people, reports and SQL models read."""
