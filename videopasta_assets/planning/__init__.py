"""The plan: what is stale, why, and what it will cost, before anything runs."""

from videopasta_assets.planning.plan import Plan, PlanStep, make_plan

__all__ = ["Plan", "PlanStep", "make_plan"]
