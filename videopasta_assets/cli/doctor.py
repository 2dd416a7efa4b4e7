"""`videopasta doctor`: what is installed, and whether the project's models and folders can be reached."""

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

import typer

from videopasta_assets.cli.console import OUT, print_json, print_table, table
from videopasta_assets.cli.options import HERE, JsonOption, ProjectOption, open_project
from videopasta_assets.errors import UserError, VideoPastaError

if TYPE_CHECKING:
    from videopasta_assets.config.serving import ServerSettings
    from videopasta_assets.config.settings import RoleSettings
    from videopasta_assets.stages.project import Project, RoleName

_PACKAGES: Final = (
    "videopasta-assets",
    "dagster",
    "torch",
    "transformers",
    "trl",
    "peft",
    "av",
    "decord",
    "duckdb",
    "pyarrow",
)
_LITTLE_SPACE: Final = 2 * 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "note", "problem"]
    detail: str


def doctor(project: ProjectOption = HERE, as_json: JsonOption = False) -> None:
    """Say what is installed, which GPU and decoders there are, and whether models, disk and lake are in order."""
    findings = [*_machine(), *_project(project)]
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        rows = [(finding.what, finding.state, finding.detail) for finding in findings]
        print_table(table("", ("what", "state", "detail"), rows))
        if all(finding.state != "problem" for finding in findings):
            OUT.print("Nothing stands in the way of a run.")
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


def _machine() -> Iterator[Finding]:
    yield Finding("python", "ok", f"{platform.python_version()} at {sys.executable}")
    for package in _PACKAGES:
        try:
            yield Finding(package, "ok", importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(package, "problem", "not installed: pip install -c constraints.txt -e .")
    yield Finding("processor", "ok", f"{os.cpu_count()} cores")
    yield _gpu()
    yield from _decoders()


def _gpu() -> Finding:
    import torch

    if not torch.cuda.is_available():
        return Finding("gpu", "note", "none: models run on the processor")
    names = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    return Finding("gpu", "ok", ", ".join(f"{gpu.name} ({gpu.total_memory / 1024**3:.0f} GiB)" for gpu in names))


def _decoders() -> Iterator[Finding]:
    """Import each decoder: a wheel that is installed may still miss a library."""
    for name, module, note in (("pyav", "av", ""), ("decord", "decord", "(only on request: docs/video-reading.md)")):
        try:
            version = __import__(module).__version__
        except (ImportError, OSError) as error:
            yield Finding(f"decoder {name}", "note" if name == "decord" else "problem", f"cannot be loaded: {error}")
        else:
            yield Finding(f"decoder {name}", "ok", f"{version} {note}".strip())


def _project(path: Path) -> Iterator[Finding]:
    try:
        opened = open_project(path)
    except UserError as error:
        yield Finding("project", "note" if not path.joinpath("videopasta.yaml").exists() else "problem", str(error))
        return
    yield Finding("project", "ok", str(opened.settings.root))
    yield _video_folder(opened)
    yield from _lake(opened)
    for role in _roles():
        yield _model(opened, role)
    for benchmark in opened.settings.evaluation.benchmarks:
        yield _benchmark(opened, benchmark.name)


def _benchmark(project: "Project", name: str) -> Finding:
    from videopasta_assets.stages.benchmark_items import benchmark_named, check_ready, missing_videos

    try:
        check_ready(project, name)
        if benchmark_named(project, name).runner == "lmms-eval":
            return Finding(f"benchmark {name}", "ok", "run by lmms-eval")
        items, missing = missing_videos(project, name)
    except UserError as error:
        return Finding(f"benchmark {name}", "problem", str(error))
    said = f"{items} items" + (f", the videos of {len(missing)} are missing: {missing[0]}, ..." if missing else "")
    return Finding(f"benchmark {name}", "note" if missing else "ok", said)


def _video_folder(project: "Project") -> Finding:
    from videopasta_assets.stages.video_files import video_files

    try:
        count = sum(file.reason is None for file in video_files(project))
    except UserError as error:
        return Finding("videos", "problem", str(error))
    return Finding("videos", "ok" if count else "problem", f"{count} files in {project.video_folder}")


def _lake(project: "Project") -> Iterator[Finding]:
    from videopasta_assets.lake.store import LAKE_VERSION

    try:
        root = project.lake.root
        project.lake.write_file(".doctor", b"")
        project.lake.remove_file(".doctor")
    except VideoPastaError as error:
        yield Finding("lake", "problem", str(error))
        return
    yield Finding("lake", "ok", f"version {LAKE_VERSION} at {root}, writable")
    if not isinstance(root, Path):
        return
    free = shutil.disk_usage(root).free
    yield Finding("disk", "ok" if free > _LITTLE_SPACE else "note", f"{free / 1024**3:.1f} GiB free")


def _roles() -> "tuple[RoleName, ...]":
    from videopasta_assets.stages.project import RoleName

    return get_args(RoleName)


def _model(project: "Project", role: "RoleName") -> Finding:
    """Ask for the model's identity: a folder is hashed, a hub name is looked up there or in the cache."""
    name, settings = f"model of {role}", project.role(role)
    try:
        identity = project.model_id(role)
    except UserError as error:
        return Finding(name, "problem", str(error))
    if settings.engine in ("vllm", "vllm-server"):
        return _vllm(name, identity, project, settings)
    if settings.engine == "openai" and settings.server is not None:
        model = settings.server.model or project.model_source(role)
        urls = (settings.server.base_url, *settings.server.replicas)
        found = [_served(name, identity, settings.server.model_copy(update={"base_url": url}), model) for url in urls]
        return next((finding for finding in found if finding.state == "problem"), found[0])
    if settings.revision is None and "/" in settings.model and not Path(project.model_source(role)).is_dir():
        return Finding(name, "note", f"{identity}; pin its revision in videopasta.yaml")
    return Finding(name, "ok", identity)


def _vllm(what: str, identity: str, project: "Project", settings: "RoleSettings") -> Finding:
    """Look for the environment that vLLM runs in; it is not started."""
    from videopasta_assets.config.serving import VllmSettings
    from videopasta_assets.engines.vllm_environment import find_environment

    python = None if settings.vllm is None else settings.vllm.python
    if settings.engine == "vllm":
        python = Path(sys.executable)
    elif python is not None:
        python = project.settings.path(python)
    try:
        found = find_environment(VllmSettings(python=python))
    except UserError as error:
        return Finding(what, "problem", str(error))
    built = "processors" if found.cpu else "GPUs"
    return Finding(what, "ok", f"{identity}, on vLLM {found.version} for {built} at {found.python}")


def _served(what: str, identity: str, server: "ServerSettings", model: str) -> Finding:
    """Ask the server which models it has."""
    from videopasta_assets.engines.fault import ServerFault
    from videopasta_assets.engines.server import names_at

    try:
        names = names_at(server)
    except ServerFault as fault:
        return Finding(what, "problem", f"{server.base_url}: {fault}")
    except UserError as error:
        return Finding(what, "problem", str(error))
    if names is None or model in names:
        return Finding(what, "ok", f"{identity}, at {server.base_url}")
    return Finding(what, "problem", f"{server.base_url} has no model {model!r}; it has {', '.join(names) or 'none'}")
