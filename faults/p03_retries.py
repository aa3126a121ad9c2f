"""P3: what a client sends again is answered with the first answer, and kept once."""

import asyncio
import random
from collections import Counter, defaultdict

import orjson

from faults.finding import Finding
from faults.world import Database, Servers
from tests.support.connections import Connections, Reply, posted
from tests.support.own_loop import ran

AT_ONCE = 50
WAIT_SECONDS = 60.0
COME_AGAIN = (409, 503)


def try_it(servers: Servers, database: Database, *, keys: int = 100, posts: int = 50) -> Finding:
    customer = servers.customers()[0]
    with servers.service(database, "web") as deployment:
        tries = [f"key-{number}" for number in range(keys)] * posts
        random.Random(keys).shuffle(tries)
        bodies = {key: orjson.dumps({"client_id": key, **customer}) for key in tries}
        replies = ran(_all(deployment.url, [(key, bodies[key]) for key in tries]))
        other = orjson.dumps({"client_id": "somebody else", **customer})
        changed = ran(_all(deployment.url, [(key, other) for key in bodies]))
        deployment.wait_for(f"select count(*) >= {keys} from model_logs", 1, WAIT_SECONDS)
        rows = deployment.scalar("select count(*) from model_logs")
    answers = defaultdict(set)
    for key, reply in zip(tries, replies, strict=True):
        answers[key].add(reply.body)
    statuses, refusals = (Counter(reply.status for reply in some) for some in (replies, changed))
    alike = sum(len(found) == 1 for found in answers.values())
    return Finding(
        promise="P3",
        on=database,
        fault=f"{keys} keys × {posts} posts in no order, {AT_ONCE} at once; then each key with another body",
        count=f"{len(tries):,} posts, {statuses[200]:,} × 200",
        figure=f"{rows} rows of {keys} keys; {alike} keys with one answer, byte for byte;"
        f" {refusals[422]} × 422 for another body",
        holds=rows == keys == alike == refusals[422] and set(statuses) == {200},
    )


async def _all(url: str, wanted: list[tuple[str, bytes]]) -> list[Reply]:
    connections, turns = Connections(url), asyncio.Semaphore(AT_ONCE)

    async def ask(key: str, body: bytes) -> Reply:
        request = posted("/predict", body, Idempotency_Key=f'"{key}"')
        async with turns:
            reply = await connections.exchange(request)
            while reply.status in COME_AGAIN:  # another is at this very answer
                await asyncio.sleep(0.1)
                reply = await connections.exchange(request)
        return reply

    replies = await asyncio.gather(*(ask(key, body) for key, body in wanted))
    connections.close()
    return replies
