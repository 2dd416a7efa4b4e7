"""The `server` section: what is refused, and that no secret is repeated."""

from pathlib import Path

import pytest

from videopasta_assets.config.loader import parse_project
from videopasta_assets.config.settings import RoleSettings
from videopasta_assets.engines.identity import role_identity
from videopasta_assets.errors import UserError
from videopasta_assets.stages.project import Project

FILE = Path("videopasta.yaml")


def role(server: str) -> str:
    return f"roles: {{responder: {{engine: openai, model: org/vlm, server: {server}}}}}"


def test_defaults_are_a_vllm_server_on_this_machine() -> None:
    server = parse_project(role("{}"), FILE).roles.responder.server
    assert server is not None
    assert (server.base_url, server.frames) == ("http://127.0.0.1:8000/v1", "video")


@pytest.mark.parametrize(
    ("server", "says"),
    [
        ("{base_url: 'ftp://host/v1'}", "must begin with http"),
        ("{base_url: 'http://user:hunter2@host/v1'}", "no user, password or query"),
        ("{base_url: 'http://host/v1?key=hunter2'}", "no user, password or query"),
        ("{api_key_env: 'sk-hunter2'}", "the NAME of an environment variable is wanted"),
        ("'http://user:hunter2@host/v1'", "server"),
        ("{api_key: hunter2}", "unknown key 'roles.responder.server.api_key'. Did you mean 'api_key_env'"),
    ],
)
def test_mistakes_are_one_sentence_without_the_secret(server: str, says: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_project(role(server), FILE)
    assert says in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_engine_openai_needs_a_server() -> None:
    with pytest.raises(UserError, match="engine openai needs a server"):
        parse_project("roles: {responder: {engine: openai, model: org/vlm}}", FILE)


def test_a_served_model_has_an_identity_without_asking_anybody() -> None:
    project = Project(parse_project(role("{base_url: 'http://nowhere.invalid/v1'}"), FILE))
    assert project.model_id("responder") == "org/vlm@unpinned+video-jpeg+schema"


def test_a_server_of_ours_has_no_address_of_the_users() -> None:
    with pytest.raises(UserError, match="engine vllm-server picks its own address: leave out base_url"):
        parse_project("roles: {judge: {engine: vllm-server, model: m, server: {base_url: 'http://host/v1'}}}", FILE)
    role = parse_project("roles: {judge: {engine: vllm-server, model: m, server: {frames: images}}}", FILE).roles.judge
    assert role.server is not None
    assert role.server.frames == "images"


def test_what_serves_a_model_is_part_of_its_identity(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    ids = {
        engine: role_identity(RoleSettings.model_validate({"engine": engine, **rest}), str(tmp_path))
        for engine, rest in {
            "transformers": {},
            "vllm": {},
            "vllm-server": {},
            "openai": {"model": "m", "server": {"frame_format": "png", "structured_output": False}},
        }.items()
    }
    assert ids["openai"] == ids["transformers"]
    assert ids["vllm"] == f"{ids['transformers']}+schema"
    assert ids["vllm-server"] == f"{ids['transformers']}+video-jpeg+schema"
