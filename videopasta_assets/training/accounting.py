"""Arithmetic and memory of a training run, counted from shapes: what a GPU would need, before there is one.

    python -m videopasta_assets.training.accounting --model 7b --frames 32 --pairs 7020 --videos 3000

Counts are of the code in this package and of stock TRL rows; tests compare them with what torch measures on small
models. Seconds are counts divided by a *named GPU's published dense bfloat16 peak* and an *assumed* utilization: they
say what is plausible, not what was seen.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from videopasta_assets.training.shapes import SHAPES, ClipShape, ModelShape, RowShape, packed_row, plain_row

Layout = Literal["stock", "plain", "packed"]
"""`stock` is TRL's loop: rows of their own, vision tower and reference in every step."""

FLASH_BACKWARD: Final = 2.5
"""Attention's backward pass over its forward pass: kernels compute the scores again. Without that it is 2."""

PEAK_FLOPS: Final = {"h200": 989e12, "h100": 989e12, "a100": 312e12, "l40s": 362e12}
"""Dense bfloat16 operations a second, from the makers' data sheets (SXM where there are several)."""

GPU_BYTES: Final = {"h200": 141e9, "h100": 80e9, "a100": 80e9, "l40s": 48e9}

_GIB: Final = 1024**3


@dataclass(frozen=True)
class Work:
    """A video with its questions; lengths in tokens.

    Attributes:
        beginning: text before the video.
        question: text after it.
        response: of one response.
        pairs: for each question of the video, how many pairs; they share the chosen response.
    """

    clip: ClipShape
    pairs: tuple[int, ...]
    beginning: int = 16
    question: int = 64
    response: int = 80

    @property
    def total(self) -> int:
        """Pairs of the video."""
        return sum(self.pairs)


def rows_of(layout: Layout, model: ModelShape, work: Work) -> list[RowShape]:
    """The rows that all pairs of a video make in one step."""
    shared = work.beginning + work.clip.tokens(model.vision)
    if layout == "packed":
        return [packed_row(shared, [(work.question, [work.response] * (1 + pairs)) for pairs in work.pairs])]
    return [plain_row(shared + work.question, work.response)] * (2 * work.total)


def forward_flops(model: ModelShape, row: RowShape, rank: int) -> int:
    """Of the language model with its adapter; a multiply-add counts two."""
    language = model.language
    linear = 2 * row.tokens * (language.layers * language.linear_weights + language.lora_weights(rank))
    attention = 4 * row.attended * language.query_width * language.layers
    return linear + attention + 2 * row.predicted * language.hidden * language.vocabulary


def backward_flops(
    model: ModelShape, row: RowShape, rank: int, *, recomputed: bool = False, attention: float = FLASH_BACKWARD
) -> int:
    """Of the same, down to the adapters: frozen weights need the gradient of their input only.

    Args:
        recomputed: gradient checkpointing: every layer's forward pass is done again.
        attention: backward over forward pass of the attention kernel.
    """
    language = model.language
    adapter = 4 * row.tokens * language.lora_weights(rank)
    linear = 2 * row.tokens * language.layers * language.linear_weights
    scores = int(attention * 4 * row.attended * language.query_width * language.layers)
    head = 2 * row.predicted * language.hidden * language.vocabulary
    if recomputed:
        return adapter + linear + scores + head + forward_flops(model, row, rank) - head
    # The first layer's input is constant: nothing flows back through its query, key and value projections.
    return adapter + linear + scores + head - 2 * row.tokens * (language.qkv_weights + 3 * rank * language.hidden)


def vision_flops(model: ModelShape, clip: ClipShape) -> int:
    """Of the vision tower's forward pass over a clip."""
    vision = model.vision
    time, height, width = clip.grid(vision)
    patches = clip.patches(vision)
    linear = 2 * patches * (vision.patch_weights + vision.layers * vision.layer_weights)
    in_windows = sum(size**2 for size in clip.windows(vision))
    local = vision.layers - vision.global_layers
    scores = 4 * vision.hidden * time * (local * in_windows + vision.global_layers * (height * width) ** 2)
    return linear + scores + 2 * clip.tokens(vision) * vision.merger_weights


def step_flops(layout: Layout, model: ModelShape, work: Work, rank: int = 8, *, recomputed: bool = False) -> int:
    """Of one pass over all pairs of a video: reference, forward and backward pass, vision tower."""
    rows = rows_of(layout, model, work)
    forward = sum(forward_flops(model, row, rank) for row in rows)
    backward = sum(backward_flops(model, row, rank, recomputed=recomputed) for row in rows)
    passes = 2 * len(rows) if layout == "stock" else 1  # a row each, for the policy and again for the reference
    return 2 * forward + backward + passes * vision_flops(model, work.clip)


def activation_bytes(model: ModelShape, row: RowShape, rank: int, *, half: bool, recomputed: bool = False) -> int:
    """What autograd keeps of a forward pass of the language model, beside the logits.

    Args:
        half: the base in bfloat16 under autocast, adapters in float32; else all in float32.
        recomputed: gradient checkpointing: each layer's input, and one layer in full while it is computed again.
    """
    language = model.language
    kept = 2 * language.hidden + language.heads + 2  # inputs of both norms and their scales, softmax normalizers
    wide = 4 * language.inner + 2 * language.kv_width + 7 * rank
    given = 2 * row.copied * language.query_width + row.masked
    if half:  # autocast makes a copy of its input for each adapted projection
        layer = 4 * row.tokens * kept + 2 * row.tokens * (wide + 3 * language.query_width + 5 * language.hidden)
        layer += 2 * given
    else:
        layer = 4 * (row.tokens * (kept + wide + 2 * language.query_width + 2 * language.hidden) + given)
    width = 2 if half else 4
    layers = layer + language.layers * width * row.tokens * language.hidden if recomputed else language.layers * layer
    return layers + width * row.masked_once


