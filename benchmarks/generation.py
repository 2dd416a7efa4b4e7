"""Answers a second of the transformers engine, against transformers called once a request.

    python benchmarks/generation.py [--model FOLDER] [--videos 8] [--batch-size 32]

The work is the recipe's: for each video ten queries answered on dense frames, and thirty adversaries on sparse ones
(`compact` prompts, toyworld videos). The baseline is what published reference code does: for every request decode the
frames, run the whole processor, and call `generate`. Both decode with the same reader, in float32, greedily; replies
are compared. Runs are interleaved and the best of `--repeats` counts.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from videopasta_assets.embedded import MODEL_DIR
from videopasta_assets.engines import Decoding, Request
from videopasta_assets.engines.inputs import video_metadata
from videopasta_assets.engines.loading import load_model
from videopasta_assets.engines.transformers_engine import TransformersEngine
from videopasta_assets.prompts import PromptLibrary
from videopasta_assets.recipes import adversary_slots, split_queries
from videopasta_assets.toyworld.folder import write_folder
from videopasta_assets.video.clip import Clip, load_frames
from videopasta_assets.video.plan import SamplingSpec, plan_frames
from videopasta_assets.video.probe import probe
from videopasta_assets.video.reader import FrameReader, get_reader

GOAL = 5.0
Texts = dict[str, str]


def requests_about(paths: list[Path], decoding: Decoding) -> list[Request]:
    """Aligned answers on 16 frames and adversaries on 2, for ten queries a video."""
    prompts = PromptLibrary("compact")
    requests: list[Request] = []
    for path in paths:
        info = probe(path, (path.parent,))
        dense, sparse = (
            Clip(info.video_id, path, plan_frames(info, SamplingSpec("count", count), role))
            for role, count in (("dense", 16), ("sparse", 2))
        )
        for number, (mode, category) in enumerate(split_queries(10, None, info.video_id)):
            query = f"What can be said about {category.replace('_', ' ')} here?"
            given = {"query": query, "duration": info.duration}
            name = f"{info.video_id[:12]}/{number}"
            prompt = prompts.render(f"aligned/{mode}", mode=mode, category=category, **given)
            requests.append(Request(name, prompt, dense, decoding))
            for slot in adversary_slots(name, mode, 3):
                strategy = slot.strategy(0)
                template = f"adversary/{slot.mode}/{strategy}"
                prompt = prompts.render(template, mode=slot.mode, strategy=strategy, **given)
                requests.append(Request(f"{name}/{slot.slot}", prompt, sparse, decoding))
    return requests


def one_by_one(model: Path, reader: FrameReader) -> Callable[[list[Request]], Texts]:
    """The baseline: every request by itself, from the file to the text."""
    loaded = load_model(model, None, "auto", "float32")

    def answer(request: Request) -> str:
        assert request.clip is not None
        chat: list[dict[str, Any]] = [
            {"role": "user", "content": [{"type": "video"}, {"type": "text", "text": request.prompt.text}]}
        ]
        inputs = loaded.processor(
            text=[loaded.processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)],
            videos=[torch.from_numpy(load_frames(request.clip, reader)).permute(0, 3, 1, 2)],
            video_metadata=[video_metadata(request.clip.plan)],
            do_sample_frames=False,
            return_tensors="pt",
        ).to(loaded.model.device)
        with torch.inference_mode():
            output = loaded.model.generate(**inputs, do_sample=False, max_new_tokens=request.decoding.max_new_tokens)
        written = output[0, inputs["input_ids"].shape[1] :]
        return str(loaded.processor.tokenizer.decode(written, skip_special_tokens=True)).strip()

    return lambda requests: {request.request_id: answer(request) for request in requests}


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=MODEL_DIR)
    parser.add_argument("--videos", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--max-new-tokens", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_folder(folder / "videos", folder / "truth", arguments.videos, seed=0, split="benchmark")
        reader = get_reader("auto", (folder / "videos",))
        requests = requests_about(paths, Decoding(max_new_tokens=arguments.max_new_tokens))
        engine = TransformersEngine(arguments.model, None, reader, dtype="float32", batch_size=arguments.batch_size)
        methods: dict[str, Callable[[list[Request]], Texts]] = {
            "engine": lambda asked: {reply.request_id: reply.text for reply in engine.generate(asked)},
            "one by one": one_by_one(arguments.model, reader),
        }
        rates: dict[str, float] = dict.fromkeys(methods, 0.0)
        texts: dict[str, Texts] = {}
        for method in methods.values():
            method(requests[:4])
        for _ in range(arguments.repeats):
            for label, method in methods.items():
                start = time.perf_counter()
                texts[label] = method(requests)
                rates[label] = max(rates[label], len(requests) / (time.perf_counter() - start))
    equal = sum(texts["engine"][key] == text for key, text in texts["one by one"].items())
    for label, rate in rates.items():
        print(f"{label:>10}: {rate:8.2f} answers/s")
    print(f"{engine.model_id}: {equal} of {len(requests)} replies equal, {torch.get_num_threads()} threads")
    result = {
        "name": "generation: transformers engine, ten queries and thirty adversaries a video",
        "figure": round(rates["engine"], 2),
        "unit": "answers/s",
        "baseline": round(rates["one by one"], 2),
        "ratio": round(rates["engine"] / rates["one by one"], 2),
        "goal": GOAL,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
