"""What stored vision features save: seconds a clip in the transformers engine.

    python benchmarks/features.py [--model FOLDER] [--videos 12] [--side 128]

Toyworld videos, the embedded model, 16 frames; pictures are enlarged to `--side` pixels, because a real model spends
most of its work on video. Each arm loads its own model and asks one short question a clip (no prefix is held from
arm to arm); `none` has no store, `cold` fills an empty one, `warm` finds every clip. Arms take turns, `--rounds` times,
and medians are printed.

The last line is one JSON object; `ratio` is none over warm.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from training import at_side

from videopasta_assets.embedded import MODEL_DIR
from videopasta_assets.engines import Decoding, Request
from videopasta_assets.engines.feature_store import FeatureStore
from videopasta_assets.engines.transformers_engine import TransformersEngine
from videopasta_assets.prompts import PromptLibrary
from videopasta_assets.toyworld.folder import write_folder
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.plan import SamplingSpec, plan_frames
from videopasta_assets.video.probe import probe
from videopasta_assets.video.reader import get_reader


def main() -> None:
    """Time the arms; print a table and one JSON line."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--model", type=Path, default=MODEL_DIR)
    arguments.add_argument("--videos", type=int, default=12)
    arguments.add_argument("--side", type=int, default=128)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prompt = PromptLibrary("compact").render("caption", duration=4.0)
        requests = []
        for path in write_folder(folder / "videos", folder / "truth", given.videos, 0, "pairs"):
            info = probe(path, (path.parent,))
            clip = Clip(info.video_id, path, plan_frames(info, SamplingSpec("count", 16), "dense"))
            requests.append(Request(info.video_id, prompt, clip, Decoding(max_new_tokens=1)))
        reader = get_reader("auto", [folder / "videos"])
        model = at_side(given.model, given.side, folder / "model")
        seconds: dict[str, list[float]] = {"none": [], "cold": [], "warm": []}
        texts: dict[str, list[str]] = {}
        for round_ in range(given.rounds):
            for arm, taken in seconds.items():
                store = None if arm == "none" else FeatureStore(folder / f"store{round_}", 2**30)
                engine = TransformersEngine(model, None, reader, device="cpu", features=store)
                started = time.perf_counter()
                texts[arm] = [reply.text for reply in engine.generate(requests)]
                taken.append((time.perf_counter() - started) / given.videos)
                engine.close()
        assert texts["none"] == texts["cold"] == texts["warm"]
        size = FeatureStore(folder / "store0", 2**30).size_bytes / given.videos
        medians = {arm: statistics.median(values) for arm, values in seconds.items()}
        for arm, value in medians.items():
            print(f"{arm:6} {1000 * value:8.1f} ms a clip")
        print(f"{size / 1024:.0f} KiB a clip")
    figure = round(medians["warm"], 5)
    ratio = round(medians["none"] / medians["warm"], 2)
    print(json.dumps({"name": "stored_features_seconds_per_clip", "figure": figure, "unit": "s/clip", "ratio": ratio}))


if __name__ == "__main__":
    main()
