import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from videopasta_assets.embedded.architecture import DENSE_FRAMES, EmbeddedModel, build_processor
from videopasta_assets.embedded.forward import encode_frames, hidden_states, packed_loss
from videopasta_assets.embedded.packing import Pack, Packer, patchify


def test_patches_equal_the_processors(tokenizer: PreTrainedTokenizerFast, packs: list[Pack]) -> None:
    processor = build_processor(tokenizer)
    for pack in packs[:12]:
        if pack.frames is not None:
            patches, grid = patchify(pack.frames)
            given = processor.video_processor([pack.frames], return_tensors="pt", do_sample_frames=False)
            assert given["video_grid_thw"].tolist() == [list(grid)]
            assert np.allclose(given["pixel_values_videos"].numpy(), patches, atol=1e-5)


def test_the_batched_tower_equals_the_stock_one(model: EmbeddedModel, packs: list[Pack]) -> None:
    frames = next(pack.frames for pack in packs if pack.frames is not None and len(pack.frames) == DENSE_FRAMES)
    patches, grid = patchify(frames)
    with torch.no_grad():
        stock = model.model.visual(torch.from_numpy(patches), grid_thw=torch.tensor([grid])).pooler_output
        assert torch.allclose(encode_frames(model, torch.from_numpy(patches), 6), stock, atol=1e-5)


def test_a_packed_branch_equals_the_stock_forward(
    model: EmbeddedModel, tokenizer: PreTrainedTokenizerFast, packs: list[Pack]
) -> None:
    packer = Packer(tokenizer)
    rows = [packer.row(pack) for pack in packs[:8]]
    with torch.no_grad():
        states = hidden_states(model, packer.batch(rows)).last
        start = 0
        for pack, row in zip(packs, rows, strict=False):
            for branch in (1, len(pack.exchanges)):
                own = torch.from_numpy((row.branch == 0) | (row.branch == branch))
                ids = torch.from_numpy(row.tokens)[own][None]
                video: dict[str, torch.Tensor] = {}
                if row.patches is not None and row.grid is not None and pack.frames is not None:
                    video = {
                        "pixel_values_videos": torch.from_numpy(row.patches),
                        "video_grid_thw": torch.tensor([row.grid]),
                        "second_per_grid_ts": torch.tensor([2 * pack.duration / len(pack.frames)]),
                        "mm_token_type_ids": (ids == model.config.video_token_id).int() * 2,
                    }
                stock = model(input_ids=ids, attention_mask=torch.ones_like(ids), **video).logits[0]
                packed = model.lm_head(states[start : start + len(row.tokens)][own])
                assert torch.allclose(packed, stock, atol=2e-5)
            start += len(row.tokens)


def test_only_replies_are_learnt(model: EmbeddedModel, tokenizer: PreTrainedTokenizerFast, packs: list[Pack]) -> None:
    row = Packer(tokenizer).row(packs[0])
    learnt = tokenizer.decode(row.tokens[row.weights > 0])
    assert learnt == "<|im_end|>".join(exchange.reply for exchange in packs[0].exchanges) + "<|im_end|>"
    batch = Packer(tokenizer).batch([row])
    loss, accuracy = packed_loss(hidden_states(model, batch), model, batch)
    assert loss.item() > 0
    assert 0 <= accuracy.item() <= 1
