"""A disk store of clips as they are sent to servers: decoded, shrunk and encoded once for all roles and runs."""

import io
import zipfile
from collections.abc import Sequence

from videopasta_assets.lake.capped_folder import CappedFolder


class PictureStore(CappedFolder):
    """The encoded frames of clips, one plain zip archive of pictures a clip; see `CappedFolder`."""

    suffix = ".zip"
    kind = "encoded frames"

    def get(self, key: str) -> list[bytes] | None:
        """The pictures stored under `key`, in order; None where there are none or they cannot be read."""
        path = self._path(key)
        found: list[bytes] = []
        try:
            with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
                found = [archive.read(name) for name in archive.namelist()]
            path.touch()
        except FileNotFoundError:
            pass
        except (OSError, zipfile.BadZipFile) as error:
            self._drop(key, error)
            found = []
        self.hits += bool(found)
        self.misses += not found
        return found or None

    def put(self, key: str, pictures: Sequence[bytes]) -> bool:
        """Store `pictures`; false where there is no room for them or the disk refuses."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
            for number, picture in enumerate(pictures):
                # A fixed date: equal pictures give equal files.
                archive.writestr(zipfile.ZipInfo(f"{number:04}"), picture)
        return self._store(key, content.getvalue())
