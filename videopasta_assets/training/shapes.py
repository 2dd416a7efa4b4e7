"""Shapes of Qwen2.5-VL models, clips and rows: what `accounting.py` counts with."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final


@dataclass(frozen=True)
class LanguageShape:
    """The language model: widths in features, `tied` where the output head is the embedding."""

    hidden: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    tied: bool

    @property
    def query_width(self) -> int:
        """Of all heads together."""
        return self.heads * self.head_size

    @property
    def kv_width(self) -> int:
        """Of the keys, or of the values, of all heads together."""
        return self.kv_heads * self.head_size

    @property
    def qkv_weights(self) -> int:
        """Of one layer's query, key and value projections."""
        return self.hidden * (self.query_width + 2 * self.kv_width)

    @property
    def linear_weights(self) -> int:
        """Of one layer's seven projections."""
        return self.qkv_weights + self.query_width * self.hidden + 3 * self.hidden * self.inner

    def lora_weights(self, rank: int) -> int:
        """Of an adapter of all layers' seven projections."""
        attention = 2 * (self.hidden + self.query_width) + 2 * (self.hidden + self.kv_width)
        return self.layers * rank * (attention + 3 * (self.hidden + self.inner))

    @property
    def parameters(self) -> int:
        """All of them, with embeddings, norms and the biases of query, key and value."""
        embeddings = self.vocabulary * self.hidden * (1 if self.tied else 2)
        small = 2 * self.hidden + self.query_width + 2 * self.kv_width
        return embeddings + self.layers * (self.linear_weights + small) + self.hidden


@dataclass(frozen=True)
class VisionShape:
    """The vision tower; `patch` and `window` in pixels, `merge` patches a side and `stack` frames make one token."""

    hidden: int
    inner: int
    layers: int
    heads: int
    patch: int
    stack: int
    merge: int
    window: int
    global_layers: int
    out: int

    @property
    def layer_weights(self) -> int:
        """Of one layer's linears."""
        return 4 * self.hidden**2 + 3 * self.hidden * self.inner

    @property
    def patch_weights(self) -> int:
        """Of the patch embedding."""
        return 3 * self.stack * self.patch**2 * self.hidden

    @property
    def merger_weights(self) -> int:
        """Of the two linears that make a token of merged patches."""
        wide = self.hidden * self.merge**2
        return wide * wide + wide * self.out

    @property
    def parameters(self) -> int:
        """All of them."""
        wide = self.hidden * self.merge**2
        layer = self.layer_weights + 2 * self.hidden + 4 * self.hidden + 2 * self.inner + self.hidden
        return self.patch_weights + self.layers * layer + self.hidden + self.merger_weights + wide + self.out


@dataclass(frozen=True)
class ModelShape:
    """A Video-LLM of the Qwen2.5-VL family."""

    language: LanguageShape
    vision: VisionShape

    @classmethod
    def of(cls, config: Any) -> "ModelShape":
        """The shape that a configuration of transformers describes."""
        text, vision = config.get_text_config(), config.vision_config
        return cls(
            LanguageShape(
                hidden=text.hidden_size,
                inner=text.intermediate_size,
                layers=text.num_hidden_layers,
                heads=text.num_attention_heads,
                kv_heads=text.num_key_value_heads,
                head_size=getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads,
                vocabulary=text.vocab_size,
                tied=bool(config.tie_word_embeddings),
            ),
            VisionShape(
                hidden=vision.hidden_size,
                inner=vision.intermediate_size,
                layers=vision.depth,
                heads=vision.num_heads,
                patch=vision.patch_size,
                stack=vision.temporal_patch_size,
                merge=vision.spatial_merge_size,
                window=vision.window_size,
                global_layers=len(vision.fullatt_block_indexes),
                out=vision.out_hidden_size,
            ),
        )

    @property
    def parameters(self) -> int:
        """All of them."""
        return self.language.parameters + self.vision.parameters


def _qwen2_5_vl(language: LanguageShape) -> ModelShape:
    vision = VisionShape(
        1280, 3420, 32, 16, patch=14, stack=2, merge=2, window=112, global_layers=4, out=language.hidden
    )
    return ModelShape(language, vision)


SHAPES: Final = {
    "3b": _qwen2_5_vl(LanguageShape(2048, 11008, 36, 16, 2, 128, 151936, tied=True)),
    "7b": _qwen2_5_vl(LanguageShape(3584, 18944, 28, 28, 4, 128, 152064, tied=False)),
}
"""Qwen2.5-VL as published: 3.75 and 8.29 billion parameters."""


@dataclass(frozen=True)
class ClipShape:
    """Frames of a video as the vision tower gets them, sides in pixels."""

    frames: int
    height: int
    width: int

    def grid(self, vision: VisionShape) -> tuple[int, int, int]:
        """Patches in time, height and width, sides rounded to whole tokens as the processor does."""
        token = vision.patch * vision.merge
        sides = (max(1, round(side / token)) * vision.merge for side in (self.height, self.width))
        return (-(-self.frames // vision.stack), *sides)  # type: ignore[return-value]

    def patches(self, vision: VisionShape) -> int:
        """Patches of all frames."""
        time, height, width = self.grid(vision)
        return time * height * width

    def tokens(self, vision: VisionShape) -> int:
        """Tokens that the language model gets."""
        return self.patches(vision) // vision.merge**2

    def windows(self, vision: VisionShape) -> list[int]:
        """Patches of each attention window of one time step."""
        _, height, width = self.grid(vision)
        side = vision.window // vision.patch // vision.merge * vision.merge
        return [
            min(side, height - top) * min(side, width - left)
            for top, left in product(range(0, height, side), range(0, width, side))
        ]


@dataclass(frozen=True)
class RowShape:
    """One row of a forward pass.

    Attributes:
        tokens: its length.
        attended: query-key pairs that attention computes.
        copied: tokens whose keys and values sdpa is given as copies, one for each query head.
        masked: query-key pairs under a mask of a layer's own.
        masked_once: query-key pairs under a mask that all layers share.
        predicted: positions whose logits are computed.
    """

    tokens: int
    attended: int
    copied: int
    masked: int
    masked_once: int
    predicted: int


def plain_row(prompt: int, response: int) -> RowShape:
    """A prompt with one response; lengths in tokens."""
    length = prompt + response
    return RowShape(length, length**2, copied=0, masked=length**2, masked_once=0, predicted=response)


def packed_row(shared: int, questions: Sequence[tuple[int, Sequence[int]]]) -> RowShape:
    """A tree: the shared beginning, then questions, each (its length, lengths of the different responses to it).

    The last token of a response predicts nothing and is not fed; all responses to a question share the position that
    predicts their first token.
    """
    parts = [question + sum(length - 1 for length in responses) for question, responses in questions]
    return RowShape(
        tokens=shared + sum(parts),
        attended=shared**2 + sum(part * (shared + part) for part in parts),
        copied=sum(shared + part for part in parts),
        masked=0,
        masked_once=sum(part * (shared + part) for part in parts),
        predicted=sum(1 + sum(length - 1 for length in responses) for _, responses in questions),
    )
