"""Answers a second of the transformers engine, against two plainer ways to the same answers.

    python benchmarks/generation.py speed [--videos 8] [--batch-size 32] [--repeats 3]
    python benchmarks/generation.py growth [--sizes 2 4 8]
    python benchmarks/generation.py run [--videos 8]
    python benchmarks/generation.py speed --gpu 7b

speed: the recipe's work: for each video ten queries answered on dense frames, and thirty adversaries on sparse ones.
    "one by one" is what published reference code does: for every request decode the frames, run the whole processor,
    and call `generate`. "client" is a plain batching client of transformers: as many requests together as the engine
    takes, in the order in which they come, each with its video. All decode with the same reader, greedily; replies
    are compared. "bare" is the model's own limit: the same number of rows, each writing a token a step, with nothing
    else to do. Methods take turns, and medians count.
growth: the engine's rate by number of videos; give --sizes 10 100 1000 for the whole curve.
run: a whole `videopasta run` of new videos in a warm project: the share of its time that no model works or waits.

Figures are answers a second of processor time on a CPU, so that other work on the machine does not blur them, and of
the clock on a GPU. --gpu gives a model of the shapes of Qwen2.5-VL with random weights and 720p videos, of which 32 and
2 frames are used (on a CPU the shape "tiny" and 180p show that it runs); it adds the share of the time that the GPU
waits for frames and the share of its peak (MFU, from two operations a weight and token).
One JSON line a figure.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from decoding import write_video
from random_model import SHAPES, save_random_model

from videopasta_assets.embedded import MODEL_DIR
from videopasta_assets.engines import Decoding, Reply, Request
from videopasta_assets.engines.loading import LoadedModel, load_model
from videopasta_assets.engines.prefix_sharing import text_alone
from videopasta_assets.engines.token_loop import write_replies
from videopasta_assets.engines.transformers_engine import TransformersEngine
from videopasta_assets.engines.video_metadata import video_metadata
from videopasta_assets.prompts import PromptLibrary
from videopasta_assets.recipes import adversary_slots, split_queries
from videopasta_assets.toyworld.folder import write_folder
from videopasta_assets.video.clip import Clip, load_frames
from videopasta_assets.video.plan import SamplingSpec, plan_frames
from videopasta_assets.video.probe import probe
from videopasta_assets.video.reader import FrameReader, get_reader
from videopasta_assets.video.worker_pool import usual_workers

GPU_SIDE = 448
Texts = dict[str, str]
Method = Callable[[list[Request]], Texts]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "growth", "run"))
    parser.add_argument("--model", type=Path, default=MODEL_DIR)
    parser.add_argument("--gpu", choices=tuple(SHAPES), help="a random-weight model of this shape, on the GPU if any")
    parser.add_argument("--peak-tflops", type=float, default=989.0, help="dense bfloat16; H100 and H200: 989")
    parser.add_argument("--videos", type=int, default=8)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--baseline-requests", type=int, default=0, help="one by one answers so many; 0: all")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--max-new-tokens", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.what == "run":
            _print_run(Path(folder), options.videos)
        else:
            _Bench(Path(folder), options).measure()


class _Bench:
    """A folder of videos, a model, and what is measured of them."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self._options = options
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._side = GPU_SIDE if options.gpu else None
        videos = folder / "videos"
        growth = options.what == "growth"
        count = max(options.sizes) if growth else options.videos
        if options.gpu:
            videos.mkdir()
            for number in range(count):
                width, height = (1280, 720) if self._device == "cuda" else (320, 180)
                write_video(videos / f"{number:04}.mp4", width, height, 60, 8)
            pixels = 32 * GPU_SIDE * GPU_SIDE * 9 // 16
            self._model = save_random_model(folder / "model", options.gpu, self._device, pixels)
            dense, sparse = 32, 2
        else:
            write_folder(videos, folder / "truth", count, seed=0, split="benchmark")
            self._model, dense, sparse = options.model, 16, 2
        # On a CPU decoding counts into the same processor time, so that it stays in this process.
        gpu = self._device == "cuda"
        workers = usual_workers() if gpu else 1
        self._reader = get_reader("auto", (videos,), isolate=gpu, workers=workers)
        self._dtype = "bfloat16" if gpu and options.gpu else "float32"
        decoding = Decoding(max_new_tokens=options.max_new_tokens)
        self._requests = [requests_about(path, decoding, dense, sparse) for path in sorted(videos.glob("*.mp4"))]

    def measure(self) -> None:
        """Print the figures."""
        if self._options.what == "growth":
            self._print_growth()
        else:
            self._print_speed()

    def _engine(self) -> TransformersEngine:
        size = self._options.batch_size
        return TransformersEngine(
            self._model, None, self._reader, dtype=self._dtype, batch_size=size, max_side=self._side
        )

    def _print_speed(self) -> None:
        engine = self._engine()
        asked = [request for about in self._requests for request in about]
        some = asked[: self._options.baseline_requests or len(asked)]
        loaded = load_model(self._model, None, "auto", self._dtype)
        methods: dict[str, tuple[Method, list[Request]]] = {
            "engine": (lambda requests: _texts(_forgetful(engine).generate(requests)), asked),
            "one by one": (plain(loaded, self._reader, 1, self._side), some),
            "client": (plain(loaded, self._reader, self._options.batch_size, self._side), asked),
        }
        texts: dict[str, Texts] = {}
        taken: dict[str, list[float]] = {name: [] for name in methods}
        usage = engine.usage
        for method, _ in methods.values():
            method(asked[:4])
        for _ in range(self._options.repeats):
            for name, (method, requests) in methods.items():
                before = engine.usage
                start = self._clock()
                texts[name] = method(requests)
                taken[name].append((self._clock() - start) / len(requests))
                usage = engine.usage - before if name == "engine" else usage
        rates = {name: 1 / statistics.median(seconds) for name, seconds in taken.items()}
        for name in ("one by one", "client"):
            equal = sum(texts["engine"][key] == text for key, text in texts[name].items())
            print(f"{name}: {equal} of {len(texts[name])} replies equal to the engine's")
        for name, goal in (("one by one", 8.0 if self._device == "cuda" else 5.0), ("client", None)):
            _print(f"generation: engine against {name}", rates["engine"], self._unit("answers"), rates[name], goal)
        written = list(_forgetful(engine).generate(asked))
        tokens = sum(reply.completion_tokens for reply in written)
        limit = self._bare_tokens(loaded)
        rate = tokens / len(asked) * rates["engine"]
        _print("generation: share of the model's own limit", rate, self._unit("tokens"), limit, None)
        print(json.dumps({"name": "generation: idle share of the model", "figure": round(usage.idle_share, 4)}))
        if self._options.gpu:
            self._print_mfu(loaded, written, rates["engine"])

    def _print_growth(self) -> None:
        rates = {}
        for size in self._options.sizes:
            engine = self._engine()
            _texts(engine.generate(self._requests[0][:4]))
            start = self._clock()
            answered = _texts(_forgetful(engine).generate(r for about in self._requests[:size] for r in about))
            rates[size] = len(answered) / (self._clock() - start)
            print(f"{size:6} videos: {rates[size]:8.2f} {self._unit('answers')}")
        least, most = min(rates), max(rates)
        name = f"generation: {most} videos against {least}"
        _print(name, rates[most], self._unit("answers"), rates[least], None)

    def _bare_tokens(self, loaded: LoadedModel) -> float:
        """Tokens a second of a full batch that only writes, from prompts as long as those of adversaries."""
        steps, rows = self._options.max_new_tokens, self._options.batch_size
        prompt = torch.full((120,), loaded.pad_id)
        taken = []
        for _ in range(self._options.repeats):
            inputs = text_alone(loaded.model, [prompt] * rows, loaded.pad_id)
            start = self._clock()
            write_replies(loaded.model, inputs, Decoding(max_new_tokens=steps), [0] * rows, ())
            taken.append((self._clock() - start) / (steps * rows))
        return 1 / float(statistics.median(taken))

    def _print_mfu(self, loaded: LoadedModel, written: Sequence[Reply], rate: float) -> None:
        """Model operations a second over the GPU's peak: two a weight for each token that must be computed once."""
        vision = sum(p.numel() for name, p in loaded.model.named_parameters() if ".visual." in name)
        language = sum(p.numel() for p in loaded.model.parameters()) - vision
        per_video = {32: 0, 2: 0}
        side = GPU_SIDE * GPU_SIDE * 9 // 16 // (28 * 28)
        for frames in per_video:
            merged = frames // 2 * side
            per_video[frames] = 2 * language * merged + 2 * vision * 4 * merged
        text = sum(reply.completion_tokens + 60 for reply in written) * 2 * language
        operations = len(self._requests) * sum(per_video.values()) + text
        share = operations / (len(written) / rate) / (self._options.peak_tflops * 1e12)
        print(
            json.dumps({"name": "generation: MFU", "figure": round(share, 4), "peak_tflops": self._options.peak_tflops})
        )

    def _clock(self) -> float:
        if self._device == "cpu":
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()

    def _unit(self, what: str) -> str:
        return f"{what}/{'CPU-s' if self._device == 'cpu' else 's'}"


