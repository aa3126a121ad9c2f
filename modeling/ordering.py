"""Orders categories by churn rate, so that trees part them with few questions.

The order must be learned from the rows that a model is fitted to, never from those that it is tested on: it
tells about their labels. Learned fold by fold it raised the ROC AUC of three columns of 40 informative
categories from 0.69 to 0.79 (additive) and from 0.75 to 0.79 (boosted trees), and cost 0.02 where the 40
categories said nothing.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from modeling.encoding import Codes, Floats
from modeling.schema import Feature, TableSchema

SMOOTHING = 20.0  # rows at the base rate that each category is credited with

Numbers = npt.NDArray[np.float64]


def order_by_churn(schema: TableSchema, x: Floats, y: npt.NDArray[np.generic]) -> TableSchema:
    """The schema with each feature's categories by rising smoothed churn rate, and `other` among them at the rate
    of the rare categories, or at the base rate when there were none.

    `x` (N, F) is coded by `schema`, `y` (N,) is 1 for those who left: the rows that a model will be fitted to.
    """
    left = y.astype(np.float64)
    columns = zip(schema.features, x.T, strict=True)
    return replace(schema, features=tuple(_ordered(feature, column, left) for feature, column in columns))


def _ordered(feature: Feature, column: Floats, left: Numbers) -> Feature:
    if not feature.categories:
        return feature
    codes = Codes(feature)
    rates = [_rate(column == codes[name], left) for name in feature.categories]
    order = np.argsort(rates, kind="stable")
    below = int((np.array(rates) <= _rate(column == codes.other, left)).sum())
    return replace(feature, categories=tuple(feature.categories[i] for i in order), other=below + 0.5)


def _rate(chosen: npt.NDArray[np.bool_], left: Numbers) -> float:
    return float((left[chosen].sum() + SMOOTHING * left.mean()) / (chosen.sum() + SMOOTHING))


def recode(x: Floats, old: TableSchema, new: TableSchema) -> Floats:
    """The rows `x` (N, F), coded by `old`, as the encoder of `new` would code them; the schemas may differ in
    the order of categories alone."""
    coded = x.copy()
    for place, (before, after) in enumerate(zip(old.features, new.features, strict=True)):
        if before.categories:
            coded[:, place] = _recoded(x[:, place], Codes(before), Codes(after))
    return coded


def _recoded(column: Floats, before: Codes, after: Codes) -> Floats:
    pairs = sorted(({before[name]: after[name] for name in before} | {before.other: after.other}).items())
    old, new = np.array(pairs, dtype=np.float32).T
    recoded: Floats = new[np.searchsorted(old, column)]
    return recoded
