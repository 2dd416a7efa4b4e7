import random
from pathlib import Path

import pyarrow as pa

from videopasta_assets.oracle.adversary import judge_adversary, summarize_pairs
from videopasta_assets.oracle.truth import SceneLibrary
from videopasta_assets.taxonomy import MODES, STRATEGIES
from videopasta_assets.toyworld.claims import answer_text
from videopasta_assets.toyworld.falsify import falsify
from videopasta_assets.toyworld.folder import read_truth, video_id, write_folder
from videopasta_assets.toyworld.questions import sample_question, true_answer


def test_pairs_are_summed_up_by_mode(tmp_path: Path) -> None:
    truth = tmp_path / "truth"
    identifier = video_id(write_folder(tmp_path / "videos", truth, 1, 0, "pairs")[0])
    scene = read_truth(truth, identifier)
    assert scene is not None
    rng = random.Random(0)
    rows = []
    for mode in MODES:
        question = sample_question(scene, "setting_change", rng)
        assert question is not None
        strategy = STRATEGIES[mode][0]
        rejected = answer_text(falsify(scene, question, strategy, rng))
        assert judge_adversary(scene, question.text, rejected, mode).only_target
        rows.append(
            {
                "video_id": identifier,
                "query": question.text,
                "chosen": answer_text(true_answer(scene, question)),
                "rejected": rejected,
                "adv_mode": str(mode),
                "adv_strategy": strategy,
            }
        )
    rows.append({**rows[0], "rejected": rows[0]["chosen"]})
    rows.append({**rows[0], "video_id": "unknown"})
    table = summarize_pairs(pa.Table.from_pylist(rows), SceneLibrary(truth)).to_pylist()
    assert [row["adv_mode"] for row in table] == sorted(MODES)
    assert {row["adv_mode"]: row["good"] for row in table} == {"spatial": 0.5, "temporal": 1.0, "cross_frame": 1.0}
    assert all(row["chosen_true"] == 1.0 for row in table)


def test_no_pairs_give_an_empty_table(tmp_path: Path) -> None:
    names = ("video_id", "query", "chosen", "rejected", "adv_mode", "adv_strategy")
    empty = pa.table({name: pa.array([], pa.string()) for name in names})
    assert summarize_pairs(empty, SceneLibrary(tmp_path)).num_rows == 0
