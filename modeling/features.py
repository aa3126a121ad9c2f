"""The columns of a trained table, by the names that the other rooms use."""

from modeling.encoding import Codes, Encoder, Floats
from modeling.input_warnings import input_warnings
from modeling.inputs import input_model, values_of
from modeling.schema import Feature, Kind, TableSchema, Value

__all__ = [
    "Codes",
    "Encoder",
    "Feature",
    "Floats",
    "Kind",
    "TableSchema",
    "Value",
    "input_model",
    "input_warnings",
    "values_of",
]
