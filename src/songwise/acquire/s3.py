"""Mirrors in object storage (s3://BUCKET/PREFIX): their files are downloaded by HTTPS, with a signature in the address.

So downloads from a bucket are resumed, repeated and checked like all others. boto3 comes with the extra `s3` and is
imported on use. It finds keys, region and endpoint where all tools for S3 do: in AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL and so on, in ~/.aws, or from the machine's role.
"""

import threading

from songwise.errors import InputError

SCHEME = "s3://"
_SECONDS = 7 * 24 * 3600  # how long a signature is valid; the longest that S3 allows
_THREAD = threading.local()
_INSTALL = "a mirror in S3 needs packages that are not installed: pip install -e '.[s3]'"
_KEYS = (
    "there are no keys for S3. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE to a profile in ~/.aws"
)


def check_bucket(uri: str, key: str) -> None:
    """Check that a bucket can be read.

    Parameters
    ----------
    uri : str
        s3://BUCKET, or s3://BUCKET/PREFIX.
    key : str
        The key of the configuration, for the message.

    Raises
    ------
    InputError
        If boto3 is not installed, there are no keys, or the bucket does not exist or is refused.
    """
    bucket, prefix = _parts(uri)
    if not bucket:
        raise InputError(f"config: {key}: '{uri}' has no bucket (expected s3://BUCKET/PREFIX)")
    client = _client(key)
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except NoCredentialsError:
        raise InputError(f"config: {key}: {_KEYS}") from None
    except ClientError as error:
        raise InputError(f"config: {key}: {uri}: {_refusal(error, bucket)}") from None
    except BotoCoreError as error:
        raise InputError(
            f"config: {key}: {uri}: {error} (AWS_ENDPOINT_URL names servers other than Amazon's)"
        ) from None


def signed_url(uri: str) -> str:
    """Return an address from which a file in a bucket can be downloaded without further keys.

    Parameters
    ----------
    uri : str
        s3://BUCKET/KEY.

    Returns
    -------
    str
        An http(s) URL that is valid for a week, or as long as the keys of this machine's role are.

    Raises
    ------
    InputError
        If boto3 is not installed.
    """
    bucket, key = _parts(uri)
    return _client("mirror").generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=_SECONDS
    )


def _parts(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    return bucket, key


def _client(key: str):
    if not hasattr(_THREAD, "client"):
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise InputError(f"config: {key}: {_INSTALL}") from None
        # A session per thread: boto3's default one must not be shared. The older signature is refused by most servers.
        settings = Config(signature_version="s3v4", connect_timeout=10, read_timeout=30, retries={"max_attempts": 3})
        _THREAD.client = boto3.session.Session().client("s3", config=settings)
    return _THREAD.client


def _refusal(error, bucket: str) -> str:
    code = error.response["Error"]["Code"]
    if code == "NoSuchBucket":
        return f"there is no bucket '{bucket}'"
    if code in ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403"):
        return f"these keys may not read the bucket ({code})"
    return f"the server answers {code}"
