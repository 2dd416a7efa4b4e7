"""Pairs as token ids, laid out as the policy meets them at inference: system, video, then the question.

The frames of a clip go through the processor once; what it makes of them (how many placeholder tokens, their types,
the time grid) is reused for every prompt about the clip. The ids of a prompt equal those of the full processor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from videopasta_assets.errors import UserError
from videopasta_assets.prompts import Prompt
from videopasta_assets.training.pairs import TrainingPair
from videopasta_assets.video.clip import Clip, load_frames
from videopasta_assets.video.reader import FrameReader

_PER_TOKEN = ("input_ids", "attention_mask", "mm_token_type_ids", "token_type_ids")
PIXELS = "pixel_values_videos"


@dataclass(frozen=True)
class ClipTokens:
    """How a clip appears in a prompt.

    Attributes:
        ids: placeholder token ids, shape (video tokens,).
        types: modality of each (2 = video in transformers), shape (video tokens,); none: the family has no types.
        vision: the processor's other outputs without the pixels, each with a leading dimension of one video:
            `video_grid_thw` (1, 3) and, in Qwen2.5-VL, `second_per_grid_ts` (1,), seconds.
    """

    ids: torch.Tensor
    types: torch.Tensor | None
    vision: Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class EncodedPair:
    """Token ids of one pair, all 1-D int64. A response ends with its end-of-turn token."""

    clip: Clip
    prompt_ids: torch.Tensor
    prompt_types: torch.Tensor | None
    chosen_ids: torch.Tensor
    rejected_ids: torch.Tensor

    @property
    def length(self) -> int:
        """Tokens of the prompt with its longer response."""
        return len(self.prompt_ids) + max(len(self.chosen_ids), len(self.rejected_ids))


class PairEncoder:
    """Encodes pairs with a model's own processor and chat template.

    Args:
        processor: a multimodal processor of transformers with a `video_token`.
        reader: decodes the frames of a clip's plan.
        max_side: longest side of a frame given to the processor; none: as stored.
        max_tokens: longest prompt with response; none: no limit.
    """

    def __init__(
        self, processor: Any, reader: FrameReader, *, max_side: int | None = None, max_tokens: int | None = None
    ) -> None:
        if getattr(processor, "video_token", None) is None:
            raise UserError(
                f"{type(processor).__name__} has no video placeholder",
                where="the base model",
                fix="Use a Video-LLM whose processor takes videos, such as Qwen2.5-VL.",
            )
        self._processor = processor
        self._tokenizer = processor.tokenizer
        self._reader = reader
        self._max_side = max_side
        self._max_tokens = max_tokens
        self._clips: dict[str, ClipTokens] = {}
        self._prompts: dict[tuple[str, str, str], tuple[torch.Tensor, torch.Tensor | None]] = {}

    @property
    def pad_id(self) -> int:
        """The token that fills rows; it is masked everywhere."""
        pad = self._tokenizer.pad_token_id
        return int(pad if pad is not None else self._tokenizer.eos_token_id)

    def process(self, clip: Clip) -> tuple[ClipTokens, torch.Tensor]:
        """Decode and process a clip.

        Returns:
            Its tokens (kept for later prompts) and its pixel values, shape (patches, features), float32.
        """
        frames = load_frames(clip, self._reader, self._max_side)
        plan = clip.plan
        metadata = {
            "fps": plan.fps,
            "total_num_frames": plan.total_frames,
            "frames_indices": list(plan.indices),
            "duration": plan.duration,
        }
        outputs = self._processor(
            text=[self._processor.video_token],
            videos=[torch.from_numpy(frames).permute(0, 3, 1, 2)],
            video_metadata=[metadata],
            do_sample_frames=False,
            add_special_tokens=False,
            return_tensors="pt",
        )
        ids = outputs["input_ids"][0]
        types = outputs.get("mm_token_type_ids")
        tokens = ClipTokens(
            ids=ids,
            types=None if types is None else types[0].long(),
            vision={
                name: torch.as_tensor(value)
                for name, value in outputs.items()
                if name not in _PER_TOKEN and name != PIXELS
            },
        )
        self._clips[clip.key] = tokens
        return tokens, outputs[PIXELS]

    def clip_tokens(self, clip: Clip) -> ClipTokens:
        """Tokens of a clip; decodes it only if it was never processed."""
        return self._clips[clip.key] if clip.key in self._clips else self.process(clip)[0]

    def encode(self, pair: TrainingPair) -> EncodedPair:
        """Token ids of a pair.

        Raises:
            UserError: prompt and response are longer than `max_tokens`.
        """
        ids, types = self._prompt(pair.clip, pair.prompt)
        encoded = EncodedPair(
            clip=pair.clip,
            prompt_ids=ids,
            prompt_types=types,
            chosen_ids=self._response(pair.prompt, pair.chosen),
            rejected_ids=self._response(pair.prompt, pair.rejected),
        )
        if self._max_tokens is not None and encoded.length > self._max_tokens:
            video = len(self.clip_tokens(pair.clip).ids)
            raise UserError(
                f"{encoded.length} tokens ({video} of them video), the limit is {self._max_tokens}",
                where=f"training pair {pair.pair_id}",
                fix="Lower frames.dense.max_frames or frames.max_side, or raise training.max_tokens.",
            )
        return encoded

    def _prompt(self, clip: Clip, prompt: Prompt) -> tuple[torch.Tensor, torch.Tensor | None]:
        key = (clip.key, prompt.system, prompt.text)
        if key not in self._prompts:
            tokens = self.clip_tokens(clip)
            pieces = self._template(prompt).split(self._processor.video_token)
            if len(pieces) != 2:
                raise UserError(
                    f"the chat template puts {len(pieces) - 1} video placeholders into a prompt with one video",
                    where=f"prompt {prompt.template}",
                    fix="Use a model with a video chat template, and no placeholder tokens in prompt templates.",
                )
            before, after = (self._tokens(piece) for piece in pieces)
            ids = torch.cat([before, tokens.ids, after])
            types = None
            if tokens.types is not None:
                types = torch.cat([torch.zeros_like(before), tokens.types, torch.zeros_like(after)])
            self._prompts[key] = (ids, types)
        return self._prompts[key]

    def _response(self, prompt: Prompt, response: str) -> torch.Tensor:
        opening = self._template(prompt)
        whole = self._template(prompt, response)
        if not whole.startswith(opening):
            raise UserError(
                "the chat template renders a prompt differently once an answer follows it",
                where=f"prompt {prompt.template}",
                fix="Use a chat template whose generation prompt is a prefix of the finished turn.",
            )
        ids = self._tokens(whole[len(opening) :])
        ends = (ids == self._tokenizer.eos_token_id).nonzero()
        # What a template writes after the end of the turn is never generated, so it is no part of the response.
        return ids[: int(ends[0]) + 1] if len(ends) else ids

    def _template(self, prompt: Prompt, response: str | None = None) -> str:
        messages: list[dict[str, Any]] = []
        if prompt.system:
            messages.append({"role": "system", "content": [{"type": "text", "text": prompt.system}]})
        messages.append({"role": "user", "content": [{"type": "video"}, {"type": "text", "text": prompt.text}]})
        if response is not None:
            messages.append({"role": "assistant", "content": [{"type": "text", "text": response}]})
        return str(
            self._processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=response is None)
        )

    def _tokens(self, text: str) -> torch.Tensor:
        return torch.tensor(self._tokenizer(text, add_special_tokens=False)["input_ids"], dtype=torch.long)
