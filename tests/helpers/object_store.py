"""A real S3 server with a bucket."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",  # otherwise boto3 asks the network for a role
}


@contextmanager
def bucket(name: str = "bucket") -> Iterator[dict[str, str]]:
    """Run an S3 server with a bucket, and yield the variables with which boto3 and DVC find it."""
    boto3 = pytest.importorskip("boto3")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # one line per request otherwise
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        settings = _KEYS | {"AWS_ENDPOINT_URL": "http://{}:{}".format(*server.get_host_and_port())}
        client_of(settings, boto3).create_bucket(Bucket=name)
        yield settings
    finally:
        server.stop()


def client_of(settings: dict[str, str], boto3=None):
    """Return boto3's client of the server."""
    boto3 = boto3 or pytest.importorskip("boto3")
    return boto3.client(
        "s3",
        endpoint_url=settings["AWS_ENDPOINT_URL"],
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        region_name=settings["AWS_DEFAULT_REGION"],
    )
