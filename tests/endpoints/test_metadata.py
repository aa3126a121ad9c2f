"""The service describes itself truly."""

import re
import time
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from sqlalchemy import make_url

from endpoints.apis import TOKEN_ONLY
from tests.support.deployment import insert_config
from tests.support.models import Trained
from tests.support.proxy import Proxy
from tests.support.stack import application, configure


def test_the_openapi_document_is_valid_and_holds_the_trained_fields(client: FlaskClient, trained: Trained) -> None:
    document = client.get("/openapi.json").get_json()
    validate(document)
    assert document["openapi"].startswith("3.1")
    request = document["components"]["schemas"]["PredictRequest"]
    assert {feature.name for feature in trained.schema.features} <= set(request["properties"])
    assert "client_id" in request["required"]
    assert f"may be sent as {trained.schema.id} instead" in request["properties"]["client_id"]["description"]


def test_its_example_is_answered_and_the_answer_fits_its_schema(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    example = document["components"]["schemas"]["PredictRequest"]["examples"][0]
    answer = client.post("/predict", json={**example, "reasons": 2})
    assert answer.status_code == 200
    schema = {"$ref": "#/components/schemas/Answer", "components": document["components"]}
    Draft202012Validator(schema).validate(answer.get_json())


def test_the_answer_of_a_batch_fits_its_schema(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    example = document["components"]["schemas"]["PredictRequest"]["examples"][0]
    rows = {"instances": [{"key": 1, **example}, {"key": "two", **example}, {"key": 1, **example}]}
    answer = client.post("/v1/predict/batch", json=rows).get_json()
    for name, each in (("BatchRequest", rows), ("BatchAnswer", answer)):
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        Draft202012Validator(schema).validate(each)
    schema = {"$ref": "#/components/schemas/BatchRequest", "components": document["components"]}
    assert not Draft202012Validator(schema).is_valid({"instances": [{"key": 2**60, **example}]})


def test_every_api_route_is_described(app: APIFlask, client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    names_of = {each.name for each in TOKEN_ONLY}
    rules = [str(rule) for rule in app.url_map.iter_rules() if rule.endpoint.split(".")[0] in names_of]
    served = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule) for rule in rules}
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


def test_it_follows_a_change_that_another_process_announced(client: FlaskClient, app: APIFlask) -> None:
    wiring = app.extensions["holdfast"]
    assert client.get("/metadata").get_json()["config_revision"] == 1
    insert_config(wiring.engine, proba_cutoff="0.4")
    assert client.get("/metadata").get_json()["config_revision"] == 1
    wiring.announce()
    assert client.get("/metadata").get_json()["config_revision"] == 2


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


def test_readiness_learns_by_itself_that_redis_went_and_came(tmp_path: Path, trained: Trained, redis_url: str) -> None:
    address = make_url(redis_url)
    with Proxy(address.host or "127.0.0.1", address.port or 6379) as proxy:
        through = address.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        with application(tmp_path, trained, through) as app:
            configure(app, aliases=trained.aliases)
            anonymous = app.test_client()

            def wait_for(status: str) -> None:
                deadline = time.monotonic() + 12
                while (found := anonymous.get("/health/ready").get_json())["status"] != status:
                    assert time.monotonic() < deadline, found
                    time.sleep(0.1)

            wait_for("ready")
            proxy.become("refuse")
            wait_for("degraded")
            told = anonymous.get("/health/ready")
            assert (told.status_code, set(told.get_json()["degraded"])) == (200, {"redis"})
            proxy.become("pass")
            wait_for("ready")


def test_a_redirect_keeps_where_it_leads(app: APIFlask) -> None:
    app.add_url_rule("/folder/", "folder", lambda: "in the folder")
    answer = app.test_client().get("/folder")
    assert (answer.status_code, answer.headers["Location"]) == (308, "http://localhost/folder/")


def test_an_unknown_address_is_a_problem_document(client: FlaskClient) -> None:
    answer = client.get("/nothing")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    answer = client.get("/predict")
    assert (answer.status_code, answer.content_type) == (405, "application/problem+json")
    assert "POST" in answer.headers["Allow"]
