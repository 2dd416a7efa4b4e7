"""Tables of the oracle on toyworld: they score what the pipeline made, and no stage of a recipe reads them."""

from typing import Final

import pyarrow as pa

from videopasta_assets.lake.schema import COST_COLUMNS, PARSED_COLUMN, Column, TableSchema

_S: Final = pa.string()
_I: Final = pa.int64()
_F: Final = pa.float64()
_B: Final = pa.bool_()

ORACLE_ANSWERS: Final = TableSchema(
    "oracle_answers",
    "What the oracle knows of an aligned response on toyworld.",
    (
        Column("response_id", _S, "The aligned response."),
        Column("query_id", _S, "The question."),
        Column("video_id", _S, "The video."),
        Column("query_mode", _S, "Failure mode of the question."),
        Column("query_category", _S, "Category of the question."),
        Column("query_fits", _B, "The question is one that this video answers."),
        Column("truth", _S, "true, false or unknown: every claim of the response against the scene."),
        Column("right", _B, "The claim that answers the question is true."),
        Column("broken_modes", pa.list_(_S), "Modes with a false claim."),
        Column("unparsed", _I, "Sentences outside the toy world's language."),
        Column("checked", _B, "Whether the recipe's check of aligned responses let it pass; null without one."),
    ),
)

ORACLE_SCORES: Final = TableSchema(
    "oracle_scores",
    "What the oracle knows of a generated text on toyworld: it scores, it never feeds the pipeline.",
    (
        Column("adversary_id", _S, "The attempt."),
        Column("query_id", _S, "The question."),
        Column("video_id", _S, "The video."),
        Column("query_mode", _S, "Failure mode of the question."),
        Column("adv_mode", _S, "Mode that the adversary targets."),
        Column("adv_strategy", _S, "How it breaks the mode."),
        Column("verdict", _S, "The verifier's verdict."),
        Column("expected_verdict", _S, "What a perfect reader of the texts would have said."),
        Column("aligned_truth", _S, "true, false or unknown: every claim of the aligned response against the scene."),
        Column("aligned_right", _B, "The claim that answers the question is true."),
        Column("adversary_truth", _S, "true, false or unknown: the adversary against the scene."),
        Column("on_target", _B, "The adversary is false in the mode that it targets."),
        Column("only_target", _B, "The adversary is false in the mode that it targets and in no other."),
        Column("good_pair", _B, "The aligned response is true and the adversary false on target."),
    ),
)

ORACLE_TARGETING: Final = TableSchema(
    "oracle_targeting",
    "Which mode a judge names that does not know the intended one (VideoPASTA appendix A.2.1), for verified pairs.",
    (
        Column("pair_id", _S, "The pair."),
        Column("video_id", _S, "The video."),
        Column("adv_mode", _S, "Mode that the adversary targets; the judge is not told."),
        Column("adv_strategy", _S, "How it breaks the mode."),
        Column("judged_mode", _S, "The mode that the judge named, or none; null when its reply cannot be read."),
        Column("readable_mode", _S, "The mode that a perfect reader of the texts would name, or none."),
        Column("hit", _B, "The judge named the intended mode."),
        Column("reply", _S, "The judge's reply as it came.", content=False),
        Column("judge", _S, "Model and revision that judged.", content=False),
        PARSED_COLUMN,
        *COST_COLUMNS,
    ),
)

ORACLE_DIFFICULTY: Final = TableSchema(
    "oracle_difficulty",
    "How hard a verified pair is for the model that is to be trained on it, before training.",
    (
        Column("pair_id", _S, "The pair."),
        Column("video_id", _S, "The video."),
        Column("query_mode", _S, "Failure mode of the question."),
        Column("adv_mode", _S, "Failure mode of the adversary."),
        Column("adv_strategy", _S, "How it breaks the mode."),
        Column("chosen_logp", _F, "log pi(chosen | video, question), summed over its tokens."),
        Column("rejected_logp", _F, "log pi(rejected | video, question), likewise."),
        Column("margin", _F, "chosen_logp - rejected_logp: below 0 the model prefers the rejected answer."),
        Column("chosen_tokens", _I, "Tokens of the chosen response."),
        Column("rejected_tokens", _I, "Tokens of the rejected response."),
        Column("prefers_chosen", _B, "The model prefers the chosen answer."),
        Column("agreement", _F, "Share of samples that agreed with the chosen answer; null without such a check."),
        Column("model", _S, "Model and revision.", content=False),
    ),
)
