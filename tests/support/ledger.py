"""Rows of the ledger as answers leave them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from data.ledger_row import LedgerRow
from helpers.ids import new_id

NOON = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)


def row(client_id: str = "7590-VHVEG", **changes: Any) -> LedgerRow:
    """An answer of the champion, with two models scoring silently."""
    whole = LedgerRow(
        prediction_id=new_id(),
        client_id=client_id,
        answered_at=NOON,
        arm="champion",
        model="additive",
        model_version="3",
        config_revision=17,
        experiment="autumn",
        prediction=0.6312,
        high_risk=True,
        cutoff=0.5,
        ltv=1420.5,
        money_at_risk=896.62,
        recent_times_id_seen=3,
        input={"Contract": "Month-to-month", "tenure": 1, "note": "naïve 😀 'quoted' <b>"},
        output={"reasons": [{"feature": "Contract", "effect": 0.114}], "prediction": 0.6312},
        silent_scores={"gradient_boosting@1": 0.59, "heuristic@1": None},
        request_id="r-1",
        response_time=0.0018,
    )
    return replace(whole, **changes)
