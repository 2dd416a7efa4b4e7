"""Published benchmarks, one module each: how their distributed files become items."""

from typing import Final

from videopasta_assets.evaluation.benchmark import Benchmark
from videopasta_assets.evaluation.published import (
    cinepile,
    egoschema,
    longvideobench,
    mlvu,
    msrvtt_qa,
    mvbench,
    nextqa,
    order_probe,
    perception_test,
    tempcompass,
    timewar,
    tvbench,
    videomme,
    vinoground,
    vitatecs,
)

PUBLISHED: Final[dict[str, Benchmark]] = {
    module.BENCHMARK.name: module.BENCHMARK
    for module in (
        tempcompass,
        perception_test,
        nextqa,
        mvbench,
        vinoground,
        mlvu,
        longvideobench,
        videomme,
        tvbench,
        vitatecs,
        cinepile,
        msrvtt_qa,
        egoschema,
        timewar,
        order_probe,
    )
}
"""Benchmarks by the name that `format` gives them in videopasta.yaml."""
