"""A checkpoint's folder: the adapter as it is, and a card that hides nothing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from tests.fakes.bench_project import BenchProject
from videopasta_assets.errors import UserError
from videopasta_assets.exports import export_checkpoint
from videopasta_assets.exports.card import Licence, table
from videopasta_assets.lake import TABLES
from videopasta_assets.stages.project import Project


@pytest.fixture
def trained(tmp_path: Path) -> Project:
    """A project whose first experiment has an adapter and scores; the weights are any bytes."""
    project = BenchProject.make(tmp_path, videos=0).project
    adapter = project.lake.root / "checkpoints" / "first"
    adapter.mkdir(parents=True)
    (adapter / "adapter_model.safetensors").write_bytes(b"weights")
    (adapter / "adapter_config.json").write_text("{}")
    (adapter / "optimizer.pt").write_bytes(b"what no one needs")
    row = {
        "row_key": "first", "experiment": "first", "preference_set": "abc", "base_model": "some-model@123",
        "adapter": "checkpoints/first", "adapter_hash": "def", "pairs": 7, "steps": 3, "settings": '{"beta": 0.1}',
        "seconds": 2.0, "created_at": datetime.now(UTC),
    }  # fmt: skip
    project.lake.write(project.address("lora_checkpoint", "first"), [TABLES["lora_checkpoint"].versioned(row)], {})
    scores = [
        TABLES["benchmark_scores"].versioned(
            {
                "row_key": f"{adapter_hash}-{mode}",
                "experiment": "first",
                "benchmark": "held-out",
                "mode": mode,
                "items": 8,
            }
            | {"base_accuracy": 0.5, "tuned_accuracy": 0.5 + gain, "difference": gain, "adapter_hash": adapter_hash}
            | {"difference_low": gain - 0.1, "difference_high": gain + 0.1}
        )
        for adapter_hash, mode, gain in (("def", "all", 0.25), ("def", "spatial", -0.125), ("old", "all", 0.375))
    ]
    project.lake.write(project.address("benchmark_scores", "first--held-out"), scores, {})
    return project


def test_the_adapter_and_its_card(trained: Project, tmp_path: Path) -> None:
    made = export_checkpoint(trained, "first", tmp_path / "out", licence=Licence("apache-2.0"))
    assert set(made.files) == {"README.md", "adapter_config.json", "adapter_model.safetensors", "export.json"}
    text = (made.folder / "README.md").read_text()
    matter = yaml.safe_load(text.split("---\n")[1])
    assert (matter["license"], matter["base_model"], matter["library_name"]) == ("apache-2.0", "some-model", "peft")
    results = matter["model-index"][0]["results"]
    assert [result["metrics"][0]["value"] for result in results] == [0.75, 0.375], (
        "of this adapter, not of an older one"
    )
    assert "worse than its base model on 1 of 2 rows" in text


def test_what_is_not_trained_says_so(trained: Project, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no checkpoint yet"):
        export_checkpoint(trained, "second", tmp_path / "out")
    with pytest.raises(UserError, match="no experiment is named 'third'"):
        export_checkpoint(trained, "third", tmp_path / "out")


def test_a_cell_cannot_break_out_of_its_table() -> None:
    drawn = table(("a",), [("x | y\n\n<script>alert(1)</script>",)])
    assert drawn.splitlines()[2] == "| x \\| y &lt;script>alert(1)&lt;/script> |"
