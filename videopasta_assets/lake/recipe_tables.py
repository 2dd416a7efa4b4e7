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
