"""The tables of the lake, in pipeline order. Column names follow the VideoPASTA data card."""

from typing import Final

import pyarrow as pa

from videopasta_assets.lake.benchmark_tables import (
    ANALYSIS_RESULTS,
    BENCHMARK_ANSWERS,
    BENCHMARK_BREAKDOWNS,
    BENCHMARK_SCORES,
)
from videopasta_assets.lake.oracle_tables import ORACLE_ANSWERS, ORACLE_DIFFICULTY, ORACLE_SCORES, ORACLE_TARGETING
from videopasta_assets.lake.recipe_tables import ALTERED_VIDEOS, CANDIDATES, CRITIQUES, SCENES, TIMEWAR_ITEMS
from videopasta_assets.lake.schema import COST_COLUMNS, PARSED_COLUMN, Column, TableSchema

_S: Final = pa.string()
_I: Final = pa.int64()
_F: Final = pa.float64()
_B: Final = pa.bool_()


def _plan(role: str) -> tuple[Column, ...]:
    return (
        Column(f"{role}_frames", pa.list_(pa.int32()), f"Frame indices of the {role} plan, in presentation order."),
        Column(f"{role}_timestamps", pa.list_(pa.float64()), f"Their presentation times in seconds ({role} plan)."),
        Column(f"{role}_plan", _S, f"Identity of the {role} frame plan: hash of its indices and timestamps."),
    )


VIDEOS: Final = TableSchema(
    "videos",
    "One source file that landed, identified by the hash of its bytes.",
    (
        Column("video_id", _S, "SHA-256 of the file's bytes."),
        Column("path", _S, "Where the file lies, relative to the video folder."),
        Column("size_bytes", _I, "Size of the file in bytes."),
        Column("present", _B, "False is a tombstone: the file vanished or changed, its pairs are retracted."),
        Column("landed_at", pa.timestamp("us", tz="UTC"), "When its shard was sealed.", content=False),
    ),
    per_recipe=False,
)

SAMPLED_VIDEOS: Final = TableSchema(
    "sampled_videos",
    "A readable video with its dense and sparse frame plans.",
    (
        Column("video_id", _S, "The video."),
        Column("path", _S, "Where the file lies, relative to the video folder.", content=False),
        Column("container", _S, "Container format."),
        Column("codec", _S, "Video codec."),
        Column("width", _I, "Width in pixels after rotation."),
        Column("height", _I, "Height in pixels after rotation."),
        Column("fps", _F, "Average native frames per second."),
        Column("total_frames", _I, "Frames in presentation order, counted by demuxing."),
        Column("duration", _F, "Duration in seconds."),
        *_plan("dense"),
        *_plan("sparse"),
        Column("plans_coincide", _B, "Both plans use the same frames: then sparseness contrasts nothing."),
        Column("decoder", _S, "Decoder that delivered the frames.", content=False),
        Column("frame_digest", _S, "Hash of the decoded dense frames' pixels.", content=False),
    ),
)

QUERIES: Final = TableSchema(
    "queries",
    "A question about a video, in one failure mode and category.",
    (
        Column("query_id", _S, "Identity of the question's place: video, mode, category, ordinal."),
        Column("video_id", _S, "The video."),
        Column("query_mode", _S, "Failure mode that the question probes."),
        Column("query_category", _S, "Category within the mode."),
        Column("ordinal", _I, "Place among the video's questions."),
        Column("query", _S, "The question."),
        Column("answer", _S, "An answer that came with it (TimeWarp-Explicit); else empty.", default=""),
        Column("generator", _S, "Model and revision that wrote it.", content=False),
        Column("prompt_version", _S, "Hash of the prompt template.", content=False),
        Column("seed", _I, "Seed of this row's sampling.", content=False),
        PARSED_COLUMN,
        *COST_COLUMNS,
    ),
)

ALIGNED_RESPONSES: Final = TableSchema(
    "aligned_responses",
    "The responder's answer to a question on the dense frames (r+).",
    (
        Column("response_id", _S, "Identity of the answer."),
        Column("query_id", _S, "The question."),
        Column("video_id", _S, "The video."),
        Column("query_mode", _S, "Failure mode of the question."),
        Column("query_category", _S, "Category of the question."),
        Column("query", _S, "The question."),
        Column("response", _S, "The answer."),
        Column("finish_reason", _S, "stop, or length when it was cut.", content=False),
        Column("responder", _S, "Model and revision that answered.", content=False),
        Column("prompt_version", _S, "Hash of the prompt template.", content=False),
        Column("seed", _I, "Seed of this row's sampling.", content=False),
        *COST_COLUMNS,
    ),
)

