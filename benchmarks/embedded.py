"""Accuracy of the embedded model on held-out MP4 files, against the same model without the video.

    python benchmarks/embedded.py --videos 40

The last line is JSON: the least lead over the blind copy among the three modes, in points.
"""

import argparse
import json

from videopasta_assets.embedded import MODEL_DIR
from videopasta_assets.embedded.accuracy import examine_folder
from videopasta_assets.taxonomy import MODES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    report = examine_folder(MODEL_DIR, args.videos, 12, args.seed, "benchmark")
    report["adversaries"].pop("examples")
    print(json.dumps(report, indent=1))
    seen = report["main_video"]
    blind = {mode: max(report["main_none"][mode], report["main_other"][mode]) for mode in MODES}
    worst = min(MODES, key=lambda mode: seen[mode] - blind[mode])
    print(
        json.dumps(
            {
                "name": f"embedded model, least lead over its blind copy ({worst})",
                "figure": round(100 * (seen[worst] - blind[worst]), 1),
                "unit": "points",
                "baseline": round(100 * blind[worst], 1),
                "ratio": round(seen[worst] / max(blind[worst], 0.01), 2),
                "goal": 25,
            }
        )
    )


if __name__ == "__main__":
    main()
