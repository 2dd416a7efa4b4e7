"""From a request to token ids: system, video, then text.

Everything up to the last token of the video depends on the clip and the system text alone. It is encoded once a
clip, as the prefix; what follows is encoded a request, as the suffix. Their concatenation equals what the processor
makes of the whole, because the video's placeholder is a special token and special tokens split the text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from videopasta_assets.engines.video_metadata import video_metadata
from videopasta_assets.errors import UserError
from videopasta_assets.prompts import Prompt
from videopasta_assets.video.plan import FramePlan

_PER_TOKEN: Final = frozenset({"input_ids", "attention_mask", "mm_token_type_ids", "token_type_ids"})


@dataclass(frozen=True)
class Prefix:
    """A prompt up to the end of its video.

    Attributes:
        ids: token ids, shape (tokens,), int64.
        types: modality of each token (2 = video in transformers), same shape; None: the family has no types.
        vision: the processor's other outputs for the one video, each with the leading dimension that the model
            concatenates videos along: `pixel_values_videos`, `video_grid_thw`, `second_per_grid_ts`, ...
    """

    ids: torch.Tensor
    types: torch.Tensor | None
    vision: Mapping[str, torch.Tensor]

    @property
    def form(self) -> tuple[tuple[int, ...], ...]:
        """What must agree for two videos to go through a model together: families that stack whole videos differ
        by number of frames, families that concatenate patches never do."""
        return tuple(tuple(self.vision[name].shape[1:]) for name in sorted(self.vision))


@dataclass(frozen=True)
class PromptText:
    """A prompt as the chat template writes it, cut after the video's placeholder; no video: `before` is empty."""

    before: str
    after: str


class PromptEncoder:
    """Encodes prompts with a model's own processor, tokenizer and chat template."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        self._tokenizer = processor.tokenizer
        added = self._tokenizer.get_added_vocab()
        self._control = sorted({*self._tokenizer.all_special_tokens, *added}, key=len, reverse=True)

    def text(self, prompt: Prompt, *, video: bool) -> PromptText:
        """The chat template's text of a prompt.

        Raises:
            UserError: the model's template writes no placeholder for the video, or several.
        """
        content: list[dict[str, str]] = [{"type": "video"}] if video else []
        messages: list[dict[str, Any]] = [
            {"role": "user", "content": [*content, {"type": "text", "text": self._harmless(prompt.text)}]}
        ]
        if prompt.system:
            system = {"type": "text", "text": self._harmless(prompt.system)}
            messages.insert(0, {"role": "system", "content": [system]})
        whole = str(self._processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        if not video:
            return PromptText("", whole)
        placeholder = self._processor.video_token
        if whole.count(placeholder) != 1:
            raise UserError(
                f"the chat template writes {whole.count(placeholder)} video placeholders for one video",
                where=f"prompt {prompt.template}",
                fix="Use a model whose chat template takes videos.",
            )
        before, after = whole.split(placeholder)
        return PromptText(before + placeholder, after)

    def prefix(self, before: str, frames: NDArray[np.uint8], plan: FramePlan) -> Prefix:
        """Encode a video.

        Args:
            before: the text up to and with the placeholder.
            frames: shape (frames, height, width, 3), RGB.
            plan: says which frames these are.
        """
        outputs = self._processor(
            text=[before],
            videos=[torch.from_numpy(frames).permute(0, 3, 1, 2)],
            video_metadata=[video_metadata(plan)],
            do_sample_frames=False,
            add_special_tokens=False,
            return_tensors="pt",
        )
        types = outputs.get("mm_token_type_ids")
        return Prefix(
            ids=outputs["input_ids"][0],
            types=None if types is None else torch.as_tensor(types)[0],
            vision={name: torch.as_tensor(value) for name, value in outputs.items() if name not in _PER_TOKEN},
        )

    def suffix(self, after: str) -> torch.Tensor:
        """Token ids of the text after the video, shape (tokens,), int64."""
        return torch.tensor(self._tokenizer(after, add_special_tokens=False)["input_ids"], dtype=torch.long)

    def _harmless(self, text: str) -> str:
        """`text` with control tokens broken up: a question that a model wrote must not end the turn it stands in."""
        for token in self._control:
            if token and token in text:
                text = text.replace(token, f"{token[0]} {token[1:]}")
        return text
