"""vLLM's own environment: where it is, what it is built for, and how a server is started in it.

vLLM pins its own torch and an older transformers, so it is installed apart (`make vllm-env`), and reached as a
process.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from videopasta_assets import cpu_site
from videopasta_assets.config.serving import ServerSettings, VllmSettings
from videopasta_assets.engines.protocol import Request
from videopasta_assets.errors import UserError

PYTHON_VARIABLE: Final = "VIDEOPASTA_VLLM_PYTHON"
"""Names the Python of vLLM's environment where the settings do not."""

BESIDE_US: Final = Path(__file__).parents[2] / ".vllm" / "bin" / "python"
"""Where `make vllm-env` puts it."""

CPU_VARIABLES: Final = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
"""Environment variables of CPU builds, where the user sets none: 1 GiB of keys and values, threads as they come."""

_PROBE: Final = """
import json, sys
from importlib.metadata import distributions
found = {d.metadata["Name"].lower(): d.version for d in distributions() if d.metadata["Name"].lower() in
         ("vllm", "vllm-cpu")}
print(json.dumps({"found": found, "library": sys.prefix + "/lib/libiomp5.so"}))
"""
# Prompts of a CPU's small models are short; in the default blocks of 128 tokens they would share no prefix.
_CPU_ARGUMENTS: Final = ("--enforce-eager", "--block-size", "32", "--max-num-seqs", "16")
_STRUCTURED: Final = {"backend": "xgrammar", "disable_any_whitespace": True}
_IMAGES_AT_MOST: Final = 128


