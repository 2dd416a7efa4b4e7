"""Pairs as token ids, laid out as the policy meets them at inference: system, video, then the question.

The engines' own encoder makes the prompts, so a pair is trained under exactly the tokens that a request about the
same clip would have. The frames of a clip go through the processor once for all its prompts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import torch

from videopasta_assets.engines.clip_prefix import FEATURES, PIXELS, ClipPrefixes
from videopasta_assets.engines.feature_store import FeatureStore
from videopasta_assets.engines.inputs import Prefix, PromptEncoder
from videopasta_assets.engines.loading import LoadedModel
from videopasta_assets.errors import UserError
from videopasta_assets.prompts import Prompt
from videopasta_assets.training.pairs import TrainingPair
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.reader import FrameReader

Side = Literal["chosen", "rejected", "unrelated"]
"""A response of a pair; `unrelated` is one to another question (KTO's estimate of the divergence)."""

PAIR_SIDES: Final[tuple[Side, ...]] = ("chosen", "rejected")


@dataclass(frozen=True)
class EncodedPair:
    """Token ids of one pair, all 1-D int64. A response ends with the end-of-turn token.

    Attributes:
        prompt_types: modality of each prompt token (2 = video in transformers); None: the family has no types.
    """

    clip: Clip
    prompt_ids: torch.Tensor
    prompt_types: torch.Tensor | None
    chosen_ids: torch.Tensor
    rejected_ids: torch.Tensor
    unrelated_ids: torch.Tensor | None = None

    def response(self, side: Side) -> torch.Tensor:
        """Token ids of one response."""
        ids = {"chosen": self.chosen_ids, "rejected": self.rejected_ids, "unrelated": self.unrelated_ids}[side]
        if ids is None:
            raise ValueError("the pair was encoded without an unrelated response")
        return ids

    @property
    def length(self) -> int:
        """Tokens of the prompt with its longest response."""
        given = (self.chosen_ids, self.rejected_ids, self.unrelated_ids)
        return len(self.prompt_ids) + max(len(ids) for ids in given if ids is not None)


class PairEncoder:
    """Encodes pairs for a model.

    Args:
        loaded: the base model; its processor and chat template are used.
        reader: decodes the frames of a clip's plan.
        max_side: longest side of a frame given to the processor; None: as stored.
        max_tokens: longest prompt with response; None: what the model says, if it says.
        system: the system text that most prompts have; their clips are then decoded once.
        store: where vision features are kept; their clips are not decoded again.
        model_id: `name@revision` of the model, for the store.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        reader: FrameReader,
        *,
        max_side: int | None = None,
        max_tokens: int | None = None,
        system: str = "",
        store: FeatureStore | None = None,
        model_id: str = "",
    ) -> None:
        self.pad_id = loaded.pad_id
        self._prompts = PromptEncoder(loaded.processor)
        self._before = self._prompts.text(Prompt("", system, "", ""), video=True).before
        self._tokenizer = loaded.processor.tokenizer
        end = self._tokenizer.eos_token_id
        self._end_id = loaded.end_ids[0] if end is None else end
        self._clips = ClipPrefixes(
            self._prompts, reader, max_side=max_side, store=store, model=loaded.model, model_id=model_id
        )
        self._max_tokens = loaded.context if max_tokens is None else max_tokens
        self._prefixes: dict[tuple[str, str], Prefix] = {}
        self._vision: dict[str, Mapping[str, torch.Tensor]] = {}

    def prefix(self, clip: Clip) -> Prefix:
        """A clip with its pixels, or with its vision features where they are stored. Neither is kept in memory."""
        return self._process(clip, self._before)

    def store(self, clip: Clip, prefix: Prefix) -> None:
        """Store a clip's prefix, now that it has features."""
        self._clips.keep(self._before, clip.key, prefix)

    def vision(self, clip: Clip) -> Mapping[str, torch.Tensor]:
        """What the model must know of a clip beside pixels, each with a leading dimension of one video.

        In Qwen2.5-VL: `video_grid_thw` (1, 3), and `second_per_grid_ts` (1,) in seconds.
        """
        if clip.key not in self._vision:
            self.prefix(clip)
        return self._vision[clip.key]

    def encode(self, pair: TrainingPair, unrelated: str | None = None) -> EncodedPair:
        """Token ids of a pair, with a response to another question if the objective needs one.

        Raises:
            UserError: prompt and response are longer than the limit.
        """
        text = self._prompts.text(pair.prompt, video=True)
        key = (pair.clip.key, text.before)
        if key not in self._prefixes:
            self._process(pair.clip, text.before)
        prefix, suffix = self._prefixes[key], self._prompts.suffix(text.after)
        types = None
        if prefix.types is not None:
            types = torch.cat([prefix.types, torch.zeros(len(suffix), dtype=prefix.types.dtype)])
        encoded = EncodedPair(
            clip=pair.clip,
            prompt_ids=torch.cat([prefix.ids, suffix]),
            prompt_types=types,
            chosen_ids=self._response(pair.chosen),
            rejected_ids=self._response(pair.rejected),
            unrelated_ids=None if unrelated is None else self._response(unrelated),
        )
        if self._max_tokens is not None and encoded.length > self._max_tokens:
            raise UserError(
                f"{encoded.length} tokens ({len(prefix.ids)} of them for the video), the limit is {self._max_tokens}",
                where=f"training pair {pair.pair_id}",
                fix="Lower frames.dense.max_frames or frames.max_side, or raise training.max_tokens.",
            )
        return encoded

    def _process(self, clip: Clip, before: str) -> Prefix:
        whole = self._clips.load(before, clip)
        small = {name: value for name, value in whole.vision.items() if name not in (PIXELS, FEATURES)}
        self._prefixes[clip.key, before] = Prefix(whole.ids, whole.types, small)
        self._vision[clip.key] = small
        return whole

    def _response(self, text: str) -> torch.Tensor:
        # A control token inside a response is text that some model wrote; it must not end the turn.
        ids = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return torch.tensor([*ids, self._end_id], dtype=torch.long)
