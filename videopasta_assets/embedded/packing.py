"""Many question-answer pairs of one video in one sequence.

A packed row is `prefix | branch | branch | ...`: the prefix holds the video, each branch one exchange. A branch sees
the prefix and itself alone, and its positions continue from the prefix's: it computes what the stock forward computes
for that exchange by itself, while the video is encoded once.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from videopasta_assets.embedded.architecture import (
    MEAN,
    MERGE,
    PATCH,
    STD,
    TEMPORAL_PATCH,
    TOKENS_PER_SECOND,
)
from videopasta_assets.embedded.pointers import Pointer


@dataclass(frozen=True)
class Exchange:
    """What is asked after the video, and the reply; `weight` scales its loss.

    `pointers` tells for words of the reply which video tokens show them, `marks` for spans (start, end) of the prompt's
    characters whether they differ from what they are compared with.
    """

    prompt: str
    reply: str
    weight: float = 1.0
    pointers: tuple[Pointer, ...] = ()
    marks: tuple[tuple[int, int, bool], ...] = ()


@dataclass(frozen=True)
class Pack:
    """Frames uint8 (T, H, W, 3) or None, the video's seconds, the exchanges about it, and its cells' labels.

    `labels` has one row for each video token: what `toyworld.render.cell_labels` says of it; `story` one for each pair
    of frames: what `toyworld.story.story_labels` says of it.
    """

    frames: NDArray[np.uint8] | None
    duration: float
    exchanges: tuple[Exchange, ...]
    labels: NDArray[np.float32] | None = None
    story: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class PackedRow:
    """One tokenised pack.

    `branch` is 0 on the prefix, `positions` has shape (3, L), `weights` is 0 off the replies, `seconds` is the whole
    second that a video token shows (-1 off the video), and `marks` is 1 where a text differs from another, 0 where it
    does not, -1 elsewhere.
    """

    tokens: NDArray[np.int64]
    positions: NDArray[np.int64]
    branch: NDArray[np.int16]
    weights: NDArray[np.float32]
    seconds: NDArray[np.int64]
    marks: NDArray[np.int64]
    patches: NDArray[np.float32] | None
    grid: tuple[int, int, int] | None
    labels: NDArray[np.float32] | None
    story: NDArray[np.float32] | None
    pointers: tuple[tuple[int, NDArray[np.bool_]], ...]


@dataclass(frozen=True)
class Group:
    """Spans of similar length that attend together: flat token indices of queries (n, q) and keys (n, k).

    `mask` has shape (n, 1, q, k); `valid` marks the queries that are no padding.
    """

    queries: torch.Tensor
    keys: torch.Tensor
    mask: torch.Tensor
    valid: torch.Tensor


@dataclass(frozen=True)
class Pointers:
    """Of one row of n tokens: who looks (k,), the token indices (n,), what each may see and should see (k, n)."""

    looking: torch.Tensor
    row: torch.Tensor
    visible: torch.Tensor
    target: torch.Tensor


@dataclass(frozen=True)
class Batch:
    """Rows laid end to end, without padding: tokens (L,), positions (3, L), and who attends to whom.

    `order` puts the groups' valid queries, one after the other, back into token order.
    """

    tokens: torch.Tensor
    positions: torch.Tensor
    weights: torch.Tensor
    seconds: torch.Tensor
    marks: torch.Tensor
    groups: tuple[Group, ...]
    order: torch.Tensor
    patches: torch.Tensor | None
    labels: torch.Tensor | None
    story: torch.Tensor | None
    pointers: tuple[Pointers, ...]


def patchify(frames: NDArray[np.uint8]) -> tuple[NDArray[np.float32], tuple[int, int, int]]:
    """Patches as Qwen2VLVideoProcessor lays them out (without resizing), and the grid (t, h, w)."""
    if len(frames) % TEMPORAL_PATCH:
        frames = np.concatenate([frames, frames[-1:]])
    pixels = (frames.astype(np.float32) / 255 - np.asarray(MEAN, np.float32)) / np.asarray(STD, np.float32)
    t, h, w = len(frames) // TEMPORAL_PATCH, frames.shape[1] // PATCH, frames.shape[2] // PATCH
    patches = pixels.transpose(0, 3, 1, 2).reshape(
        t, TEMPORAL_PATCH, 3, h // MERGE, MERGE, PATCH, w // MERGE, MERGE, PATCH
    )
    patches = patches.transpose(0, 3, 6, 4, 7, 2, 1, 5, 8)
    return np.ascontiguousarray(patches.reshape(t * h * w, -1)), (t, h, w)


class Packer:
    """Tokenises packs and lays them end to end."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._encode = tokenizer.backend_tokenizer.encode
        self._pad = int(tokenizer.pad_token_id or 0)
        self._video = self.ids("<|video_pad|>")
        self._head = self.ids("<|im_start|>user\n")
        self._vision = (self.ids("<|vision_start|>"), self.ids("<|vision_end|>"))

    def ids(self, text: str) -> list[int]:
        return list(self._encode(text, add_special_tokens=False).ids)

    def row(self, pack: Pack) -> PackedRow:
        tokens = list(self._head)
        positions = [np.tile(np.arange(len(tokens)), (3, 1))]
        at = len(tokens)
        patches, grid = None, None
        seconds = np.full(len(tokens), -1)
        if pack.frames is not None:
            patches, grid = patchify(pack.frames)
            t, h, w = grid[0], grid[1] // MERGE, grid[2] // MERGE
            tokens += [*self._vision[0], *self._video * (t * h * w), *self._vision[1]]
            interval = np.float32(TOKENS_PER_SECOND) * np.float32(TEMPORAL_PATCH * pack.duration / len(pack.frames))
            times = (np.arange(t, dtype=np.float32) * interval).astype(np.int64)
            volume = np.stack(np.meshgrid(times, np.arange(h), np.arange(w), indexing="ij")).reshape(3, -1)
            # The text goes on after the video's last moment, as Qwen2.5-VL was trained (arXiv:2409.12191, section 2.1).
            after = at + 1 + max(int(times[-1]) + 1, h, w)
            positions += [np.full((3, 1), at), volume + at + 1, np.full((3, 1), after)]
            at = after + 1
            shown = ((np.arange(t) + 0.5) * TEMPORAL_PATCH * pack.duration / len(pack.frames) + 0.5).astype(np.int64)
            seconds = np.concatenate([seconds, [-1], np.repeat(shown, h * w), [-1]])
        branch = [np.zeros(len(tokens), np.int16)]
        weights = [np.zeros(len(tokens), np.float32)]
        marks = [np.full(len(tokens), -1)]
        looking: list[tuple[int, NDArray[np.bool_]]] = []
        for number, exchange in enumerate(pack.exchanges, 1):
            prompt = self._encode(f"{exchange.prompt}<|im_end|>\n<|im_start|>assistant\n", add_special_tokens=False)
            reply = self._encode(f"{exchange.reply}<|im_end|>", add_special_tokens=False)
            asked = len(prompt.ids)
            length = asked + len(reply.ids)
            for pointer in exchange.pointers:
                word = next(i for i, (_, end) in enumerate(reply.offsets) if end > pointer.start)
                looking.append((len(tokens) + asked + word - 1, pointer.mask))
            tokens += [*prompt.ids, *reply.ids]
            positions.append(np.tile(np.arange(at, at + length), (3, 1)))
            branch.append(np.full(length, number, np.int16))
            weight = np.zeros(length, np.float32)
            weight[asked:] = exchange.weight
            weights.append(weight)
            marks.append(_marks(exchange, prompt.offsets, length))
        return PackedRow(
            np.asarray(tokens, np.int64),
            np.concatenate(positions, 1).astype(np.int64),
            np.concatenate(branch),
            np.concatenate(weights),
            np.pad(seconds, (0, len(tokens) - len(seconds)), constant_values=-1),
            np.concatenate(marks),
            patches,
            grid,
            pack.labels,
            pack.story,
            tuple(looking),
        )

    def batch(self, rows: list[PackedRow]) -> Batch:
        spans: dict[int, list[tuple[range, range]]] = {}
        base = 0
        pointers = []
        for row in rows:
            if row.pointers:
                pointers.append(_pointers(row, base))
            bounds = [0, *(np.flatnonzero(np.diff(row.branch)) + 1).tolist(), len(row.branch)]
            prefix = range(base, base + bounds[1])
            for index, (start, end) in enumerate(pairwise(bounds)):
                seen = range(0) if index == 0 else prefix
                spans.setdefault(_rounded(end - start), []).append((seen, range(base + start, base + end)))
            base += len(row.tokens)
        groups = tuple(_group(found) for found in spans.values())
        flat = torch.cat([group.queries[group.valid] for group in groups])
        patches = [row.patches for row in rows if row.patches is not None]
        labels = [row.labels for row in rows if row.labels is not None]
        stories = [row.story for row in rows if row.story is not None]
        return Batch(
            torch.from_numpy(np.concatenate([row.tokens for row in rows])),
            torch.from_numpy(np.concatenate([row.positions for row in rows], 1)),
            torch.from_numpy(np.concatenate([row.weights for row in rows])),
            torch.from_numpy(np.concatenate([row.seconds for row in rows])),
            torch.from_numpy(np.concatenate([row.marks for row in rows])),
            groups,
            torch.argsort(flat),
            torch.from_numpy(np.concatenate(patches)) if patches else None,
            torch.from_numpy(np.concatenate(labels)) if labels else None,
            torch.from_numpy(np.concatenate(stories)) if stories else None,
            tuple(pointers),
        )


