"""The embedded model's forward over packed batches: the stock layers, with attention arranged by groups of branches."""

from dataclasses import dataclass
from typing import Final

import torch

from videopasta_assets.embedded.architecture import EmbeddedModel
from videopasta_assets.embedded.packing import Batch, Group, Pointers

TAPPED_LAYER: Final = 1
"""Lower layer after which a video token should know the second that it shows."""

MIDDLE_LAYER: Final = 2
"""Layer after which a word of one text should know whether it differs from the text that it is compared with, and the
last token of a moment what has happened so far."""

POINTING_LAYERS: Final = (2, 3)
"""Layers whose first head is taught where the next word is to be seen."""


@dataclass(frozen=True)
class States:
    """What a packed forward leaves.

    `last`, `lower` and `middle` are hidden states (L, width) after the last layer, `TAPPED_LAYER` and `MIDDLE_LAYER`,
    `features` the video tokens, `pointing` the mean negative log of the attention that the pointing heads give to what
    they should look at.
    """

    last: torch.Tensor
    lower: torch.Tensor
    middle: torch.Tensor
    features: torch.Tensor | None
    pointing: torch.Tensor


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
        middle = hidden if index == MIDDLE_LAYER else middle
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