def requests_about(path: Path, decoding: Decoding, dense: int, sparse: int) -> list[Request]:
    """Aligned answers on `dense` frames and adversaries on `sparse` ones, for ten queries."""
    prompts = PromptLibrary("compact")
    requests: list[Request] = []
    info = probe(path, (path.parent,))
    much, little = (
        Clip(info.video_id, path, plan_frames(info, SamplingSpec("count", count), role))
        for role, count in (("dense", dense), ("sparse", sparse))
    )
    for number, (mode, category) in enumerate(split_queries(10, None, info.video_id)):
        query = f"What can be said about {category.replace('_', ' ')} here?"
        given = {"query": query, "duration": info.duration}
        name = f"{info.video_id[:12]}/{number}"
        prompt = prompts.render(f"aligned/{mode}", mode=mode, category=category, **given)
        requests.append(Request(name, prompt, much, decoding))
        for slot in adversary_slots(name, mode, 3):
            strategy = slot.strategy(0)
            template = f"adversary/{slot.mode}/{strategy}"
            prompt = prompts.render(template, mode=slot.mode, strategy=strategy, **given)
            requests.append(Request(f"{name}/{slot.slot}", prompt, little, decoding))
    return requests


def plain(loaded: LoadedModel, reader: FrameReader, size: int, max_side: int | None) -> Method:
    """`size` requests at a time, each from the file to the text: no code of the engine."""
    tokenizer = loaded.processor.tokenizer

    def answer(requests: Sequence[Request]) -> Texts:
        chats: list[list[dict[str, Any]]] = [
            [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": request.prompt.text}]}]
            for request in requests
        ]
        clips = [request.clip for request in requests if request.clip is not None]
        inputs = loaded.processor(
            text=[loaded.processor.apply_chat_template(c, tokenize=False, add_generation_prompt=True) for c in chats],
            videos=[torch.from_numpy(load_frames(clip, reader, max_side)).permute(0, 3, 1, 2) for clip in clips],
            video_metadata=[video_metadata(clip.plan) for clip in clips],
            do_sample_frames=False,
            padding=True,
            padding_side="left",
            return_tensors="pt",
        ).to(loaded.model.device)
        if "pixel_values_videos" in inputs:
            inputs["pixel_values_videos"] = inputs["pixel_values_videos"].to(loaded.model.dtype)
        new = requests[0].decoding.max_new_tokens
        with torch.inference_mode():
            output = loaded.model.generate(**inputs, do_sample=False, max_new_tokens=new)
        written = output[:, inputs["input_ids"].shape[1] :]
        decoded = tokenizer.batch_decode(written, skip_special_tokens=True)
        return {request.request_id: text.strip() for request, text in zip(requests, decoded, strict=True)}

    def answer_all(requests: list[Request]) -> Texts:
        found: Texts = {}
        for start in range(0, len(requests), size):
            found |= answer(requests[start : start + size])
        return found

    return answer_all


def _forgetful(engine: TransformersEngine) -> TransformersEngine:
    """The engine without what it remembers of videos, so that each repeat pays for them."""
    engine._store.clear()
    return engine


def _texts(replies: Iterable[Reply]) -> Texts:
    return {reply.request_id: reply.text for reply in replies}


def _print_run(folder: Path, videos: int) -> None:
    """A project is run on one video, which loads everything; then on new ones, which counts."""
    from resources.engine_work import engine_work
    from videopasta_assets.cli.main import command_line
    from videopasta_assets.engines import transformers_engine

    gpu = torch.cuda.is_available()
    clock = time.perf_counter if gpu else time.process_time
    # What the engine says of its work is then by the same clock as the whole.
    transformers_engine.time = SimpleNamespace(perf_counter=clock)  # type: ignore[assignment]

    def command(*arguments: str) -> None:
        try:
            command_line([*arguments, "--project", str(folder)])
        except SystemExit as ended:
            if ended.code:
                raise

    try:
        command_line(["init", str(folder), "--preset", "embedded"])
    except SystemExit as ended:
        if ended.code:
            raise
    command("toyworld", "--videos", "1", "--benchmark-videos", "0")
    command("run", "--no-train")
    command("toyworld", "--videos", str(videos), "--benchmark-videos", "0", "--seed", "1")
    before, start = engine_work(), clock()
    command("run", "--no-train")
    whole, work = clock() - start, engine_work() - before
    models = work.busy_seconds + work.waiting_seconds
    figure = {
        "name": "generation: share of a run in which no model works",
        "figure": round(1 - models / whole, 3),
        "unit": "of the time" if gpu else "of the processor time",
        "seconds": round(whole, 1),
        "model_seconds": round(models, 1),
        "idle_share": round(work.idle_share, 4),
        "goal": 0.05,
    }
    print(json.dumps(figure))


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
