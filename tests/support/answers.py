"""Answers as the prediction service gives them."""

from typing import Any

from services.answers import Answer


def answer(client_id: str = "7590-VHVEG", prediction: float | None = 0.6312, **changes: Any) -> Answer:
    """An answer of the champion; of the holdout when `prediction` is None."""
    held = prediction is None
    ltv = changes.pop("ltv", 1420.5)
    given: dict[str, Any] = {
        "prediction_id": f"id-of-{client_id}",
        "client_id": client_id,
        "prediction": prediction,
        "high_risk": None if prediction is None else "yes" if prediction >= 0.5 else "no",
        "ltv": ltv,
        "money_at_risk": None if prediction is None or ltv is None else round(prediction * ltv, 2),
        "recent_times_id_seen": 3,
        "arm": "holdout" if held else "champion",
        "model": "additive",
        "model_version": "1",
        "config_revision": 17,
        "reasons": [] if held else [{"feature": "Contract", "value": "Month-to-month", "effect": 0.8}],
        "warnings": [],
        "response_time": 0.001,
    }
    return Answer(**{**given, **changes})
