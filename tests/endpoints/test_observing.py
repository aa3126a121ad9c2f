"""What a request may add to the metrics."""

from flask.testing import FlaskClient


def test_made_up_methods_share_one_label(client: FlaskClient) -> None:
    for number in range(20):
        assert client.open("/predict", method=f"RANDOM{number}").status_code == 405
    text = client.get("/metrics").get_data(as_text=True)
    assert "RANDOM" not in text
    assert 'holdfast_http_requests_total{method="other",route="unknown",status="405"} 20.0' in text
