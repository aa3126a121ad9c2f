"""Settings kept in AWS Secrets Manager: one secret, a flat JSON object."""

import json
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from helpers.errors import UserError

QUICK = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"})


def read_secret(secret_id: str) -> dict[str, str]:
    """The pairs of the secret, as text, its keys in upper case.

    Region, credentials and address come the AWS way, from the environment or the machine's role.
    Raises UserError naming AWS_SECRET_ID, and never showing what the secret holds.
    """
    try:
        client = Session().client("secretsmanager", config=QUICK)
        answer = client.get_secret_value(SecretId=secret_id)
    except (BotoCoreError, ClientError, ValueError) as error:
        raise _unusable(secret_id, f"cannot be read: {error}") from None
    return _pairs(secret_id, answer.get("SecretString"))


def _pairs(secret_id: str, text: Any) -> dict[str, str]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise _unusable(secret_id, "is not a JSON object")
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise _unusable(secret_id, f"holds something else than text under {name}")
    return {name.upper(): str(value) for name, value in found.items()}


def _unusable(secret_id: str, why: str) -> UserError:
    message = f"The secret {secret_id} named by AWS_SECRET_ID {why.rstrip('.')}. Mend it, or AWS_SECRET_ID."
    return UserError(message, "AWS_SECRET_ID")
