"""Exact reasons for tree models: tree SHAP by LightGBM's own C library, without its Python package.

Lundberg, Erion and Lee, "Consistent individualized feature attribution for tree ensembles", 2018
(arXiv:1802.03888), algorithm 2. The package would bring pandas and scikit-learn into the web process;
the library beside it needs neither.
"""

import ctypes
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from helpers.errors import UserError

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

FLOAT32, ROW_MAJOR, CONTRIBUTIONS, ALL_TREES = 0, 1, 3, -1
LIBRARY_NAMES = ("lib_lightgbm.so", "lib_lightgbm.dylib", "lib_lightgbm.dll")
PARAMETERS = b"num_threads=1"


class TreeExplainer:
    """The contributions of each feature to the log-odds that a forest gives, for any number of threads.

    `trees` is a model in LightGBM's text format. Raises UserError when it cannot be read, or when the
    library is not there.
    """

    def __init__(self, trees: bytes, features: int) -> None:
        self._library = _library()
        self._features = features
        self._lock = Lock()
        self._booster = ctypes.c_void_p()
        iterations = ctypes.c_int()
        self._call("LGBM_BoosterLoadModelFromString", trees, ctypes.byref(iterations), ctypes.byref(self._booster))
        self._fast = self._prepared()

    def explain(self, row: Floats) -> Doubles:
        """(F + 1,) for one row (F,): the effect of each feature, then the base; they sum to the log-odds."""
        data = np.ascontiguousarray(row, np.float32)
        self._check(data.shape[-1])
        result = np.empty(self._features + 1)
        length = ctypes.c_int64()
        with self._lock:
            self._call(
                "LGBM_BoosterPredictForMatSingleRowFast",
                self._fast,
                _at(data),
                ctypes.byref(length),
                _at(result),
            )
        return result

    def explain_many(self, matrix: Floats) -> Doubles:
        """(N, F + 1) for (N, F)."""
        data = np.ascontiguousarray(matrix, np.float32)
        self._check(data.shape[-1])
        result = np.empty((len(data), self._features + 1))
        length = ctypes.c_int64()
        shape = (ctypes.c_int32(len(data)), ctypes.c_int32(self._features), ROW_MAJOR)
        which = (CONTRIBUTIONS, 0, ALL_TREES, PARAMETERS)
        with self._lock:
            self._call(
                "LGBM_BoosterPredictForMat",
                self._booster,
                _at(data),
                FLOAT32,
                *shape,
                *which,
                ctypes.byref(length),
                _at(result),
            )
        return result

    def __del__(self) -> None:
        if getattr(self, "_fast", None):
            self._library.LGBM_FastConfigFree(self._fast)
        if getattr(self, "_booster", None):
            self._library.LGBM_BoosterFree(self._booster)

    def _prepared(self) -> ctypes.c_void_p:
        """The single-row configuration, parsed once instead of once a row."""
        fast = ctypes.c_void_p()
        which = (CONTRIBUTIONS, 0, ALL_TREES, FLOAT32, ctypes.c_int32(self._features), PARAMETERS)
        self._call("LGBM_BoosterPredictForMatSingleRowFastInit", self._booster, *which, ctypes.byref(fast))
        return fast

    def _check(self, width: int) -> None:
        """The C library reads exactly F numbers a row, whatever it is given."""
        if width != self._features:
            raise ValueError(f"{width} numbers given where the model has {self._features} features")

    def _call(self, function: str, *arguments: Any) -> None:
        if getattr(self._library, function)(*arguments) != 0:
            reason = self._library.LGBM_GetLastError().decode(errors="replace")
            raise UserError(f"trees.txt cannot be used: {reason}; train the model again")


def _at(array: npt.NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


@cache
def _library() -> ctypes.CDLL:
    """LightGBM's shared library, held to one thread: a thread pool would not survive a fork."""
    spec = find_spec("lightgbm")
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    found = [path for place in folders for name in LIBRARY_NAMES if (path := place / "lib" / name).is_file()]
    if not found:
        raise UserError("LightGBM's library is not installed: install requirements.txt again")
    try:
        library = ctypes.CDLL(str(found[0]))
    except OSError as error:
        raise UserError(f"LightGBM's library cannot be loaded: {error}; on Debian, apt-get install libgomp1") from error
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    library.LGBM_SetMaxThreads(1)
    return library
