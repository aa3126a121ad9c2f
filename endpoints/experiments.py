"""The experiments and their readouts, for programs."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from apiflask import APIBlueprint
from flask import Response

from endpoints.client_paths import take_any_text
from endpoints.edge import json_response, wiring
from endpoints.from_database import from_database
from endpoints.operations import READ_ERRORS, Operation, described, in_path, object_of
from endpoints.problems import Problem, field_problem
from endpoints.tokens import require_token
from services.readout import reading
from services.readout.listing import Listed
from services.readout.listing import experiments as listed
from services.readout.reading import Readout, ReadoutBusy, UnknownExperiment

T = TypeVar("T")
experiments = APIBlueprint("experiments", __name__, tag="Experiments")
experiments.record_once(take_any_text)
AWAY = "experiments are read from the database, which does not answer now; try again"
_NAME = in_path("name", {"type": "string", "minLength": 1})
_READOUT = described(Readout)
OPERATIONS: Mapping[str, Operation] = {
    "experiments": Operation("Experiments", READ_ERRORS, scope="read"),
    "experiment_readout": Operation("Readout", (*READ_ERRORS, 404), scope="read", path=(_NAME,)),
}
SCHEMAS: Mapping[str, Any] = {
    **_READOUT.pop("$defs"),
    "Readout": _READOUT,
    "Experiments": object_of({"experiments": {"type": "array", "items": described(Listed)}}),
}


@experiments.get("/v1/experiments")
@experiments.doc(operation_id="experiments")
def list_experiments() -> Response:
    """The experiments that ran or run, and the months of the permanent holdout."""
    require_token("read")
    found = _from_database(lambda: listed(wiring().engine, wiring().clock))
    return json_response({"experiments": found})


@experiments.get("/v1/experiments/<any_text:name>/readout")
@experiments.doc(operation_id="experiment_readout")
def read_experiment(name: str) -> Response:
    """What an experiment has shown so far. It may be read as often as one likes: its intervals allow for that."""
    require_token("read")
    wired = wiring()
    config = wired.snapshot().config
    try:
        return json_response(_from_database(lambda: reading.read(wired.engine, wired.clock, config, name)).as_dict())
    except UnknownExperiment as error:
        raise field_problem("name", str(error), 404) from error


def _from_database(read: Callable[[], T]) -> T:
    """What `read` gives. Raises Problem 503 while the database does not answer, or is asked for other readouts."""
    try:
        return from_database(read, AWAY)
    except ReadoutBusy as error:
        raise Problem(503, str(error), headers={"Retry-After": "5"}) from error