ALIGNED_CHECKS: Final = TableSchema(
    "aligned_checks",
    "Whether an aligned response stood up to a check that can see; only where the recipe asks for one.",
    (
        Column("response_id", _S, "The aligned response."),
        Column("query_id", _S, "The question."),
        Column("video_id", _S, "The video."),
        Column("method", _S, "self_consistency or video."),
        Column("passed", _B, "The response may be the chosen side of a pair."),
        Column("agreeing", _I, "Samples, or looks, that agree with the response."),
        Column("asked", _I, "Samples, or looks, in all."),
        Column("replies", pa.list_(_S), "What was replied.", content=False),
        Column("checker", _S, "Model and revision that was asked.", content=False),
        *COST_COLUMNS,
    ),
)

ADVERSARIES: Final = TableSchema(
    "adversaries",
    "One attempt at an answer with a deliberate error of one mode, from the sparse frames (r-).",
    (
        Column("adversary_id", _S, "Identity of the attempt: query, slot, attempt."),
        Column("query_id", _S, "The question."),
        Column("video_id", _S, "The video."),
        Column("query_mode", _S, "Failure mode of the question.", content=False),
        Column("query_category", _S, "Category of the question.", content=False),
        Column("slot", _I, "Which of the query's adversaries."),
        Column("attempt", _I, "1 for the first; every attempt is kept."),
        Column("adv_mode", _S, "Failure mode that the adversary targets."),
        Column("adv_strategy", _S, "How it breaks the mode."),
        Column("perturbation", _S, "What was done to prompt or frames, as JSON; VideoPASTA: empty.", default=""),
        Column("response", _S, "The answer."),
        Column("finish_reason", _S, "stop, or length when it was cut.", content=False),
        Column("responder", _S, "Model and revision that answered.", content=False),
        Column("prompt_version", _S, "Hash of the prompt template.", content=False),
        Column("seed", _I, "Seed of this row's sampling.", content=False),
        *COST_COLUMNS,
    ),
)

VERDICTS: Final = TableSchema(
    "verdicts",
    "What the text-only verifier said of one (query, aligned, adversary); kept for ever.",
    (
        Column("adversary_id", _S, "The attempt that was judged."),
        Column("query_id", _S, "The question."),
        Column("video_id", _S, "The video."),
        Column("query_mode", _S, "Failure mode of the question.", content=False),
        Column("query_category", _S, "Category of the question.", content=False),
        Column("slot", _I, "Which of the query's adversaries."),
        Column("attempt", _I, "Which attempt."),
        Column("adv_mode", _S, "Failure mode that the adversary targets."),
        Column("adv_strategy", _S, "How it breaks the mode."),
        Column("verdict", _S, "accepted, or why it was rejected."),
        Column("preferred_coherent", _B, "The aligned answer answers the question without visible error (text only)."),
        Column("is_contradiction", _B, "The adversary contradicts the aligned answer."),
        Column("is_rephrase", _B, "The adversary says the same in other words."),
        Column("mode_specific", _B, "The contradiction is of the targeted mode."),
        Column("reason", _S, "The verifier's reason."),
        Column("reply", _S, "The verifier's reply as it came.", content=False),
        Column("verifier", _S, "Model and revision that judged.", content=False),
        Column("prompt_version", _S, "Hash of the prompt template.", content=False),
        PARSED_COLUMN,
        *COST_COLUMNS,
    ),
)

HUMAN_VERDICTS: Final = TableSchema(
    "human_verdicts",
    "What a person said of an attempt; append-only. The last decision on an attempt wins over the verifier's.",
    (
        Column("human_verdict_id", _S, "Identity of the row."),
        Column("ordinal", _I, "Place among the shard's rows: the higher one is the later one."),
        Column("adversary_id", _S, "The attempt that was judged."),
        Column("query_id", _S, "The question."),
        Column("video_id", _S, "The video."),
        Column("slot", _I, "Which of the query's adversaries."),
        Column("attempt", _I, "Which attempt."),
        Column("adv_mode", _S, "Failure mode that the adversary targets."),
        Column("adv_strategy", _S, "How it breaks the mode."),
        Column("decision", _S, "accepted, rejected, withdrawn (the verifier's counts again) or commented."),
        Column("comment", _S, "The person's words; null when there were none."),
        Column("author", _S, "Who decided."),
        Column("verdict", _S, "The verifier's verdict at that time; null when it had none."),
        Column("aligned_version", _S, "Data version of the aligned response that the person read."),
        Column("adversary_version", _S, "Data version of the adversary that the person read."),
        Column("decided_at", pa.timestamp("us", tz="UTC"), "When.", content=False),
    ),
)

