"""The plan: what is stale, why, and what it will cost, before anything runs."""

from videopasta_assets.planning.plan import ASSETS, SHARD_ASSETS, make_plan, plan_rounds
from videopasta_assets.planning.step import Cost, Plan, PlanStep, Reason, ReasonKind

__all__ = ["ASSETS", "SHARD_ASSETS", "Cost", "Plan", "PlanStep", "Reason", "ReasonKind", "make_plan", "plan_rounds"]
