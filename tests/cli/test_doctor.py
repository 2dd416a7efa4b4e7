"""`videopasta doctor` names what stands in the way, and fails when something does."""

from tests.cli.conftest import Invoke
from tests.fakes.bench_project import BenchProject
from tests.fakes.faulty_server import FaultyServer


def found(invoke: Invoke, *arguments: object) -> tuple[int, dict[str, dict[str, str]]]:
    done = invoke("doctor", *arguments, "--json")
    return done.code, {finding["what"]: finding for finding in done.json["findings"]}


def test_all_is_well(invoke: Invoke, bench: BenchProject) -> None:
    code, findings = found(invoke, "-p", bench.root)
    assert code == 0
    assert {"python", "torch", "gpu", "decoder pyav", "lake", "disk", "model of judge"} <= set(findings)
    assert findings["videos"]["detail"].startswith("3 files")
    assert findings["model of verifier"]["detail"].startswith("some-model@")
    assert "Nothing stands in the way" in invoke("doctor", "-p", bench.root).out


def test_problems_are_named(invoke: Invoke, bench: BenchProject) -> None:
    file = bench.root / "videopasta.yaml"
    file.write_text(
        file.read_text().replace("responder: {model: some-model", "responder: {model: ./no-model")
        + "evaluation: {benchmarks: [{name: held-out, items: nowhere.jsonl}]}\n"
    )
    code, findings = found(invoke, "-p", bench.root)
    assert code == 1
    problems = {name for name, finding in findings.items() if finding["state"] == "problem"}
    assert problems == {"model of responder", "benchmark held-out"}


def test_without_a_project_the_machine_is_looked_at(invoke: Invoke, tmp_path: object) -> None:
    code, findings = found(invoke, "-p", tmp_path)
    assert code == 0
    assert findings["project"]["state"] == "note"


def test_servers_are_asked_for_their_models(invoke: Invoke, bench: BenchProject) -> None:
    with FaultyServer() as server:
        at = f"engine: openai, server: {{base_url: '{server.base_url}'"
        bench.edit("responder: {model: some-model", f"responder: {{{at}, model: other}}, model: some-model")
        bench.edit("verifier: {model: some-model", f"verifier: {{{at}, model: some-model}}, model: some-model")
        bench.edit("judge: {model: some-model", f"judge: {{{at}, api_key_env: NO_SUCH_KEY}}, model: some-model")
        code, findings = found(invoke, "-p", bench.root)
    assert code == 1
    assert "has no model 'other'; it has some-model" in findings["model of responder"]["detail"]
    assert findings["model of verifier"]["state"] == "ok"
    assert "NO_SUCH_KEY is not set" in findings["model of judge"]["detail"]
    down = found(invoke, "-p", bench.root)[1]["model of verifier"]
    assert down["state"] == "problem"
    assert "unreachable: connection refused" in down["detail"]


def test_the_environment_of_vllm_is_looked_for(invoke: Invoke, bench: BenchProject) -> None:
    python = bench.root / "python"
    python.write_text("""#!/bin/sh\necho '{"found": {"vllm": "0.32.0"}, "library": ""}'\n""")
    python.chmod(0o755)
    bench.edit("verifier: {", "verifier: {engine: vllm-server, vllm: {python: python}, ")
    bench.edit("query_writer: {", "query_writer: {engine: vllm-server, vllm: {python: nowhere}, ")
    findings = found(invoke, "-p", bench.root)[1]
    assert "on vLLM 0.32.0 for GPUs at" in findings["model of verifier"]["detail"]
    assert findings["model of query_writer"]["state"] == "problem"
    assert "no vLLM in its environment" in findings["model of query_writer"]["detail"]