def logit_bytes(model: ModelShape, row: RowShape, *, half: bool) -> int:
    """Of the kept positions' logits in float32, with their gradient and, in half precision, the first copy."""
    return row.predicted * model.language.vocabulary * (8 + (2 if half else 0))


@dataclass(frozen=True)
class Memory:
    """Bytes on the device at the height of a training step, micro-batch of one row."""

    weights: int
    adapter: int
    activations: int
    logits: int
    features: int

    @property
    def total(self) -> int:
        """All of it; the allocator's own loss comes on top."""
        return self.weights + self.adapter + self.activations + self.logits + self.features


def step_memory(layout: Layout, model: ModelShape, work: Work, rank: int = 8, *, recomputed: bool = False) -> Memory:
    """Of a step in bfloat16: frozen weights, adapter with gradient and Adam's moments in float32, the widest row.

    Stock rows come two at a time: TRL's smallest batch is one pair.
    """
    row = max(rows_of(layout, model, work), key=lambda row: row.tokens)
    at_once = 1 if layout == "packed" else 2
    return Memory(
        weights=2 * model.parameters,
        adapter=16 * model.language.lora_weights(rank),
        activations=at_once * activation_bytes(model, row, rank, half=True, recomputed=recomputed),
        logits=at_once * logit_bytes(model, row, half=True),
        features=at_once * 2 * work.clip.tokens(model.vision) * model.language.hidden,
    )


def epoch_flops(
    layout: Layout, model: ModelShape, work: Work, pairs: int, videos: int, rank: int = 8, *, recomputed: bool = False
) -> int:
    """Of one epoch over `pairs` spread evenly over `videos`, each pair with a question of its own.

    `work` gives the lengths; its own pairs are not read.
    """
    fewer, more = divmod(pairs, videos)
    total = 0
    for each, count in ((fewer, videos - more), (fewer + 1, more)):
        if each and count:
            one = Work(work.clip, (1,) * each, work.beginning, work.question, work.response)
            total += count * step_flops(layout, model, one, rank, recomputed=recomputed)
    return total


def main(arguments: Sequence[str]) -> int:
    """Print the account of a run: a table a layout, and one JSON line of the packed one."""
    parser = argparse.ArgumentParser(prog="python -m videopasta_assets.training.accounting", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--model", choices=sorted(SHAPES), default="7b")
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--height", type=int, default=360, help="of a frame as the processor gets it, in pixels")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--pairs", type=int, default=7020)
    parser.add_argument("--videos", type=int, default=3000)
    parser.add_argument("--question", type=int, default=64, help="tokens")
    parser.add_argument("--response", type=int, default=80, help="tokens")
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--checkpointing", action="store_true", help="gradient checkpointing")
    parser.add_argument("--gpu", choices=sorted(PEAK_FLOPS), default="h200")
    parser.add_argument("--mfu", type=float, default=0.4, help="assumed share of the GPU's peak")
    given = parser.parse_args(arguments)
    if min(given.frames, given.height, given.width, given.pairs, given.videos, given.response, given.rank) < 1:
        parser.error("frames, sides, pairs, videos, response and rank are at least 1")
    if not 0 < given.mfu <= 1:
        parser.error("--mfu is a share of the peak: above 0, at most 1")
    model = SHAPES[given.model]
    clip = ClipShape(given.frames, given.height, given.width)
    per_video = -(-given.pairs // given.videos)
    work = Work(clip, (1,) * per_video, question=given.question, response=given.response)
    peak = PEAK_FLOPS[given.gpu] * given.mfu
    print(  # noqa: T201
        f"Qwen2.5-VL {given.model}: {model.parameters / 1e9:.2f} billion parameters, "
        f"{clip.tokens(model.vision)} video tokens; {given.pairs} pairs of {given.videos} videos, one epoch;\n"
        f"{given.gpu.upper()} at an assumed {given.mfu:.0%} of {PEAK_FLOPS[given.gpu] / 1e12:.0f} TFLOP/s, "
        f"{GPU_BYTES[given.gpu] / _GIB:.0f} GiB"
    )
    print(f"{'layout':8} {'PFLOP':>9} {'minutes':>8} {'pairs/h':>9} {'GiB':>6}  activations, logits")  # noqa: T201
    minutes = 0.0
    for layout in ("stock", "plain", "packed"):
        flops = epoch_flops(layout, model, work, given.pairs, given.videos, given.rank, recomputed=given.checkpointing)
        memory = step_memory(layout, model, work, given.rank, recomputed=given.checkpointing)
        minutes = flops / peak / 60
        print(  # noqa: T201
            f"{layout:8} {flops / 1e15:9.0f} {minutes:8.1f} {given.pairs / minutes * 60:9.0f} "
            f"{memory.total / _GIB:6.1f}  {memory.activations / _GIB:.1f}, {memory.logits / _GIB:.1f}"
        )
    record = {"name": "accounted_epoch_minutes", "figure": round(minutes, 2), "unit": "min", "assumed_mfu": given.mfu}
    print(json.dumps(record))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
