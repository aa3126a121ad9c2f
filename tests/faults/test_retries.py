"""Retries that arrive all at once, at any process: one row and one answer for each key."""

import random
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.support.deployment import TOKEN, Deployment
from tests.support.stack import Deploy

pytestmark = [pytest.mark.slow, pytest.mark.promise("P3")]
KEYS, POSTS = 12, 25


def test_concurrent_retries_are_one(
    deploy: Deploy, fresh_mariadb_url: str, redis_url: str, redis_client: object, customer: dict[str, Any]
) -> None:
    deployment = deploy(DATABASE_URL=fresh_mariadb_url, REDIS_URL=redis_url, WEB_CONCURRENCY="2")
    deployment.start("web")
    tries = [f"key {number}" for number in range(KEYS)] * POSTS
    random.Random(1).shuffle(tries)
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda key: post(deployment, key, customer), tries))
    assert {answer.status_code for answer in answers} == {200}
    bodies = defaultdict(set)
    for key, answer in zip(tries, answers, strict=True):
        bodies[key].add(answer.content)
    assert [len(each) for each in bodies.values()] == [1] * KEYS
    assert post(deployment, tries[0], {**customer, "reasons": 1}).status_code == 422
    deployment.wait_for("select count(*) from model_logs", KEYS)


def post(deployment: Deployment, key: str, customer: dict[str, Any]) -> requests.Response:
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": f'"{key}"'}
    return requests.post(f"{deployment.url}/predict", json={"client_id": key, **customer}, headers=headers, timeout=30)