@dataclass(frozen=True)
class VllmEnvironment:
    """An installed vLLM.

    Attributes:
        python: its interpreter.
        version: of vLLM.
        cpu: built for processors, not for GPUs.
        preload: libraries that its processes must load first.
    """

    python: Path
    version: str
    cpu: bool
    preload: tuple[str, ...] = ()

    def variables(self, *, offline: bool) -> dict[str, str]:
        """Environment variables of its processes; those of CPU builds give way to the user's own.

        Args:
            offline: the model is a folder; the hub is not asked for anything.
        """
        found = {"VLLM_NO_USAGE_STATS": "1", "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "PYTHONUNBUFFERED": "1"}
        if offline:
            found["HF_HUB_OFFLINE"] = "1"
        if self.cpu:
            found |= {name: os.environ.get(name, value) for name, value in CPU_VARIABLES.items()}
            found["PYTHONPATH"] = str(cpu_site.FOLDER)
        if self.preload:
            found["LD_PRELOAD"] = ":".join([*self.preload, *filter(None, [os.environ.get("LD_PRELOAD")])])
        return found


def find_environment(settings: VllmSettings) -> VllmEnvironment:
    """vLLM's environment, as the settings, the variable or `make vllm-env` give it.

    Raises:
        UserError: there is none.
    """
    named = settings.python or os.environ.get(PYTHON_VARIABLE)
    candidates = [Path(named)] if named else [BESIDE_US, Path(sys.executable)]
    for python in candidates:
        if (found := _probe(python)) is not None:
            return found
    raise UserError(
        "no vLLM in its environment" if named else "vLLM is not installed here",
        where=str(named or BESIDE_US),
        fix=f"Run `make vllm-env`, or name the Python of an environment that has it in `vllm.python` or "
        f"{PYTHON_VARIABLE}.",
    )


@cache
def _probe(python: Path) -> VllmEnvironment | None:
    """What the environment of `python` holds, without importing it."""
    try:
        said = subprocess.run([python, "-I", "-c", _PROBE], capture_output=True, check=True, timeout=60).stdout
        data: dict[str, Any] = json.loads(said)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    for name, version in data["found"].items():
        cpu = name == "vllm-cpu" or "cpu" in version
        library = Path(data["library"])
        return VllmEnvironment(python, version, cpu, (str(library),) if cpu and library.is_file() else ())
    return None


def serve_arguments(
    environment: VllmEnvironment,
    model: str | Path,
    revision: str | None,
    *,
    name: str,
    server: ServerSettings,
    settings: VllmSettings,
) -> list[str]:
    """The command that serves a model, but for its address.

    Args:
        environment: runs it.
        model: a folder or a name on the hub.
        revision: branch, tag or commit on the hub.
        name: what the server calls the model.
        server: how frames are sent.
        settings: of vLLM; its `arguments` come last, so that they win.
    """
    mm_limit = {"video": 1, "image": 0} if server.frames == "video" else {"video": 0, "image": _IMAGES_AT_MOST}
    command = [
        # The `vllm` command looks for a distribution of that very name; CPU builds have another.
        *(str(environment.python), "-P", "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(model), "--served-model-name", name),
        # Published models bring sampling defaults (a repetition penalty, say): only requests decide.
        *("--generation-config", "vllm"),
        *("--dtype", _dtype(settings, cpu=environment.cpu)),
        *("--limit-mm-per-prompt", json.dumps(mm_limit)),
        *("--enable-prefix-caching", "--enable-prompt-tokens-details", "--trust-request-mm-kwargs"),
        *("--structured-outputs-config", json.dumps(_STRUCTURED)),
    ]
    if revision is not None:
        command += ["--revision", revision, "--tokenizer-revision", revision]
    if settings.max_model_len is not None:
        command += ["--max-model-len", str(settings.max_model_len)]
    if settings.max_lora_rank:
        command += ["--enable-lora", "--max-lora-rank", str(_lora_rank(settings.max_lora_rank))]
    if environment.cpu:
        command += _CPU_ARGUMENTS
    else:
        command += ["--gpu-memory-utilization", str(settings.gpu_memory_utilization)]
        command += ["--tensor-parallel-size", str(settings.gpus)]
    return [*command, *settings.arguments]


def engine_arguments(model: str | Path, revision: str | None, *, cpu: bool, settings: VllmSettings) -> dict[str, Any]:
    """Keyword arguments of `vllm.LLM`, for the same work as `serve_arguments`.

    Args:
        model: a folder or a name on the hub.
        revision: branch, tag or commit on the hub.
        cpu: vLLM is built for processors here.
        settings: of vLLM; its `arguments` are those of a server and left out.
    """
    found: dict[str, Any] = {
        "model": str(model),
        "revision": revision,
        "tokenizer_revision": revision,
        "generation_config": "vllm",
        "dtype": _dtype(settings, cpu=cpu),
        "max_model_len": settings.max_model_len,
        "limit_mm_per_prompt": {"video": 1, "image": 0},
        "enable_prefix_caching": True,
        "structured_outputs_config": _STRUCTURED,
    }
    if settings.max_lora_rank:
        found |= {"enable_lora": True, "max_lora_rank": _lora_rank(settings.max_lora_rank)}
    if cpu:
        return found | {"enforce_eager": True, "block_size": 32, "max_num_seqs": 16}
    return found | {
        "gpu_memory_utilization": settings.gpu_memory_utilization,
        "tensor_parallel_size": settings.gpus,
    }


def one_adapter_at_a_time(requests: Iterable[Request]) -> Iterator[Iterator[Request]]:
    """Requests in a row that ask for the same adapter, so that no batch has several.

    A CPU build of vLLM 0.32 gives rows without an adapter other answers beside rows with one.
    """
    return (some for _, some in groupby(requests, key=lambda request: request.adapter))


def _dtype(settings: VllmSettings, *, cpu: bool) -> str:
    """vLLM's own `auto` runs float32 weights in bfloat16; on a CPU that is neither faster nor exact."""
    return "float32" if settings.dtype == "auto" and cpu else settings.dtype


def _lora_rank(rank: int, known: Sequence[int] = (8, 16, 32, 64, 128, 256, 320, 512)) -> int:
    """The smallest of vLLM's ranks that holds `rank`."""
    return next((size for size in known if size >= rank), rank)
