"""Recipes: which questions, which adversaries, verified how. Pure functions, no I/O."""

from videopasta_assets.recipes.parsing import QUERY_SCHEMA, parse_queries
from videopasta_assets.recipes.retention import attempt_acceptance, potential_pairs, slot_retention
from videopasta_assets.recipes.seeds import request_seed
from videopasta_assets.recipes.slots import AdversaryPolicy, Slot, adversary_slots, split_queries
from videopasta_assets.recipes.targeting import MODE_JUDGEMENT_SCHEMA, ModeJudgement, parse_mode_judgement
from videopasta_assets.recipes.verdict import ParsedVerdict, parse_verdict, verdict_schema, verdict_status

__all__ = [
    "MODE_JUDGEMENT_SCHEMA",
    "QUERY_SCHEMA",
    "AdversaryPolicy",
    "ModeJudgement",
    "ParsedVerdict",
    "Slot",
    "adversary_slots",
    "attempt_acceptance",
    "parse_mode_judgement",
    "parse_queries",
    "parse_verdict",
    "potential_pairs",
    "request_seed",
    "slot_retention",
    "split_queries",
    "verdict_schema",
    "verdict_status",
]
