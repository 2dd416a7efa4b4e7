"""Seconds a pair of a DPO run, against TRL's own loop on the same pairs, machine and model.

    python benchmarks/training.py [--model FOLDER] [--videos 8] [--queries 10] [--baseline-pairs 32] [--growth]
    python benchmarks/training.py --random 7b --side 448 --frames 32 --videos 4     # on a GPU

The pairs are the recipe's shape: ten questions a video, three adversaries a question (toyworld videos, the embedded
model, 16 frames). The baseline is the recipe that people use to get video through TRL: a collator that emits
`[chosen; rejected]` rows with pixels, vision tower and reference in every step. It is spared the decoding: its
pixels are cached. Every other run is a whole `train_dpo`, from decoding to the saved adapter. Pictures are enlarged
to `--side` pixels, because a real model spends most of its tokens on video. On a CPU, seconds are CPU seconds.

`--growth` also tells the cost of a pair as more pairs of a video are trained on. `--random` takes a model of a
published shape with random weights; a GPU's utilization (by `accounting.py`) and peak memory are told too.

The last line is one JSON object; `ratio` is baseline over packed with all pairs of a video together.
"""

import argparse
import json
import random
import shutil
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from random_model import save_random_model

from videopasta_assets.embedded import MODEL_DIR
from videopasta_assets.engines.clip_prefix import PIXELS
from videopasta_assets.prompts import PromptLibrary
from videopasta_assets.recipes import adversary_slots, split_queries
from videopasta_assets.toyworld.claims import answer_text
from videopasta_assets.toyworld.falsify import falsify
from videopasta_assets.toyworld.folder import read_truth, write_folder
from videopasta_assets.toyworld.questions import sample_question, true_answer
from videopasta_assets.training import TrainingConfig, TrainingPair
from videopasta_assets.training.accounting import PEAK_FLOPS, backward_flops, forward_flops
from videopasta_assets.training.arguments import training_arguments
from videopasta_assets.training.base import load_base
from videopasta_assets.training.encoding import EncodedPair, PairEncoder
from videopasta_assets.training.libraries import DPOTrainer
from videopasta_assets.training.lora import lora_config
from videopasta_assets.training.rows import plain_rows
from videopasta_assets.training.shapes import ModelShape, packed_row
from videopasta_assets.training.train import train_dpo
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.plan import SamplingSpec, plan_frames
from videopasta_assets.video.probe import probe
from videopasta_assets.video.reader import FrameReader, get_reader

GOAL = 10.0


def toyworld_pairs(folder: Path, videos: int, queries: int, frames: int = 16, seed: int = 0) -> list[TrainingPair]:
    """True answers against false ones, three adversaries a question, one in each mode."""
    prompts = PromptLibrary("compact")
    pairs: list[TrainingPair] = []
    for path in write_folder(folder / "videos", folder / "truth", videos, seed, "pairs"):
        info = probe(path, (path.parent,))
        clip = Clip(info.video_id, path, plan_frames(info, SamplingSpec("count", frames), "dense"))
        scene = read_truth(folder / "truth", info.video_id)
        assert scene is not None
        rng = random.Random(info.video_id)
        for number, (_, category) in enumerate(split_queries(queries, None, info.video_id)):
            question = sample_question(scene, category, rng)
            if question is None:
                continue
            prompt = prompts.render(
                f"aligned/{question.mode}",
                mode=question.mode,
                category=category,
                query=question.text,
                duration=info.duration,
            )
            chosen = answer_text(true_answer(scene, question))
            for slot in adversary_slots(f"{info.video_id}/{number}", question.mode, 3):
                rejected = answer_text(falsify(scene, question, slot.strategy(0), rng))
                name = f"{info.video_id[:12]}/{number}/{slot.slot}"
                if rejected != chosen:
                    pairs.append(TrainingPair(name, clip, prompt, chosen, rejected, slot.mode))
    return pairs


class StockTrainer(DPOTrainer):  # type: ignore[misc]
    """TRL as it is; only its preparation of text columns is switched off."""

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset

    def _send_telemetry(self) -> None:
        pass


