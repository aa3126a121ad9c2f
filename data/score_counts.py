"""How many clients have which score, for whoever weighs a cutoff."""

from sqlalchemy import Connection, func, select

from data.expressions import nearest
from data.tables import client_latest

BINS = 100
MOST = 200_000
_HALF = 0.5 - 1e-9  # 0.29 * 100 is a little below 29


def score_counts(connection: Connection, most: int = MOST) -> list[int]:
    """How many clients have a newest score from n/100 to below (n + 1)/100, for each n from 0; a score of 1 counts as
    the highest. At most `most` clients are read, and those of the holdout have no score here."""
    known = select(client_latest.c.prediction).where(client_latest.c.prediction.is_not(None)).limit(most).subquery()
    scores = select(nearest(known.c.prediction * BINS - _HALF).label("bin")).subquery()
    counts = [0] * BINS
    for place, number in connection.execute(select(scores.c.bin, func.count()).group_by(scores.c.bin)):
        counts[min(int(place), BINS - 1)] += number
    return counts
