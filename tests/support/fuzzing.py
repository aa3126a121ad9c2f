"""Requests drawn from the served OpenAPI document, and what every answer to one must be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import schemathesis
from apiflask import APIFlask
from hypothesis import HealthCheck, given, settings
from schemathesis import APIOperation, BaseSchema, Case, GenerationMode, Response
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks

from tests.support.deployment import TOKEN
from tests.support.long_form import LONG

Operation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Any]
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
HEADERS = ("Accept", "Accept-Encoding", "Cookie", "If-None-Match", "Origin", "Range", "X-Request-ID")
WORDS = ("text/html", "text/csv", "*/*;q=0", "gzip", "bytes=0-1", "null", "holdfast=x", "\xff", "", "a" * 300)
ODD_HEADERS = st.dictionaries(
    st.sampled_from(HEADERS),
    st.sampled_from(WORDS) | st.text(st.characters(codec="latin-1", exclude_categories=["Cc"])).map(str.strip),
    max_size=2,
)
IN_NO_SCHEMA = {"actions": "at", "outcomes": "observed_at", "config_change": "values"}
"""Fields with rules that a schema cannot hold: an instant that has come, values that go together."""
KEY = "Idempotency-Key"  # nor can it tell that one came before with another body; one that is no key is another status


@dataclass(frozen=True, slots=True)
class Served:
    """An application, by what it says of itself."""

    schema: BaseSchema

    def operations(self) -> dict[str, Operation]:
        """By name."""
        found: dict[str, Operation] = {}
        for result in self.schema.get_all_operations():
            operation = result.ok()  # type: ignore[union-attr]  # one that cannot be read raises
            found[name_of(operation)] = operation
        return found

    def edges(self, name: str) -> Iterator[AnyCase]:
        """The same cases each time: at and beyond every bound that the schema names, and other methods."""
        yield from self.schema.iter_coverage_cases(
            self.operations()[name],
            generation_modes=list(GenerationMode),
            generation_config=self.schema.config.generation,
        )


def read(app: APIFlask) -> Served:
    """What `app` serves as /openapi.json. Tokens are not drawn: they are sent, or they are not."""
    load_all_checks()
    config = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})
    schema = schemathesis.openapi.from_dict(app.test_client().get("/openapi.json").get_json(), config=config)
    schema.app = app
    return Served(schema)


def draw(operation: Operation, mode: GenerationMode, most: int) -> int:
    """Sends up to `most` drawn cases, each with the right token and without any, and gives their number. Raises what
    the checks raise, for the smallest case that it finds."""
    sent = 0

    @settings(
        max_examples=most, derandomize=not LONG, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode), headers=ODD_HEADERS)
    def send(case: AnyCase, headers: dict[str, str]) -> None:
        nonlocal sent
        sent += 1
        check_with_token(case, headers)
        check_without_token(case, headers)

    send()
    return sent


def check_with_token(case: AnyCase, headers: dict[str, str]) -> None:
    """The answer is as documented; what fits the schema is accepted, and nothing else."""
    response = case.call(headers={**headers, **RIGHT})
    excused = [checks.ignored_auth]
    if _names_bad_rows(response):
        excused.append(checks.negative_data_rejection)
    if _breaks_a_rule_in_no_schema(case, response):
        excused.append(checks.positive_data_acceptance)
    case.validate_response(response, excluded_checks=excused)


def check_without_token(case: AnyCase, headers: dict[str, str]) -> None:
    """The answer is as documented, and a refusal where a token is needed."""
    response = case.call(headers=headers)
    case.validate_response(response, excluded_checks=[checks.ignored_auth])
    if case.operation.definition.raw.get("security"):
        assert response.status_code in (401, 403, 415), response.text


def name_of(operation: Operation) -> str:
    return str(operation.definition.raw["operationId"])


def _names_bad_rows(response: Response) -> bool:
    """Rows are answered one by one, with 200: a bad one has its error there."""
    if response.status_code != 200 or response.headers["content-type"] != ["application/json"]:
        return False
    body = response.json()
    return any("error" in row for row in body.get("results", body.get("answers", [])))


def _breaks_a_rule_in_no_schema(case: AnyCase, response: Response) -> bool:
    if response.status_code != 422 or response.headers["content-type"] != ["application/problem+json"]:
        return False
    rule = IN_NO_SCHEMA.get(name_of(case.operation), KEY)
    return {each["field"].split(".")[0] for each in response.json()["errors"]} == {rule}