VERIFIED_PAIRS: Final = TableSchema(
    "verified_pairs",
    "A preference pair that passed: one video, one question, chosen and rejected on the same dense frames.",
    (
        Column("pair_id", _S, "Identity of the pair: that of its adversary."),
        Column("video_id", _S, "The video."),
        Column("query_id", _S, "The question."),
        Column("query_mode", _S, "Failure mode of the question."),
        Column("query_category", _S, "Category of the question."),
        Column("adv_mode", _S, "Failure mode of the adversary: the pair's mode in training."),
        Column("adv_strategy", _S, "How the adversary breaks the mode."),
        Column("slot", _I, "Which of the query's adversaries."),
        Column("attempt", _I, "The attempt that passed."),
        Column("query", _S, "The question, as the policy reads it."),
        Column("chosen", _S, "The aligned response."),
        Column("rejected", _S, "The adversary."),
        Column("dense_frames", pa.list_(pa.int32()), "Frame indices that training uses for both responses."),
        Column("dense_timestamps", pa.list_(pa.float64()), "Their times in seconds."),
        Column("sparse_frames", pa.list_(pa.int32()), "Frame indices that the adversary was generated from."),
        Column("generator", _S, "Model that wrote the question.", content=False),
        Column("responder", _S, "Model that answered.", content=False),
        Column("verifier", _S, "Model that judged.", content=False),
        Column("verdict", _S, "Always accepted."),
        Column("reason", _S, "The verifier's reason, or the person's comment."),
        Column("decided_by", _S, "verifier, or human: a person's decision wins.", default="verifier"),
        Column("prompt_version", _S, "Hash of the aligned prompt's template.", content=False),
        Column("seed", _I, "Seed of the adversary's sampling.", content=False),
        Column("created_at", pa.timestamp("us", tz="UTC"), "When the pair was first verified.", content=False),
    ),
)

PREFERENCE_SET: Final = TableSchema(
    "preference_set",
    "Members of the current preference set: the manifest that training reads.",
    (
        Column("pair_id", _S, "The pair."),
        Column("pair_version", _S, "Its data version when the set was made."),
        Column("pair_shard", _S, "Shard that holds it."),
        Column("video_id", _S, "The video."),
        Column("adv_mode", _S, "The pair's mode."),
        Column("preference_set", _S, "Content hash of the whole set.", content=False),
    ),
)

LORA_CHECKPOINT: Final = TableSchema(
    "lora_checkpoint",
    "One training run: its inputs, its adapter and how training ended.",
    (
        Column("experiment", _S, "Name of the experiment."),
        Column("preference_set", _S, "Content hash of the preference set that it read."),
        Column("base_model", _S, "Model and revision that the adapter belongs to."),
        Column("adapter", _S, "Folder of the adapter, relative to the lake."),
        Column("adapter_hash", _S, "Hash of the adapter's weights."),
        Column("pairs", _I, "Pairs trained on."),
        Column("steps", _I, "Optimizer steps."),
        Column("settings", _S, "Training settings as JSON."),
        Column("reward_accuracy", _F, "Share of pairs whose chosen reward is higher, at the end.", content=False),
        Column("metrics", _S, "Final metrics as JSON, per mode too.", content=False),
        Column("seconds", _F, "Wall time of training.", content=False),
        Column("created_at", pa.timestamp("us", tz="UTC"), "When training ended.", content=False),
    ),
)

TABLES: Final = {
    schema.name: schema
    for schema in (
        VIDEOS,
        SAMPLED_VIDEOS,
        SCENES,
        ALTERED_VIDEOS,
        QUERIES,
        CANDIDATES,
        ALIGNED_RESPONSES,
        ALIGNED_CHECKS,
        ADVERSARIES,
        CRITIQUES,
        VERDICTS,
        HUMAN_VERDICTS,
        TIMEWAR_ITEMS,
        VERIFIED_PAIRS,
        PREFERENCE_SET,
        LORA_CHECKPOINT,
        BENCHMARK_ANSWERS,
        BENCHMARK_SCORES,
        BENCHMARK_BREAKDOWNS,
        ANALYSIS_RESULTS,
        ORACLE_ANSWERS,
        ORACLE_SCORES,
        ORACLE_TARGETING,
        ORACLE_DIFFICULTY,
    )
}
"""Every table by name, in pipeline order."""
