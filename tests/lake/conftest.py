"""A lake on a real S3 server."""

import uuid
from collections.abc import Iterator

import pytest

from tests.fakes.s3_server import BUCKET, s3_server


@pytest.fixture(scope="package")
def s3() -> Iterator[str]:
    """Endpoint of the server."""
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def url(s3: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> str:
    """A prefix that nobody has used; copies of its folders are kept in the test's own cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"