def _marks(exchange: Exchange, offsets: list[tuple[int, int]], length: int) -> NDArray[np.int64]:
    marks = np.full(length, -1)
    for start, end, differs in exchange.marks:
        for token, (_, last) in enumerate(offsets):
            if start < last <= end:
                marks[token] = differs
    return marks


def _pointers(row: PackedRow, base: int) -> Pointers:
    at = np.asarray([index for index, _ in row.pointers])
    tokens = np.arange(len(row.tokens))
    own = (row.branch[None] == row.branch[at][:, None]) & (tokens[None] <= at[:, None])
    target = np.zeros((len(at), len(tokens)), bool)
    target[:, row.seconds >= 0] = np.stack([mask for _, mask in row.pointers])
    return Pointers(
        torch.from_numpy(base + at),
        torch.from_numpy(base + tokens),
        torch.from_numpy(own | (row.branch[None] == 0)),
        torch.from_numpy(target),
    )


def _rounded(length: int) -> int:
    """Bucket of a span's length, so that padding wastes little."""
    return next((size for size in (24, 36, 48, 64, 80, 112, 144, 192) if length <= size), length)


def _group(spans: list[tuple[range, range]]) -> Group:
    widest = max(len(own) for _, own in spans)
    prefix = max(len(seen) for seen, _ in spans)
    queries = np.zeros((len(spans), widest), np.int64)
    keys = np.zeros((len(spans), prefix + widest), np.int64)
    mask = np.zeros((len(spans), 1, widest, prefix + widest), bool)
    mask[..., prefix:] = np.tril(np.ones((widest, widest), bool))
    valid = np.zeros((len(spans), widest), bool)
    for i, (seen, own) in enumerate(spans):
        queries[i, : len(own)] = own
        keys[i, : len(seen)] = seen
        keys[i, prefix : prefix + len(own)] = own
        mask[i, :, :, : len(seen)] = True
        valid[i, : len(own)] = True
    return Group(torch.from_numpy(queries), torch.from_numpy(keys), torch.from_numpy(mask), torch.from_numpy(valid))
