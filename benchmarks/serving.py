"""Answers a second of an OpenAI-compatible server, asked by the `openai` engine and by a plain client.

    vllm serve MODEL --enable-prefix-caching --trust-request-mm-kwargs --limit-mm-per-prompt '{"video": 1}'
    python benchmarks/serving.py --base-url http://127.0.0.1:8000/v1 --model MODEL [--videos 16] [--concurrency 32]

The work is that of `generation.py speed`, on toyworld videos. The plain client does what scripts do: it takes requests
in no order, decodes and encodes the frames of each, and keeps `--concurrency` of them under way. The engine groups
them by clip and encodes a clip once. Each side has half of the videos, so that neither finds the other's prefixes in
the server's cache; sides change with each of `--repeats`, on new videos. One JSON line: answers a second of the clock,
and the share of prompt tokens that the server had in its prefix cache.
"""

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
from generation import requests_about

from videopasta_assets.config.serving import ServerSettings
from videopasta_assets.engines import Decoding, Request
from videopasta_assets.engines.chat import chat_answer, chat_body
from videopasta_assets.engines.frame_payload import frame_payload
from videopasta_assets.engines.openai_engine import OpenAIEngine
from videopasta_assets.toyworld.folder import write_folder
from videopasta_assets.video.clip import load_frames
from videopasta_assets.video.reader import FrameReader, get_reader
from videopasta_assets.video.worker_pool import usual_workers

Answered = tuple[int, int, int]
"""Answers, prompt tokens, and those of them that were cached."""


def by_engine(settings: ServerSettings, model: str, reader: FrameReader, requests: list[Request]) -> Answered:
    """Through the `openai` engine."""
    engine = OpenAIEngine(model, None, reader, server=settings)
    replies = [reply for reply in engine.generate(requests) if reply.error is None]
    traffic = engine.traffic
    engine.close()
    return len(replies), traffic.prompt_tokens, traffic.cached_tokens


def by_client(settings: ServerSettings, model: str, reader: FrameReader, requests: list[Request]) -> Answered:
    """Every request by itself, so many at once."""
    key = os.environ.get(settings.api_key_env or "", "none")
    shuffled = random.Random(0).sample(requests, len(requests))
    limits = httpx2.Limits(max_connections=settings.max_concurrency)
    with httpx2.Client(timeout=settings.timeout_seconds, limits=limits) as client:

        def answer(request: Request) -> Answered:
            assert request.clip is not None
            frames = load_frames(request.clip, reader)
            payload = frame_payload(frames, request.clip.plan, settings.frames, settings.frame_format)
            body: dict[str, Any] = chat_body(request, model, payload, structured=False)
            sent = client.post(
                f"{settings.base_url}/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
            )
            sent.raise_for_status()
            got = chat_answer(request.request_id, sent.content, 0.0)
            return 1, got.reply.prompt_tokens, got.cached_tokens

        with ThreadPoolExecutor(settings.max_concurrency) as threads:
            counts = list(threads.map(answer, shuffled))
    answers, prompt, cached = (sum(column) for column in zip(*counts, strict=True))
    return answers, prompt, cached


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", default="http://127.0.0.1:8000/v1")
    parser.add_argument("--model", required=True)
    parser.add_argument("--api-key-env")
    parser.add_argument("--videos", type=int, default=16, help="in each repeat, half of them a side")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--max-new-tokens", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    settings = ServerSettings(
        base_url=options.base_url,
        model=options.model,
        api_key_env=options.api_key_env,
        max_concurrency=options.concurrency,
    )
    sides: dict[str, Callable[..., Answered]] = {"engine": by_engine, "client": by_client}
    rates: dict[str, list[float]] = {name: [] for name in sides}
    cached: dict[str, list[float]] = {name: [] for name in sides}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_folder(
            folder / "videos", folder / "truth", options.videos * options.repeats, seed=0, split="benchmark"
        )
        reader = get_reader("auto", (folder / "videos",), workers=usual_workers())
        decoding = Decoding(max_new_tokens=options.max_new_tokens)
        for repeat in range(options.repeats):
            some = paths[repeat * options.videos : (repeat + 1) * options.videos]
            order = list(sides) if repeat % 2 == 0 else list(reversed(sides))
            for place, side in enumerate(order):
                requests = [r for path in some[place::2] for r in requests_about(path, decoding, 16, 2)]
                start = time.perf_counter()
                answers, prompt, hits = sides[side](settings, options.model, reader, requests)
                rates[side].append(answers / (time.perf_counter() - start))
                cached[side].append(hits / max(1, prompt))
    ours, theirs = (statistics.median(rates[side]) for side in ("engine", "client"))
    line = {
        "name": "serving: openai engine against a plain client",
        "figure": round(ours, 2),
        "unit": "answers/s",
        "baseline": round(theirs, 2),
        "ratio": round(ours / theirs, 2),
        "cached_share": round(statistics.median(cached["engine"]), 3),
        "baseline_cached_share": round(statistics.median(cached["client"]), 3),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
