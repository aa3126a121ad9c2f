"""How much work a training may do."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """The knobs of one training; the defaults are for a real table of 1,000 to 200,000 rows.

    `folds` × `seeds` is the cross-validation; one fold of `test_folds` is held out. `search_folds` and
    `search_rows` bound the search for settings and the number of trees. `resamples` is the bootstrap's.
    """

    algorithms: tuple[str, ...] = ("additive", "gradient_boosting", "catboost", "heuristic")
    folds: int = 5
    seeds: tuple[int, ...] = (0, 1, 2)
    test_folds: int = 5
    split_seed: int = 0
    search_folds: int = 5
    search_rows: int = 50_000
    most_trees: int = 1_000
    resamples: int = 500
    plots: bool = True
    threads: int = 2

    def for_rows(self, rows: int) -> "TrainingPlan":
        """The same plan with fewer repeats where the table is so large that they say nothing new."""
        return self if rows <= 200_000 else replace(self, seeds=self.seeds[:1])


QUICK = TrainingPlan(folds=2, seeds=(0,), search_folds=2, most_trees=30, resamples=50)
