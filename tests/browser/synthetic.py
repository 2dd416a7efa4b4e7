"""A catalog of any size, as the page gets it: for how fast the page is, not for what is true."""

from typing import Any

import numpy as np

from videopasta_assets.taxonomy import CATEGORIES, MODES, STRATEGIES, VerdictStatus

_WORDS = ["the", "a", "red", "blue", "person", "car", "door", "behind", "before", "after", "left", "right", "moves"]
_WORDS += ["stops", "opens", "while", "then", "camera", "table", "walks", "holds", "small", "again", "changes"]
_PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAMLCwgAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw=="  # one grey pixel
QUERIES_PER_VIDEO = 10
SLOTS = 3
ATTEMPTS = 2


def synthetic_catalog(pairs: int, seed: int = 0) -> dict[str, Any]:
    """Data of a page with `pairs` accepted attempts, and as many that were rejected before them."""
    random = np.random.default_rng(seed)
    queries = -(-pairs // SLOTS)

    def text(words: int) -> str:
        return " ".join(random.choice(_WORDS, words)).capitalize() + "."

    attempts = [
        {
            "id": f"{place:08x}{number}",
            "shard": f"s{place // 900:06d}",
            "query": place // SLOTS,
            "slot": place % SLOTS,
            "attempt": number,
            "mode": MODES[place % SLOTS].value,
            "strategy": str(random.choice(STRATEGIES[MODES[place % SLOTS]])),
            "text": text(45),
            "finish_reason": "stop",
            "error": None,
            "model": "model@revision",
            "prompt": "0" * 32,
            "seed": place,
            "prompt_tokens": 1500,
            "completion_tokens": 60,
            "version": "0" * 32,
            "provenance": "0" * 32,
            "verdict": (VerdictStatus.ACCEPTED if number == ATTEMPTS else str(random.choice(list(VerdictStatus)[1:]))),
            "reason": text(18),
            "verdict_error": None,
            "reply": None,
            "verifier": "verifier@revision",
            "verifier_prompt": "0" * 32,
            "preferred_coherent": True,
            "is_contradiction": number == ATTEMPTS,
            "is_rephrase": False,
            "mode_specific": True,
            "paired": number == ATTEMPTS,
            "decided_by": "verifier",
            "preference_set": "0" * 32 if number == ATTEMPTS else None,
            "seen_by_oracle": False,
            "opinions": [],
        }
        for place in range(pairs)
        for number in range(1, ATTEMPTS + 1)
    ]
    strip = {
        "frames": 16,
        "shown": [[index, index / 2] for index in range(16)],
        "columns": 8,
        "width": 1024,
        "height": 192,
        "plan": "0" * 32,
        "src": _PIXEL,
    }
    return {
        "project": "synthetic",
        "recipe": "videopasta",
        "made_at": "2026-01-01T00:00:00+00:00",
        "pairs_only": False,
        "attempts_in_lake": len(attempts),
        "slots_in_lake": pairs,
        "attempts": attempts,
        "queries": [
            {
                "id": f"q{place:06d}",
                "video": place // QUERIES_PER_VIDEO,
                "mode": MODES[place % 3].value,
                "category": CATEGORIES[MODES[place % 3]][place % 5],
                "text": text(12)[:-1] + "?",
                "model": "model@revision",
                "prompt": "0" * 32,
                "seed": place,
                "chosen": text(45),
                "chosen_model": "model@revision",
                "chosen_prompt": "0" * 32,
                "chosen_seed": place,
                "chosen_finish": "stop",
                "version": "0" * 32,
                "check_method": None,
            }
            for place in range(queries)
        ],
        "videos": [
            {
                "id": f"{place:064x}",
                "path": f"folder/video {place}.mp4",
                "duration": 8.0,
                "fps": 30.0,
                "total_frames": 240,
                "width": 640,
                "height": 360,
                "codec": "h264",
                "dense": strip,
                "sparse": {**strip, "frames": 3, "shown": strip["shown"][:3], "columns": 3, "width": 512, "height": 96},
            }
            for place in range(-(-queries // QUERIES_PER_VIDEO))
        ],
    }
