"""Tables of evaluation: answers, scores, and what scores are made of."""

from typing import Final

import pyarrow as pa

from videopasta_assets.lake.schema import COST_COLUMNS, Column, TableSchema

_S: Final = pa.string()
_I: Final = pa.int64()
_F: Final = pa.float64()
_B: Final = pa.bool_()
_L: Final = pa.list_(pa.string())

BENCHMARK_ANSWERS: Final = TableSchema(
    "benchmark_answers",
    "One model's answer to one benchmark item.",
    (
        Column("experiment", _S, "Name of the experiment."),
        Column("benchmark", _S, "Name of the benchmark."),
        Column("item_id", _S, "The item."),
        Column("model", _S, "base or tuned."),
        Column("kind", _S, "question, or a kind of probe: see evaluation.KINDS.", default="question"),
        Column("form", _S, "How it is asked: choice, yes_no, captioned or open.", default="choice"),
        Column("mode", _S, "Failure mode that the item probes; null where the benchmark knows no modes."),
        Column("category", _S, "Category of the item."),
        Column("facets", _L, "name=value: what scores are broken down by.", default=None),
        Column("item_group", _S, "Items that are scored together share it.", default=None),
        Column("video_id", _S, "The item's video: SHA-256 of its bytes."),
        Column("question", _S, "The question, without its options.", content=False),
        Column("options", _L, "The options, without letters.", content=False),
        Column("reply", _S, "What the model wrote."),
        Column("judgement", _S, "What the judge wrote of it, where there is one.", default=None),
        Column("reference", _S, "The right answer of an open question.", default=None),
        Column("answer_index", _I, "The right option."),
        Column("predicted_index", _I, "The option parsed from the reply; null when it cannot be parsed."),
        Column("parsed", _B, "Whether the reply could be read; what cannot counts as wrong.", default=None),
        Column("correct", _B, "Whether it is right; unparsable counts as wrong."),
        Column("margin", _F, "With scoring by likelihood: log-probability of the right option less the best other's."),
        *COST_COLUMNS,
    ),
)

_COMPARED: Final = (
    Column("items", _I, "Items scored."),
    Column("units", _I, "What is counted: items, or groups of items that are right together.", default=None),
    Column("excluded", _I, "Items left out of both sides, because one model could not be asked.", default=None),
    Column("base_accuracy", _F, "The base model's score, as `metric` says."),
    Column("tuned_accuracy", _F, "The tuned model's score."),
    Column("difference", _F, "tuned - base."),
    Column("difference_low", _F, "Lower end of the 95 % paired bootstrap interval, clustered by video."),
    Column("difference_high", _F, "Upper end."),
    Column("base_parse_rate", _F, "Share of base replies that could be parsed."),
    Column("tuned_parse_rate", _F, "Share of tuned replies that could be parsed."),
    Column("fixed", _I, "Wrong before, right after.", default=None),
    Column("broken", _I, "Right before, wrong after.", default=None),
    Column("p_value", _F, "McNemar's exact test of fixed against broken, two-sided.", default=None),
)

BENCHMARK_SCORES: Final = TableSchema(
    "benchmark_scores",
    "The base and the tuned model on one benchmark, by failure mode and over all, with the difference's interval.",
    (
        Column("experiment", _S, "Name of the experiment."),
        Column("benchmark", _S, "Name of the benchmark."),
        Column("mode", _S, "Failure mode, or all."),
        Column("metric", _S, "What the scores are: accuracy, or the benchmark's own.", default="accuracy"),
        *_COMPARED,
        Column("runner", _S, "Who asked the models: videopasta or lmms-eval.", default="videopasta"),
        Column("base_model", _S, "Model and revision."),
        Column("adapter_hash", _S, "Hash of the adapter's weights."),
    ),
)

BENCHMARK_BREAKDOWNS: Final = TableSchema(
    "benchmark_breakdowns",
    "The base and the tuned model on a part of a benchmark: a task, a duration, a dimension.",
    (
        Column("experiment", _S, "Name of the experiment."),
        Column("benchmark", _S, "Name of the benchmark."),
        Column("facet", _S, "What the items are divided by."),
        Column("value", _S, "Which part."),
        Column("metric", _S, "accuracy, or the share of groups that are all right."),
        *_COMPARED,
    ),
)

ANALYSIS_RESULTS: Final = TableSchema(
    "analysis_results",
    "What analyses and ablations measured: one value a row.",
    (
        Column("analysis", _S, "Name of the analysis or ablation."),
        Column("cell", _S, "Setting, experiment or model that is measured."),
        Column("seed", _I, "Training run; null where there is none, or where it is the mean of all.", default=None),
        Column("benchmark", _S, "What it is measured on; null where that is the analysis itself."),
        Column("scope", _S, "Part of it: a failure mode, a task, a bucket, or all."),
        Column("measure", _S, "What is measured."),
        Column("value", _F, "The value; null where it has no meaning, such as a ratio to a negative number."),
        Column("low", _F, "Lower end of its 95 % interval, where it has one.", default=None),
        Column("high", _F, "Upper end.", default=None),
        Column("items", _I, "Items, pairs or points behind it.", default=None),
        Column("note", _S, "What must be known to read it.", default=None),
    ),
)
