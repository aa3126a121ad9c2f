"""The rows of a batch: all checked together where nothing is out of the ordinary, one by one where something is.

Only the latter says what is wrong, so there is one wording of errors.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError

from endpoints.problems import Problem, field_problem
from endpoints.questions import KEY, LARGEST_KEY, Key, question
from services.answers import Question
from services.client_id import LONGEST_ID
from services.questions import Unfit, questions
from services.snapshot import Snapshot

MOST_INSTANCES = 1_000
Row = tuple[Any, Question | Problem]
"""The row's key, and its question or what is wrong with it."""
_KEYS = TypeAdapter(list[Key], config=ConfigDict(strict=True))
_KEY_RULE = (
    f"must be text of 1 to {LONGEST_ID} characters without control characters, or a whole number of at most"
    f" {LARGEST_KEY:,} either way"
)


def flat_instances(raw: bytes) -> list[dict[str, Any]] | None:
    """Those of a body without a doubt; None for one that the strict reader should look at.

    Each name is followed by one colon. As many colons as names therefore mean that no name came twice, which orjson
    does not tell; more colons may also stand in texts.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    instances = body.get("instances") if isinstance(body, dict) and len(body) == 1 else None
    if not isinstance(instances, list) or not 1 <= len(instances) <= MOST_INSTANCES:
        return None
    if not all(isinstance(each, dict) for each in instances):
        return None
    return instances if raw.count(b":") == 1 + sum(map(len, instances)) else None


def rows_together(instances: Sequence[dict[str, Any]], snapshot: Snapshot) -> list[Row] | None:
    """A question for each, or None where any is at fault. Takes the instances apart."""
    try:
        keys = _KEYS.validate_python([each.pop("key", None) for each in instances])
        asked = questions(instances, snapshot)
    except (ValidationError, Unfit):
        return None
    return list(zip(keys, asked, strict=True)) if len(set(keys)) == len(keys) else None


def rows_one_by_one(body: dict[str, Any], snapshot: Snapshot) -> list[Row]:
    """Raises Problem 422 for what is no batch."""
    taken: set[Any] = set()
    return [_row(position, instance, snapshot, taken) for position, instance in enumerate(_instances(body))]


def _instances(body: dict[str, Any]) -> list[Any]:
    unknown = sorted(set(body) - {"instances"})
    if unknown:
        raise field_problem(unknown[0], "unknown field; a batch holds instances alone")
    instances = body.get("instances")
    if not isinstance(instances, list) or not 1 <= len(instances) <= MOST_INSTANCES:
        raise field_problem("instances", f"must be a list of 1 to {MOST_INSTANCES:,} customers")
    return instances


def _row(position: int, instance: Any, snapshot: Snapshot, taken: set[Any]) -> Row:
    """The key joins those `taken`."""
    place = f"instances.{position}."
    if not isinstance(instance, dict):
        return None, field_problem(place.rstrip("."), "must be an object")
    try:
        key = KEY.validate_python(instance.get("key"))
    except ValidationError:
        return None, field_problem(f"{place}key", _KEY_RULE)
    if key in taken:
        return key, field_problem(f"{place}key", "is the key of an earlier row; each row needs its own")
    taken.add(key)
    try:
        return key, question({k: v for k, v in instance.items() if k != "key"}, snapshot, place)
    except Problem as problem:
        return key, problem
