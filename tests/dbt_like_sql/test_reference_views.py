from pathlib import Path

from dbt_like_sql.views import connect
from videopasta_assets.evaluation.references import reference_gains, reference_scores
from videopasta_assets.lake import TABLES, Address, Lake


def test_the_papers_values_can_be_asked_of_an_empty_lake(tmp_path: Path) -> None:
    with connect(Lake(tmp_path)) as connection:
        scores = connection.execute("SELECT count(*), count(DISTINCT paper) FROM reference_scores").fetchone()
        gains = connection.execute(
            "SELECT count(*), count(*) FILTER (abs(stated - recomputed) > 0.02) FROM reference_gains"
        ).fetchone()
    assert scores == (len(reference_scores()), 3)
    assert gains == (len(reference_gains()), 0)


def test_ours_stand_beside_the_papers_under_their_own_names(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    row = {
        "row_key": "all",
        "provenance": "by hand",
        "experiment": "first",
        "benchmark": "video-mme",
        "mode": "all",
        "items": 10,
        "base_accuracy": 0.5,
        "tuned_accuracy": 0.6,
        "difference": 0.1,
        "difference_low": -0.1,
        "difference_high": 0.3,
        "base_model": "tiny@1",
    }
    complete = TABLES["benchmark_scores"].versioned(row)
    lake.write(Address("benchmark_scores", "videopasta", "first__video-mme"), [complete], {})
    with connect(lake) as connection:
        found = connection.execute("SELECT source, model, score, gain FROM scores_beside_papers").fetchall()
    by_name = {(source, model): (score, gain) for source, model, score, gain in found}
    assert by_name["ours: videopasta first", "tuned"] == (60.0, 10.0)
    assert by_name["ours: base", "tiny@1"] == (50.0, None)
    score, gain = by_name["VideoPASTA (arXiv 2504.14096), T1", "Qwen2.5-VL + VideoPASTA"]
    assert (score, round(gain, 1)) == (64.1, 1.9)
    assert all(source.startswith(("ours", "VideoPASTA", "VideoSAVi", "TimeWarp")) for source, *_ in found)
