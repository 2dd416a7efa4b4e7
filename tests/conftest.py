"""What all tests share: property tests without a clock, because machines are slow at times."""

import os

from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

settings.register_profile("patient", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("patient")
