"""Writing replies token by token, for a batch whose finished rows leave it."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import torch

from videopasta_assets.engines.prefix_sharing import one_logit
from videopasta_assets.engines.protocol import Decoding
from videopasta_assets.engines.sampling import RowDecoding

_FULL_ENOUGH: Final = 0.75
"""Taking rows out of a batch copies the keys and values of those that stay: it waits until a quarter is done."""


@torch.inference_mode()
def write_replies(
    model: Any, inputs: dict[str, Any], decoding: Decoding, seeds: Sequence[int], end_ids: Collection[int]
) -> list[list[int]]:
    """Token ids of each row's reply, up to and with the token that ends it.

    What `generate` of transformers writes under the greedy search, with one difference: it computes every row until
    the last one ends.

    Args:
        model: a causal language model of transformers.
        inputs: `input_ids` and `attention_mask` of whole rows, padded on the left, their `position_ids`, and
            `past_key_values`, which may hold the first columns already.
        decoding: shared by the rows.
        seeds: one a row.
        end_ids: tokens that end a reply.
    """
    ids, mask, positions = inputs["input_ids"], inputs["attention_mask"], inputs["position_ids"]
    cache = inputs["past_key_values"]
    known = cache.get_seq_length()
    drawing = None
    if decoding.temperature > 0 or decoding.repetition_penalty != 1.0:
        drawing = RowDecoding(decoding, seeds, mask)
    replies: list[list[int]] = [[] for _ in seeds]
    owners = list(range(len(replies)))
    fresh, last_only = ids[:, known:], one_logit(model)
    while True:
        logits = model(
            input_ids=fresh,
            attention_mask=mask,
            position_ids=positions[..., -fresh.shape[1] :],
            past_key_values=cache,
            use_cache=True,
            **last_only,
        ).logits[:, -1]
        scores = logits.float()
        tokens = (scores if drawing is None else drawing(ids, scores)).argmax(dim=-1)
        for owner, token in zip(owners, tokens.tolist(), strict=True):
            if not replies[owner] or replies[owner][-1] not in end_ids:
                replies[owner].append(token)
        going = [
            place
            for place, owner in enumerate(owners)
            if replies[owner][-1] not in end_ids and len(replies[owner]) < decoding.max_new_tokens
        ]
        if not going:
            return replies
        fresh = tokens[:, None]
        positions = positions[..., -1:] + 1
        mask = torch.cat([mask, mask.new_ones((len(owners), 1))], dim=1)
        if drawing is not None:
            ids = torch.cat([ids, fresh], dim=1)
        if len(going) <= _FULL_ENOUGH * len(owners):
            kept = torch.tensor(going, device=mask.device)
            cache.batch_select_indices(kept)
            fresh, mask, ids, positions = fresh[kept], mask[kept], ids[kept], positions.index_select(-2, kept)
            if drawing is not None:
                drawing.select(kept)
            owners = [owners[place] for place in going]
