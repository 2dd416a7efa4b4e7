"""A folder for the PYTHONPATH of processes in other environments: Python imports `sitecustomize` from it as it starts.

Without a GPU those environments have the torchvision of PyPI beside a torch without CUDA, as ours has.
"""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
