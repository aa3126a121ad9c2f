"""The service describes itself truly."""

from typing import Any

from apiflask import APIFlask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.support.models import Trained
from tests.support.stack import configure


def test_the_openapi_document_is_valid_and_holds_the_trained_fields(client: FlaskClient, trained: Trained) -> None:
    document = client.get("/openapi.json").get_json()
    validate(document)
    assert document["openapi"].startswith("3.1")
    request = document["components"]["schemas"]["PredictRequest"]
    assert {feature.name for feature in trained.schema.features} <= set(request["properties"])
    assert "client_id" in request["required"]


def test_its_example_is_answered_and_the_answer_fits_its_schema(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    example = document["components"]["schemas"]["PredictRequest"]["examples"][0]
    answer = client.post("/predict", json={**example, "reasons": 2})
    assert answer.status_code == 200
    schema = {"$ref": "#/components/schemas/Answer", "components": document["components"]}
    Draft202012Validator(schema).validate(answer.get_json())


def test_every_api_route_is_described(app: APIFlask, client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    token_only = ("predict", "config", "health", "metadata")
    served = {str(rule) for rule in app.url_map.iter_rules() if rule.endpoint.split(".")[0] in token_only}
    assert served - set(document["paths"]) == {"/docs"}
    names = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(names) == len(set(names))


def test_metadata_tells_what_is_in_service(client: FlaskClient, app: APIFlask, trained: Trained) -> None:
    configure(app, shadow=["heuristic"])
    told: dict[str, Any] = client.get("/metadata").get_json()
    assert told["champion"] == trained.aliases["champion"]
    models = {each["serves_as"]: each for each in told["models"]}
    assert set(models) == {"champion", "heuristic"}
    assert models["heuristic"]["shadow"]
    assert models["champion"]["share"] == 1.0
    assert "prediction_id" in models["champion"]["output_schema"]["properties"]


def test_metrics_need_a_token_and_count(client: FlaskClient, app: APIFlask, customer: dict[str, Any]) -> None:
    assert app.test_client().get("/metrics").status_code == 401
    client.post("/predict", json={"client_id": "x", **customer})
    text = client.get("/metrics").get_data(as_text=True)
    assert 'holdfast_predictions_total{arm="champion"' in text
    assert 'holdfast_http_requests_total{method="POST",route="/predict",status="200"} 1.0' in text


def test_health_needs_no_token(app: APIFlask) -> None:
    anonymous = app.test_client()
    assert anonymous.get("/health").get_json() == {"status": "alive"}
    assert anonymous.get("/health/ready").get_json() == {"status": "ready", "config_revision": 1, "degraded": {}}
    assert anonymous.get("/health/startup").status_code == 200


def test_an_unknown_address_is_a_problem_document(client: FlaskClient) -> None:
    answer = client.get("/nothing")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    answer = client.get("/predict")
    assert (answer.status_code, answer.content_type) == (405, "application/problem+json")
    assert "POST" in answer.headers["Allow"]
