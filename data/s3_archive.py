"""The archive in S3, or in a store that speaks its protocol."""

import threading
from typing import TYPE_CHECKING

import structlog
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECT_SECONDS, READ_SECONDS = 3, 10
THERE_ALREADY = {"PreconditionFailed", "412"}
UNKNOWN_CONDITION = {"NotImplemented", "501"}
DEFAULT_REGION = "us-east-1"

log = structlog.get_logger()


class S3Archive:
    """Objects in `bucket`; credentials and region come from boto3's usual places.

    Nothing connects before the first `put`. There are no retries here: the outbox has them.
    """

    def __init__(self, bucket: str, endpoint_url: str = "") -> None:
        self._bucket = bucket
        self._endpoint_url = endpoint_url or None
        self._lock = threading.Lock()
        self._client: S3Client | None = None
        self._conditional = True

    def warm(self) -> None:
        """Boto3's descriptions of S3, a dozen megabytes. Raises botocore.exceptions.BotoCoreError."""
        self._connected()

    def put(self, key: str, body: bytes) -> None:
        """Raises botocore.exceptions.BotoCoreError or ClientError."""
        if not self._conditional:
            self._put(key, body)
            return
        try:
            self._put_if_absent(key, body)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in UNKNOWN_CONDITION:
                log.info("archive_without_conditions", bucket=self._bucket)
                self._conditional = False
                self._put(key, body)
            elif code not in THERE_ALREADY:
                raise

    def _put_if_absent(self, key: str, body: bytes) -> None:
        self._connected().put_object(
            Bucket=self._bucket, Key=key, Body=body, ContentType="application/gzip", IfNoneMatch="*"
        )

    def _put(self, key: str, body: bytes) -> None:
        self._connected().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/gzip")

    def _connected(self) -> "S3Client":
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> "S3Client":
        """A store of one's own rarely has a host name per bucket, and may not know the newer checksums."""
        own = self._endpoint_url is not None
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path" if own else "auto"},
            request_checksum_calculation="when_required",
        )
        session = Session()
        region = session.region_name or DEFAULT_REGION
        return session.client("s3", region_name=region, endpoint_url=self._endpoint_url, config=config)
