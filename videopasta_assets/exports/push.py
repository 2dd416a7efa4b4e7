"""Upload an export to a model hub with the user's own token, after saying what would be uploaded."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.exports.folder import Export

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


@dataclass(frozen=True)
class Upload:
    """What would be uploaded, and where to."""

    export: Export
    repository: str
    private: bool
    sizes: dict[str, int]

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(self.sizes.values())


def plan_upload(export: Export, repository: str, *, private: bool = True) -> Upload:
    """The upload of every file of the export.

    Raises:
        UserError: the repository's name is none, or the export links to files outside it.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise UserError(f"{repository!r} names no repository", fix="Give user/name.")
    if any((export.folder / file).is_symlink() for file in export.files):
        raise UserError(
            "links to videos cannot be uploaded", where=str(export.folder), fix="Use --videos copy or relative."
        )
    sizes = {file: (export.folder / file).stat().st_size for file in export.files}
    return Upload(export, repository, private, sizes)


def push(upload: Upload, api: "HfApi | None" = None) -> str:
    """Make the repository if it is not there, upload the files in one commit, and return its address.

    The token is the user's: HF_TOKEN, or that of an earlier login.

    Raises:
        UserError: there is no token.
        VideoPastaError: the hub cannot be reached, or refuses.
    """
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError

    if api is None:
        token = get_token()
        if token is None:
            raise UserError("there is no token for the hub", fix="Set HF_TOKEN, or log in with `hf auth login`.")
        api = HfApi(token=token)
    kind = upload.export.kind
    try:
        api.create_repo(upload.repository, repo_type=kind, private=upload.private, exist_ok=True)
        commit = api.upload_folder(
            repo_id=upload.repository,
            repo_type=kind,
            folder_path=Path(upload.export.folder),
            allow_patterns=list(upload.sizes),
            commit_message=f"Upload {kind} made by videopasta-assets",
        )
    except (HfHubHTTPError, OSError) as error:
        raise VideoPastaError(f"the hub did not take {upload.repository}: {_first_line(error)}") from error
    return str(commit)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