def stock_seconds(pairs: list[TrainingPair], model: Path, reader: FrameReader, config: TrainingConfig) -> float:
    """Seconds a pair of TRL's loop."""
    loaded = load_base(model, config)
    encoder = PairEncoder(loaded, reader)
    encoded = [encoder.encode(pair) for pair in pairs]
    pixels = cache(lambda index: encoder.prefix(pairs[index].clip).vision[PIXELS])
    for index in range(len(pairs)):
        pixels(index)

    def collate(rows: list[dict[str, int]]) -> dict[str, torch.Tensor]:
        indices = [row["pair"] for row in rows]
        inputs = plain_rows([encoded[index] for index in indices], encoder).inputs
        completion = torch.zeros_like(inputs["attention_mask"])
        for row, (index, side) in enumerate((index, side) for side in ("chosen", "rejected") for index in indices):
            start, length = len(encoded[index].prompt_ids), len(getattr(encoded[index], f"{side}_ids"))
            completion[row, start : start + length] = 1
        return {
            **inputs,
            "completion_mask": completion,
            "pixel_values_videos": torch.cat([pixels(index) for index in indices + indices]),
        }

    with tempfile.TemporaryDirectory() as output:
        arguments = training_arguments(config, [[()]] * (len(pairs) // config.batch_size), Path(output))
        arguments.save_strategy = "no"
        trainer = StockTrainer(
            model=loaded.model,
            args=arguments,
            processing_class=loaded.processor.tokenizer,
            train_dataset=Dataset.from_dict({"pair": list(range(len(pairs)))}),
            data_collator=collate,
            peft_config=lora_config(loaded.model, r=config.lora_r, alpha=config.lora_alpha, dropout=0.0),
        )
        started = clock()
        trainer.train()
        return (clock() - started) / (len(pairs) // config.batch_size * config.batch_size)


def at_side(model: Path, side: int, folder: Path) -> Path:
    """A copy of the model whose processor takes larger pictures: more video tokens, same weights."""
    shutil.copytree(model, folder)
    file = folder / "processor_config.json"
    processor = json.loads(file.read_text())
    processor["video_processor"]["size"] = {"shortest_edge": side * side, "longest_edge": side * side}
    file.write_text(json.dumps(processor))
    return folder


def our_seconds(
    pairs: list[TrainingPair], model: Path, reader: FrameReader, config: TrainingConfig
) -> tuple[float, dict[str, float]]:
    """Seconds a pair of a whole run, and its rewards."""
    started = clock()
    with tempfile.TemporaryDirectory() as output:
        result = train_dpo(config, pairs, model, Path(output), reader)
    return (clock() - started) / len(pairs), dict(result.metrics)


def first_of_each_video(pairs: list[TrainingPair], count: int) -> list[TrainingPair]:
    """At most `count` pairs of each video."""
    taken: dict[str, list[TrainingPair]] = {}
    for pair in pairs:
        own = taken.setdefault(pair.clip.key, [])
        if len(own) < count:
            own.append(pair)
    return [pair for own in taken.values() for pair in own]


def print_growth(
    pairs: list[TrainingPair], model: Path, reader: FrameReader, base: TrainingConfig, baseline: float
) -> dict[int, float]:
    """Seconds a pair when 1, 3, 10 and 30 pairs of each video are trained on, all of a video in one step."""
    seconds = {}
    for count in (1, 3, 10, 30):
        some = first_of_each_video(pairs, count)
        together = {"pairs_per_video": count, "batch_size": max(8, count), "micro_batch_size": max(8, count)}
        config = base.model_copy(update={"layout": "packed", **together})
        seconds[count] = our_seconds(some, model, reader, config)[0]
        print(f"{count:3} pairs a video {seconds[count]:28.4f} s a pair, {baseline / seconds[count]:5.1f}x")
    return seconds


def print_utilization(sample: EncodedPair, model: Path, seconds: float) -> None:
    """What the time of a packed pair, thirty of a video, means on this GPU."""
    from transformers import AutoConfig

    shape = ModelShape.of(AutoConfig.from_pretrained(model))
    shared = int(sample.prompt_types.nonzero()[-1]) + 1
    questions = [(len(sample.prompt_ids) - shared, [len(sample.chosen_ids)] * 4)] * 10
    row = packed_row(shared, questions)
    flops = (2 * forward_flops(shape, row, 8) + backward_flops(shape, row, 8)) / 30
    peak = next((value for name, value in PEAK_FLOPS.items() if name in torch.cuda.get_device_name().lower()), None)
    share = "" if peak is None else f", {flops / seconds / peak:.0%} of the peak"
    memory = torch.cuda.max_memory_allocated() / 2**30
    print(f"{flops / seconds / 1e12:.0f} TFLOP/s without the vision tower{share}; {memory:.1f} GiB at the most")


def clock() -> float:
    """Seconds: of the wall on a GPU, of this process on a CPU, so that other work on the machine does not count."""
    return time.perf_counter() if torch.cuda.is_available() else time.process_time()


def main() -> None:
    """Run the baseline and three of ours; print a table and one JSON line."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--model", type=Path, default=MODEL_DIR)
    arguments.add_argument("--videos", type=int, default=8)
    arguments.add_argument("--queries", type=int, default=10)
    arguments.add_argument("--baseline-pairs", type=int, default=32)
    arguments.add_argument("--side", type=int, default=128, help="pixels; 48 is the embedded model's own")
    arguments.add_argument("--learning-rate", type=float, default=2e-4)
    arguments.add_argument("--frames", type=int, default=16)
    arguments.add_argument("--growth", action="store_true")
    arguments.add_argument("--random", choices=("tiny", "3b", "7b"), help="shape of a model with random weights")
    given = arguments.parse_args()
    base = TrainingConfig(learning_rate=given.learning_rate, lora_dropout=0.0, save_steps=10_000)
    with tempfile.TemporaryDirectory() as folder:
        pairs = toyworld_pairs(Path(folder), given.videos, given.queries, given.frames)
        base = base.model_copy(update={"scored_pairs": max(3, len(pairs) // 25)})  # 256 of 7,020 is the default's share
        reader = get_reader("auto", [Path(folder) / "videos"])
        source = given.model
        if given.random is not None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
            source = save_random_model(Path(folder) / "random", given.random, device, given.side**2)
        model = at_side(source, given.side, Path(folder) / "model")
        few = random.Random(0).sample(pairs, min(len(pairs), given.baseline_pairs))
        baseline = stock_seconds(
            few,
            model,
            reader,
            base.model_copy(update={"layout": "plain", "batch_size": min(base.batch_size, len(few))}),
        )
        print(f"{'stock TRL':38} {baseline:8.4f} s a pair ({len(few)} pairs)")
        settings = {
            "plain, one pair a video": {"layout": "plain", "pairs_per_video": 1},
            "packed, four pairs a video": {"layout": "packed"},
            "packed, all pairs of a video": {
                "layout": "packed",
                "pairs_per_video": 30,
                "batch_size": 32,
                "micro_batch_size": 32,
            },
        }
        encoder = PairEncoder(load_base(model, base), reader)
        sample = encoder.encode(pairs[0])
        video = int((sample.prompt_types != 0).sum())
        print(
            f"{video} video tokens, {len(sample.prompt_ids) - video} of the question, {len(sample.chosen_ids)} chosen"
        )
        for name, update in settings.items():
            seconds, metrics = our_seconds(pairs, model, reader, base.model_copy(update=update))
            print(
                f"{name:38} {seconds:8.4f} s a pair ({len(pairs)} pairs), {baseline / seconds:5.1f}x, "
                f"reward accuracy {metrics['reward_accuracy']:.2f}, margin {metrics['reward_margin']:.3f}"
            )
        growth = print_growth(pairs, model, reader, base, baseline) if given.growth else {}
        if torch.cuda.is_available():
            print_utilization(sample, model, seconds)
    print(
        json.dumps(
            {
                "name": "dpo_seconds_per_pair",
                "figure": round(seconds, 5),
                "unit": "s/pair",
                "baseline": round(baseline, 5),
                "ratio": round(baseline / seconds, 2),
                "goal": GOAL,
                "growth": {count: round(value, 5) for count, value in growth.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
