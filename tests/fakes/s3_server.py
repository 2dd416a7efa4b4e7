"""A real S3 server on this machine, with one bucket; the environment leads there, credentials too."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

BUCKET = "lakes"


@contextmanager
def s3_server(bucket: str = BUCKET) -> Iterator[str]:
    """Its endpoint. Skips where moto or s3fs is not installed."""
    server = pytest.importorskip("moto.server", reason="moto is not installed")
    boto3 = pytest.importorskip("boto3")
    pytest.importorskip("s3fs", reason="s3fs is not installed: the extra s3")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket=bucket)
        yield endpoint
    running.stop()
