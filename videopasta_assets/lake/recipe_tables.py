"""Tables that only some recipes have."""

from typing import Final

import pyarrow as pa

from videopasta_assets.lake.schema import COST_COLUMNS, Column, TableSchema

_S: Final = pa.string()

CRITIQUES: Final = TableSchema(
    "critiques",
    "What a model found wrong with its own answer (VideoSAVi).",
    (
        Column("critique_id", _S, "Identity of the critique."),
        Column("adversary_id", _S, "The initial answer that was criticized."),
        Column("query_id", _S, "The question."),
        Column("video_id", _S, "The video."),
        Column("query_mode", _S, "Failure mode of the question.", content=False),
        Column("query_category", _S, "Category of the question.", content=False),
        Column("has_error", pa.bool_(), "The answer has to be revised."),
        Column("error_types", pa.list_(_S), "Type of each error, of the six of VideoSAVi's table 2."),
        Column("errors", _S, "The errors as JSON: type, evidence, correction."),
        Column("critic", _S, "Model and revision that criticized.", content=False),
        Column("prompt_version", _S, "Hash of the prompt template.", content=False),
        *COST_COLUMNS,
    ),
)

SCENES: Final = TableSchema(
    "scenes",
    "A video's scenes, annotated or detected (TimeWarp-Explicit); what cannot be cut by is an error.",
    (
        Column("video_id", _S, "The video."),
        Column("source", _S, "annotations, or detected."),
        Column("scenes", _S, "The scenes as JSON: start and end in seconds, text."),
        Column("count", pa.int64(), "How many; at least two."),
        Column("captioner", _S, "Model and revision that wrote the texts; annotations: empty.", content=False),
        *COST_COLUMNS,
    ),
)

ALTERED_VIDEOS: Final = TableSchema(
    "altered_videos",
    "A video rebuilt from its scenes, in their own order or in another one: real files of equal length.",
    (
        Column("altered_id", _S, "Identity: source video and which of the two."),
        Column("video_id", _S, "The source video."),
        Column("scene_order", _S, "original, reversed or shuffled."),
        Column("path", _S, "Where the file lies, relative to the project."),
        Column("file_id", _S, "SHA-256 of its bytes."),
        Column("timeline", _S, "Its scenes as JSON: number, source interval, output interval in seconds, text."),
        Column("caption", _S, "The scenes' texts in the order in which they are shown."),
        Column("fps", pa.float64(), "Average frames per second."),
        Column("total_frames", pa.int64(), "Frames."),
        Column("duration", pa.float64(), "Seconds."),
        Column("dense_frames", pa.list_(pa.int32()), "Frame indices of the dense plan."),
        Column("dense_timestamps", pa.list_(pa.float64()), "Their times in seconds."),
        Column("seed", pa.int64(), "Seed that the order was drawn with.", content=False),
    ),
)

TIMEWAR_ITEMS: Final = TableSchema(
    "timewar_items",
    "A multiple-choice question about a held-out video in its own and in the altered order of scenes (TimeWar).",
    (
        Column("item_id", _S, "The item."),
        Column("video_id", _S, "The source video; no pair is about it."),
        Column("ordinal", pa.int64(), "Place among the video's items."),
        Column("normal_file", _S, "SHA-256 of the rebuilt original."),
        Column("shuffled_file", _S, "SHA-256 of the altered video."),
        Column("scene_order", _S, "reversed or shuffled."),
        Column("question", _S, "The stem."),
        Column("options", pa.list_(_S), "Four texts."),
        Column("answer_index", pa.int64(), "The right option of the original, from 0."),
        Column("shuffled_index", pa.int64(), "The right option of the altered video."),
        Column("answer_changed", pa.bool_(), "The order of the scenes decides the answer."),
        Column("created_at", pa.timestamp("us", tz="UTC"), "When it was written.", content=False),
    ),
)

CANDIDATES: Final = TableSchema(
    "candidates",
    "One of several sampled answers to a question, with its score by the video's caption (LLaVA-Hound-DPO).",
    (
        Column("candidate_id", _S, "The sample."),
        Column("query_id", _S, "The question."),
        Column("video_id", _S, "The video."),
        Column("query_mode", _S, "Failure mode of the question."),
        Column("query_category", _S, "Category of the question."),
        Column("query", _S, "The question."),
        Column("ordinal", pa.int64(), "Which of the question's samples."),
        Column("response", _S, "The answer."),
        Column("finish_reason", _S, "stop, or length when it was cut.", content=False),
        Column("caption", _S, "What stood for the video.", content=False),
        Column("score", pa.int64(), "From 1 to 5."),
        Column("score_reply", _S, "The scorer's reply as it came.", content=False),
        Column("responder", _S, "Model and revision that answered.", content=False),
        Column("scorer", _S, "Model and revision that scored.", content=False),
        *COST_COLUMNS,
    ),
)
