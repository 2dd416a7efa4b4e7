"""Model identities: `name@revision`, known before anything is loaded.

A plan must say whether a model has changed without loading it. On the hub the revision is the resolved commit; of a
folder it is a hash of the files that loading reads. Hashing gigabytes takes a while, so digests are remembered by
path, size and time of change, in the user's cache folder.
"""

import contextlib
import hashlib
import json
import os
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from videopasta_assets.config.serving import ServerSettings
from videopasta_assets.config.settings import RoleSettings
from videopasta_assets.errors import UserError
from videopasta_assets.hashing import stable_hash

_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_LOADED: Final = ("*.safetensors", "*.json", "*.jinja", "*.model", "merges.txt", "vocab.txt")
_SHOWN_DIGITS: Final = 16
# A folder of such a name says nothing about what is in it; its parent does.
_GENERIC_NAMES: Final = frozenset({"model", "checkpoint", "adapter"})

HELD_TO_SCHEMA: Final = "+schema"
"""Suffix of a model whose replies an engine holds to the request's JSON schema."""

UNPINNED: Final = "unpinned"
"""Revision of a served model whose settings give none."""


def model_identity(model: str | Path, revision: str | None = None) -> str:
    """`name@revision` of a folder or of a model on the hub; the hub is asked once a process.

    Raises:
        UserError: neither a folder with weights nor a model that can be found.
    """
    folder = Path(model)
    if folder.is_dir():
        return f"{_folder_name(folder)}@{folder_digest(folder)}"
    return f"{model}@{_commit(str(model), revision)}"


def served_identity(model: str | Path, revision: str | None, server: ServerSettings) -> str:
    """Identity of a model behind a server: of a local folder the hash of its files, else what the settings say.

    The server is not asked: a plan is made without it, and it could not prove its answer. What changes replies of the
    same model is a part: frames as images or compressed, and replies that are held to a schema.
    """
    folder = Path(model)
    local = folder.is_dir() and any(folder.glob("*.safetensors"))
    identity = model_identity(folder) if local else f"{server.model or model}@{revision or UNPINNED}"
    return identity + _way_of_asking(server)


def own_server_identity(model: str | Path, revision: str | None, server: ServerSettings) -> str:
    """Identity of a model behind a server that we start: what it serves is known.

    Raises:
        UserError: neither a folder with weights nor a model that can be found.
    """
    return model_identity(model, revision) + _way_of_asking(server)


def role_identity(role: RoleSettings, source: str) -> str:
    """Identity of the model that answers for a role; it is not loaded for it.

    Args:
        role: the role's settings.
        source: what is loaded: a folder, or a name on the hub.

    Raises:
        UserError: no such model.
    """
    server = role.server or ServerSettings()
    if role.engine == "openai":
        return served_identity(source, role.revision, server)
    if role.engine == "vllm-server":
        return own_server_identity(source, role.revision, server)
    return model_identity(source, role.revision) + (HELD_TO_SCHEMA if role.engine == "vllm" else "")


def _way_of_asking(server: ServerSettings) -> str:
    """What the way of asking changes of what a model sees or may write."""
    exact = server.frames == "video" and server.frame_format == "png"
    way = "" if exact else f"+{server.frames}-{server.frame_format}"
    return way + (HELD_TO_SCHEMA if server.structured_output else "")


def adapter_identity(folder: Path) -> str:
    """`name@hash` of a LoRA adapter's folder.

    Raises:
        UserError: no adapter there, or one that is not stored as safetensors.
    """
    if not (folder / "adapter_config.json").is_file():
        raise UserError("no adapter_config.json", where=str(folder), fix="Point to the folder of a LoRA adapter.")
    return f"{_folder_name(folder)}@{folder_digest(folder)}"


def folder_digest(folder: Path) -> str:
    """Hash of the weights and configuration in `folder` (16 hex digits).

    Raises:
        UserError: no safetensors in it.
    """
    files = sorted({path for pattern in _LOADED for path in folder.glob(pattern) if path.is_file()})
    if not any(path.suffix == ".safetensors" for path in files):
        raise UserError(
            "no *.safetensors files",
            where=str(folder),
            fix="Point to a folder that save_pretrained wrote, with safe serialization.",
        )
    remembered = _Remembered.load()
    digest = stable_hash([(path.name, remembered.digest(path)) for path in files])
    remembered.save()
    return digest[:_SHOWN_DIGITS]


def _folder_name(folder: Path) -> str:
    folder = folder.resolve()
    return folder.parent.name if folder.name in _GENERIC_NAMES else folder.name


@cache
def _commit(name: str, revision: str | None) -> str:
    if revision is not None and _COMMIT.fullmatch(revision):
        return revision
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise UserError("no such model folder", where=name, fix="Correct the path, or name a model on the hub.")
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        commit = HfApi().model_info(name, revision=revision).sha
    except Exception as error:  # a network fails in many ways, and the HTTP client's own errors have no common base
        try:
            return Path(snapshot_download(name, revision=revision, local_files_only=True)).name
        except (LocalEntryNotFoundError, HFValidationError, OSError):
            raise UserError(
                f"model {name!r} is neither a folder nor a model that the hub gives us ({type(error).__name__})",
                fix="Correct the name, give a folder, or download the model on a machine with a network.",
            ) from error
    return str(commit)


class _Remembered:
    """Digests of files by path, size and time of change; losing them costs time only."""

    def __init__(self, digests: dict[str, str]) -> None:
        self._digests = digests
        self._changed = False

    @staticmethod
    def _path() -> Path:
        root = os.environ.get("XDG_CACHE_HOME")
        return (Path(root) if root else Path.home() / ".cache") / "videopasta-assets" / "file-digests.json"

    @classmethod
    def load(cls) -> "_Remembered":
        try:
            digests = json.loads(cls._path().read_text())
        except (OSError, ValueError, RuntimeError):
            digests = {}
        return cls(digests if isinstance(digests, dict) else {})

    def digest(self, path: Path) -> str:
        status = path.stat()
        key = f"{path.resolve()}:{status.st_size}:{status.st_mtime_ns}"
        if key not in self._digests:
            with path.open("rb") as stream:
                self._digests[key] = hashlib.file_digest(stream, "blake2b").hexdigest()[:32]
            self._changed = True
        return self._digests[key]

    def save(self) -> None:
        if not self._changed:
            return
        with contextlib.suppress(OSError, RuntimeError):
            path = self._path()
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as stream:
                json.dump(self._digests, stream)
            Path(stream.name).replace(path)
