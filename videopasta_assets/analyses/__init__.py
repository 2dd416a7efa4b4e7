"""Analyses: what a trained project shows, and ablations, which are grids of projects."""
