"""Verified preference pairs for Video-LLMs, as data assets on Dagster."""

__version__ = "0.1.0"
