"""Which layout a model's batches have: rows of their own, or trees that share the video."""

from collections.abc import Callable
from functools import partial

from videopasta_assets.config.training import TrainingSettings
from videopasta_assets.engines.clip_prefix import takes_features
from videopasta_assets.engines.loading import LoadedModel
from videopasta_assets.errors import UserError
from videopasta_assets.training.encoding import PairEncoder
from videopasta_assets.training.packed import Packer
from videopasta_assets.training.rows import Rows, plain_rows
from videopasta_assets.training.tree_attention import choose_kernel, use_tree_attention
from videopasta_assets.training.vision import rope_index

RowMaker = Callable[..., Rows]
"""`plain_rows` or `Packer.rows`, with the encoder bound: pairs, and the sides that are needed."""


def row_maker(config: TrainingSettings, base: LoadedModel, encoder: PairEncoder) -> RowMaker:
    """The function that lays pairs out.

    Raises:
        UserError: `packed` or `flex` is asked for and the family, or the device, cannot.
    """
    model = base.model
    positions = rope_index(model)
    can_pack = takes_features(model) and positions is not None and model.config._attn_implementation == "sdpa"
    if config.layout == "packed" and not can_pack:
        raise UserError(
            f"{type(model).__name__} cannot be trained on packed sequences",
            where="training.layout",
            fix="Use plain or auto; packing needs sdpa attention and multimodal rotary positions.",
        )
    if positions is not None and can_pack and config.layout != "plain":
        use_tree_attention(model, choose_kernel(config.attention, model.device))
        return Packer(encoder, positions).rows
    return partial(plain_rows, encoder=encoder)
