"""Many question-answer pairs of one video in one sequence.

A packed row is `prefix | branch | branch | ...`: the prefix holds the video, each branch one exchange. A branch sees
the prefix and itself alone, and its positions continue from the prefix's: it computes what the stock forward computes
for that exchange by itself, while the video is encoded once.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

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
    EmbeddedModel,
)
from videopasta_assets.embedded.pointers import Pointer

TAPPED_LAYER: Final = 1
"""Lower layer after which a video token should know the second that it shows."""

CONTRAST_LAYER: Final = 2
"""Layer after which a word of one text should know whether it differs from the text that it is compared with."""

POINTING_LAYERS: Final = (2, 3)
"""Layers whose first head is taught where the next word is to be seen."""


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

    `labels` has one row for each video token: what `toyworld.render.cell_labels` says of it.
    """

    frames: NDArray[np.uint8] | None
    duration: float
    exchanges: tuple[Exchange, ...]
    labels: NDArray[np.float32] | None = None


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
    pointers: tuple[Pointers, ...]


@dataclass(frozen=True)
class States:
    """What a packed forward leaves.

    `last`, `lower` and `middle` are hidden states (L, width) after the last layer, `TAPPED_LAYER` and `CONTRAST_LAYER`,
    `features` the video tokens, `pointing` the mean negative log of the attention that the pointing heads give to what they should look at.
    """

    last: torch.Tensor
    lower: torch.Tensor
    middle: torch.Tensor
    features: torch.Tensor | None
    pointing: torch.Tensor


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
            positions += [np.full((3, 1), at), volume + at + 1, np.full((3, 1), at + 1 + max(h, w))]
            at += 2 + max(h, w)
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


def encode_frames(model: EmbeddedModel, patches: torch.Tensor, side: int) -> torch.Tensor:
    """The vision tower on frame pairs that all have `side` x `side` patches, in one batched pass.

    Equal to `model.model.visual` when every block attends over its whole frame; the stock forward loops over frames.
    """
    visual = model.model.visual
    per_frame = side * side
    hidden = visual.patch_embed(patches).view(-1, per_frame, visual.config.hidden_size)
    cos, sin = _vision_rotary(model, side)
    heads = visual.config.num_heads
    for block in visual.blocks:
        normed = block.norm1(hidden)
        qkv = block.attn.qkv(normed).view(len(hidden), per_frame, 3, heads, -1).permute(2, 0, 3, 1, 4)
        query, key = _rotate(qkv[0], cos, sin), _rotate(qkv[1], cos, sin)
        mixed = _mixed(query, key, qkv[2])
        hidden = hidden + block.attn.proj(mixed.transpose(1, 2).reshape(len(hidden), per_frame, -1))
        hidden = hidden + block.mlp(block.norm2(hidden))
    merged: torch.Tensor = visual.merger(hidden.view(-1, visual.config.hidden_size))
    return merged


def _rotate(states: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    half = states.shape[-1] // 2
    return states * cos + torch.cat((-states[..., half:], states[..., :half]), -1) * sin


def _vision_rotary(model: EmbeddedModel, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import get_vision_position_ids

    visual = model.model.visual
    positions = get_vision_position_ids(torch.tensor([[1, side, side]]), visual.spatial_merge_size)
    cos, sin = visual.rotary_pos_emb(torch.zeros(1), positions)
    return cos, sin


def hidden_states(model: EmbeddedModel, batch: Batch, side: int = 6) -> States:
    """The forward of a packed batch.

    The layers are the model's own; only attention is arranged by groups, which costs a fifth of one masked square.
    """
    hidden = model.get_input_embeddings()(batch.tokens)
    features = None
    if batch.patches is not None:
        features = encode_frames(model, batch.patches, side)
        where = (batch.tokens == model.config.video_token_id).unsqueeze(-1)
        hidden = hidden.masked_scatter(where, features.to(hidden.dtype))
    language = model.model.language_model
    heads = language.config.num_attention_heads
    cos, sin = language.rotary_emb(hidden, batch.positions[:, None])
    cos, sin = cos[0, :, None], sin[0, :, None]
    tapped = middle = hidden
    pointing: list[torch.Tensor] = []
    for index, layer in enumerate(language.layers):
        normed = layer.input_layernorm(hidden)
        attention = layer.self_attn
        query = _rotate(attention.q_proj(normed).view(len(hidden), heads, -1), cos, sin).flatten(1)
        key = _rotate(attention.k_proj(normed).view(len(hidden), heads, -1), cos, sin).flatten(1)
        value = attention.v_proj(normed)
        if index in POINTING_LAYERS:
            pointing += [_pointing_loss(query, key, pointers, heads) for pointers in batch.pointers]
        mixed = torch.cat([_attend(query, key, value, group, heads) for group in batch.groups])
        hidden = hidden + attention.o_proj(mixed.index_select(0, batch.order))
        hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
        tapped = hidden if index == TAPPED_LAYER else tapped
        middle = hidden if index == CONTRAST_LAYER else middle
    missed = torch.cat(pointing).mean() if pointing else torch.zeros(())
    return States(language.norm(hidden), tapped, middle, features, missed)


def _pointing_loss(query: torch.Tensor, key: torch.Tensor, pointers: Pointers, heads: int) -> torch.Tensor:
    """Negative log of the first head's attention on the right video tokens; (k,)."""
    width = query.shape[1] // heads
    scores = (query[pointers.looking, :width] @ key[pointers.row, :width].T).float() / width**0.5
    scores = scores.masked_fill(~pointers.visible, -torch.inf)
    right = scores.masked_fill(~pointers.target, -torch.inf).logsumexp(-1)
    missed: torch.Tensor = scores.logsumexp(-1) - right
    return missed


def _attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, group: Group, heads: int) -> torch.Tensor:
    def gathered(states: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        return states.index_select(0, index.flatten()).view(*index.shape, heads, -1).transpose(1, 2)

    mixed = _mixed(gathered(query, group.queries), gathered(key, group.keys), gathered(value, group.keys), group.mask)
    return mixed.transpose(1, 2).flatten(2)[group.valid]


def _mixed(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Attention in float32 also under autocast: on a CPU its bfloat16 kernel is four times slower."""
    with torch.autocast("cpu", enabled=False):
        return torch.nn.functional.scaled_dot_product_attention(
            query.float(), key.float(), value.float(), attn_mask=mask
        )


def packed_loss(states: States, model: EmbeddedModel, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Weighted mean cross-entropy over reply tokens, and their plain accuracy."""
    weights = batch.weights[1:]
    chosen = weights > 0
    logits = model.lm_head(states.last[:-1][chosen]).float()
    targets = batch.tokens[1:][chosen]
    losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    scale = weights[chosen]
    return (losses * scale).sum() / scale.sum(), (logits.argmax(-1) == targets).float().mean().detach()
