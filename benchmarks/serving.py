"""Answers a second of a vLLM server, asked by the `openai` engine, by plain clients, and by vLLM's own benchmark.

    python benchmarks/serving.py [--model FOLDER] [--videos 9] [--repeats 3]
    python benchmarks/serving.py --base-url http://127.0.0.1:8000/v1 --model NAME --tokenizer FOLDER

The first starts a server of its own (`make vllm-env`) and stops it; the second asks one that runs with
--enable-prefix-caching --enable-prompt-tokens-details --trust-request-mm-kwargs --limit-mm-per-prompt '{"video": 1}'.

The work is that of `generation.py speed`, on toyworld videos. "one by one" is a script that waits for each answer
before it decodes, encodes and asks for the next. "client" takes requests in no order, decodes and encodes the frames
of each, and keeps `--concurrency` of them under way. The engine groups them by clip and encodes a clip once. Each side
has videos of its own in each repeat, so that none finds another's prefixes in the server's cache, and the order of the
sides changes. "own rate" is what `vllm bench serve` gets out of the same server, asked for as many texts at once, of
random tokens, as long as what of a prompt was not cached and as its answer: the server with no video to see.

Where the server is ours and works on a CPU, a second is one of processor time, of the server and whoever asks it
together (for the share of its own rate: the server's alone), so that other work on the machine does not blur it;
elsewhere it is one of the clock. One JSON line a figure.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psutil
from generation import requests_about

from videopasta_assets.config.serving import ServerSettings, VllmSettings
from videopasta_assets.embedded import MODEL_DIR
from videopasta_assets.engines import Decoding, Reply, Request
from videopasta_assets.engines.chat import chat_answer, chat_body
from videopasta_assets.engines.frame_payload import frame_payload
from videopasta_assets.engines.openai_engine import OpenAIEngine
from videopasta_assets.engines.vllm_environment import find_environment, serve_arguments
from videopasta_assets.engines.vllm_process import VllmProcess
from videopasta_assets.toyworld.folder import write_folder
from videopasta_assets.video.clip import load_frames
from videopasta_assets.video.reader import FrameReader, get_reader
from videopasta_assets.video.worker_pool import usual_workers

SIDES = ("engine", "client", "one by one")
# The `vllm` command looks for a distribution of that very name; CPU builds have another.
_VLLM_BENCH = """
import argparse
from vllm.benchmarks.serve import add_cli_args, main
parser = argparse.ArgumentParser()
add_cli_args(parser)
main(parser.parse_args())
"""


@dataclass(frozen=True)
class Spent:
    """Seconds of the clock, and of processors: the server's, and those of whoever asks it."""

    clock: float
    server: float
    client: float

    def since(self, start: "Spent") -> "Spent":
        """What came after `start`."""
        return Spent(self.clock - start.clock, self.server - start.server, self.client - start.client)


@dataclass(frozen=True)
class Work:
    """What one side did in one repeat."""

    replies: list[Reply]
    spent: Spent

    def mean(self, count: Callable[[Reply], int]) -> float:
        """Of a reply."""
        return sum(map(count, self.replies)) / len(self.replies)

    @property
    def cached_share(self) -> float:
        """Share of prompt tokens that the server found in its cache."""
        return self.mean(lambda reply: reply.cached_tokens or 0) / self.mean(lambda reply: reply.prompt_tokens)


@dataclass(frozen=True)
class Server:
    """A vLLM server.

    Attributes:
        settings: how it is asked.
        key: lets in.
        tokenizer: folder of the model's, for vLLM's benchmark.
        process_id: of the server, where it is ours and works on a CPU.
    """

    settings: ServerSettings
    key: str
    tokenizer: Path | None
    process_id: int | None = None

    @property
    def per(self) -> str:
        """What rates are by."""
        return "s" if self.process_id is None else "CPU-s"

    def spent(self) -> Spent:
        """So far."""
        ours = {process.pid: process for process in psutil.Process().children(recursive=True)}
        theirs: set[int] = set()
        if self.process_id is not None:
            server = psutil.Process(self.process_id)
            theirs = {process.pid for process in (server, *server.children(recursive=True))}
        busy = {number: sum(process.cpu_times()[:2]) for number, process in ours.items()}
        client = time.process_time() + sum(seconds for number, seconds in busy.items() if number not in theirs)
        return Spent(time.perf_counter(), sum(busy.get(number, 0.0) for number in theirs), client)

    def seconds(self, spent: Spent) -> float:
        """Those that count."""
        return spent.clock if self.process_id is None else spent.server + spent.client


