"""What a model costs alone: one customer at a time inside one process, without HTTP, ledger or Redis."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from pydantic import BaseModel

from benchmarks.speed.customers import Body
from modeling.interface import MLModel
from modeling.registry import ModelRegistry
from services.meaning import reasons

ROUNDS, REASONS = 7, 3


def inside(registry: ModelRegistry, bodies: Sequence[Body]) -> dict[str, dict[str, float]]:
    """For each trained model microseconds a customer, medians of interleaved rounds: `score_us` with preprocessing,
    and `reasons_us` on top of it for three reasons."""
    cases = {ref: _cases(registry.load(ref).model, bodies) for ref in registry.available()}
    taken: dict[str, dict[str, list[float]]] = {ref: {name: [] for name in each} for ref, each in cases.items()}
    for _ in range(ROUNDS):
        for ref, each in cases.items():
            for name, use in each.items():
                taken[ref][name].append(use())
    return {ref: {name: round(median(some), 1) for name, some in each.items()} for ref, each in taken.items()}


def _cases(model: MLModel, bodies: Sequence[Body]) -> dict[str, Callable[[], float]]:
    plain = [{name: value for name, value in body.items() if name != "client_id"} for body in bodies]
    clients = [model.input_schema.model_validate(each) for each in plain]
    return {
        "score_us": lambda: _microseconds(model.predict, clients),
        "reasons_us": lambda: _microseconds(lambda client: reasons(model, client, REASONS), clients),
    }


def _microseconds(use: Callable[[BaseModel], Any], clients: Sequence[BaseModel]) -> float:
    use(clients[0])
    started = time.perf_counter()
    for client in clients:
        use(client)
    return 1e6 * (time.perf_counter() - started) / len(clients)
