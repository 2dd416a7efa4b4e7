"""How a base model rates pairs before any training: log-probabilities of both responses under the aligned prompt."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

import torch

from videopasta_assets.training.base import load_base
from videopasta_assets.training.config import TrainingConfig
from videopasta_assets.training.encoding import PairEncoder
from videopasta_assets.training.layouts import row_maker
from videopasta_assets.training.pairs import TrainingPair
from videopasta_assets.training.rows import response_logps
from videopasta_assets.training.vision import ClipFeatures
from videopasta_assets.video.reader import FrameReader

_AT_ONCE: Final = 8
_GIB: Final = 1024**3


@dataclass(frozen=True)
class Margin:
    """log pi(response | video, prompt) of a pair's responses, summed over their tokens."""

    pair_id: str
    chosen_logp: float
    rejected_logp: float
    chosen_tokens: int
    rejected_tokens: int


def preference_margins(
    pairs: Sequence[TrainingPair], model_dir: Path, config: TrainingConfig, reader: FrameReader
) -> Iterator[Margin]:
    """The margins of `pairs`, video by video.

    Args:
        pairs: order does not matter.
        model_dir: folder of the base model.
        config: where and how it computes; nothing is trained.
        reader: decodes the pairs' clips.

    Raises:
        UserError: a model that cannot be loaded, or a sequence that is too long.
    """
    if not pairs:
        return
    base = load_base(model_dir, config)
    encoder = PairEncoder(
        base, reader, max_side=config.max_side, max_tokens=config.max_tokens, system=pairs[0].prompt.system
    )
    features = ClipFeatures(base.model, encoder, int(config.feature_cache_gib * _GIB))
    make_rows = row_maker(config, base, encoder)
    device = next(base.model.parameters()).device
    base.model.eval()
    ordered = sorted(pairs, key=lambda pair: (pair.clip.key, pair.pair_id))
    for _, own in groupby(ordered, key=lambda pair: pair.clip.key):
        rest = list(own)
        while rest:
            some, rest = rest[:_AT_ONCE], rest[_AT_ONCE:]
            encoded = [encoder.encode(pair) for pair in some]
            rows = make_rows(encoded)
            with torch.no_grad():
                logps = response_logps(base.model, rows, features.model_inputs(rows.clips, device), device)
            for pair, code, (chosen, rejected) in zip(some, encoded, logps.view(2, -1).T.tolist(), strict=True):
                yield Margin(pair.pair_id, chosen, rejected, len(code.chosen_ids), len(code.rejected_ids))