def by_engine(server: Server, reader: FrameReader, requests: list[Request]) -> list[Reply]:
    """Through the `openai` engine."""
    engine = OpenAIEngine(server.settings.model or "", None, reader, server=server.settings, key=server.key)
    replies = list(engine.generate(requests))
    engine.close()
    return replies


def by_client(server: Server, reader: FrameReader, requests: list[Request], at_once: int) -> list[Reply]:
    """Every request by itself, so many at once."""
    settings = server.settings
    limits = httpx2.Limits(max_connections=at_once)
    with httpx2.Client(timeout=settings.timeout_seconds, limits=limits) as client:

        def answer(request: Request) -> Reply:
            assert request.clip is not None
            frames = load_frames(request.clip, reader)
            payload = frame_payload(frames, request.clip.plan, settings.frames, settings.frame_format)
            body: dict[str, Any] = chat_body(request, settings.model or "", payload, structured=False)
            headers = {"Authorization": f"Bearer {server.key}"}
            sent = client.post(f"{settings.base_url}/chat/completions", json=body, headers=headers)
            sent.raise_for_status()
            return chat_answer(request.request_id, sent.content, 0.0).reply

        with ThreadPoolExecutor(at_once) as threads:
            return list(threads.map(answer, requests))


def own_rate(server: Server, prompt_tokens: float, reply_tokens: float, prompts: int) -> float:
    """Tokens a second that `vllm bench serve` has the server write."""
    environment, settings = find_environment(VllmSettings()), server.settings
    with tempfile.TemporaryDirectory() as name:
        # The first run warms the server up, as the work did for the others.
        for count in (min(prompts, 8), prompts):
            start = server.spent()
            command = [str(environment.python), "-P", "-c", _VLLM_BENCH]
            command += ["--backend", "openai", "--base-url", settings.base_url.removesuffix("/v1")]
            command += ["--model", settings.model or "", "--tokenizer", str(server.tokenizer)]
            command += ["--dataset-name", "random", "--random-input-len", str(max(1, round(prompt_tokens)))]
            command += ["--random-output-len", str(max(1, round(reply_tokens))), "--ignore-eos"]
            command += ["--num-prompts", str(count), "--max-concurrency", str(settings.max_concurrency)]
            command += ["--seed", str(count), "--save-result", "--result-dir", name, "--result-filename", "found.json"]
            key = {"OPENAI_API_KEY": server.key}
            variables = {**os.environ, **environment.variables(offline=True), **key}
            done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"vllm bench serve failed: {done.stderr[-2000:]}")
            spent = server.spent().since(start)
        found = json.loads((Path(name) / "found.json").read_text())
    seconds = float(found["duration"]) if server.process_id is None else spent.server
    return float(found["total_output_tokens"]) / seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", help="of a server that runs; without it, one is started")
    parser.add_argument("--model", default=str(MODEL_DIR), help="its folder or, of a server that runs, its name there")
    parser.add_argument("--tokenizer", type=Path, help="folder of the tokenizer of a server's model")
    parser.add_argument("--api-key-env")
    parser.add_argument("--videos", type=int, default=9, help="in each repeat, a third of them a side")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--one-by-one", type=int, default=24, help="requests of that side in a repeat; 0: all")
    parser.add_argument("--max-new-tokens", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if options.base_url:
        key = os.environ.get(options.api_key_env or "", "none")
        settings = ServerSettings(base_url=options.base_url, model=options.model, max_concurrency=options.concurrency)
        measure(Server(settings, key, options.tokenizer), options)
        return
    environment, settings = find_environment(VllmSettings()), ServerSettings(max_concurrency=options.concurrency)
    name = Path(options.model).name
    command = serve_arguments(environment, options.model, None, name=name, server=settings, settings=VllmSettings())
    process = VllmProcess(command, environment.variables(offline=True), 900, 5, identity=f"benchmark {os.getpid()}")
    try:
        base_url, key = process.ensure()
        state = json.loads((process.folder / "state.json").read_text())
        settings = settings.model_copy(update={"base_url": base_url, "model": name})
        measure(Server(settings, key, Path(options.model), state["server"] if environment.cpu else None), options)
    finally:
        process.release()


def measure(server: Server, options: argparse.Namespace) -> None:
    """Print the figures of a server."""
    work: dict[str, list[Work]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = options.videos * options.repeats
        paths = write_folder(folder / "videos", folder / "truth", count + 1, seed=0, split="benchmark")
        reader = get_reader("auto", (folder / "videos",), workers=usual_workers())
        decoding = Decoding(max_new_tokens=options.max_new_tokens)

        def answered(side: str, requests: list[Request]) -> list[Reply]:
            if side == "engine":
                return by_engine(server, reader, requests)
            shuffled = random.Random(0).sample(requests, len(requests))
            if side == "client":
                return by_client(server, reader, shuffled, options.concurrency)
            return by_client(server, reader, shuffled[: options.one_by_one or None], 1)

        for side in SIDES:
            answered(side, requests_about(paths[-1], decoding, 16, 2)[:8])
        for repeat in range(options.repeats):
            some = paths[repeat * options.videos : (repeat + 1) * options.videos]
            for place in range(len(SIDES)):
                side = SIDES[(place + repeat) % len(SIDES)]
                requests = [r for path in some[place :: len(SIDES)] for r in requests_about(path, decoding, 16, 2)]
                start = server.spent()
                replies = answered(side, requests)
                work[side].append(Work(replies, server.spent().since(start)))
                failed = [reply.error for reply in replies if reply.error is not None]
                if failed:
                    raise SystemExit(f"{side}: {failed[0]}")
    report(server, work)


def report(server: Server, work: dict[str, list[Work]]) -> None:
    """Print the figures of what was done."""
    for side, done in work.items():
        shares = {name: statistics.median(value) for name, value in _of(server, done).items()}
        print(f"{side}: " + ", ".join(f"{value:.3g} {name}" for name, value in shares.items()))
    rates = {side: statistics.median(_of(server, done)[f"answers/{server.per}"]) for side, done in work.items()}
    engine = work["engine"]
    if server.tokenizer is not None:
        prompt = statistics.mean(w.mean(lambda reply: reply.prompt_tokens - (reply.cached_tokens or 0)) for w in engine)
        written = statistics.mean(w.mean(lambda reply: reply.completion_tokens) for w in engine)
        limit = own_rate(server, prompt, written, 2 * len(engine[0].replies))
        name = "tokens/s" if server.process_id is None else "tokens/CPU-s of the server"
        rate = statistics.median(_of(server, engine)[name])
        print(f"vllm bench serve: prompts of {prompt:.0f} tokens, answers of {written:.0f}")
        _print("serving: share of the server's own token rate", rate, name, limit, None)
    for side, goal in (("client", None), ("one by one", 5.0)):
        _print(f"serving: openai engine against {side}", rates["engine"], f"answers/{server.per}", rates[side], goal)


def _of(server: Server, done: Sequence[Work]) -> dict[str, list[float]]:
    """Figures of a side, one a repeat."""
    figures = {
        f"answers/{server.per}": [len(w.replies) / server.seconds(w.spent) for w in done],
        "answers/s of the clock": [len(w.replies) / w.spent.clock for w in done],
        "of prompt tokens cached": [w.cached_share for w in done],
        "tokens/s": [_tokens(w) / w.spent.clock for w in done],
    }
    if server.process_id is not None:
        figures["tokens/CPU-s of the server"] = [_tokens(w) / w.spent.server for w in done]
    return figures


def _tokens(work: Work) -> int:
    return sum(reply.completion_tokens for reply in work.replies)


def _print(name: str, figure: float, unit: str, baseline: float, goal: float | None) -> None:
    line = {
        "name": name,
        "figure": round(figure, 2),
        "unit": unit,
        "baseline": round(baseline, 2),
        "ratio": round(figure / baseline, 2),
        "goal": goal,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
