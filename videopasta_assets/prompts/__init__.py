"""Prompt templates as versioned inputs: a template's hash is part of every row's provenance."""

from videopasta_assets.prompts.library import STYLES, Prompt, PromptLibrary

__all__ = ["STYLES", "Prompt", "PromptLibrary"]
