"""Models on record, as their training would have left them."""

from datetime import UTC, datetime

from apiflask import APIFlask

from data import model_store
from modeling.card import Card, read_card
from modeling.verification import read_folder

RECORDED_AT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


def record_models(app: APIFlask, *refs: str) -> list[Card]:
    """Puts the models of the folders on record, the last one being the newest; gives their cards."""
    wired = app.extensions["holdfast"]
    cards = []
    for ref in refs:
        folder = read_folder(wired.settings.var_dir / "models", ref)
        card = read_card(folder.file("card.json"))
        stored = card.model_dump(mode="json")
        with wired.engine.begin() as connection:
            model_store.add(connection, folder.name, folder.version, RECORDED_AT, stored, folder.manifest_sha256)
        cards.append(card)
    return cards
