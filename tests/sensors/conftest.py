"""The assets' project and instance."""

from tests.assets.conftest import instance
from tests.fakes.bench_project import BenchProject

__all__ = ["BenchProject", "instance"]
