"""Models by reference: loaded once, decorated once, refused when they do not fit together."""

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import orjson
import pytest
from onnx import TensorProto, helper, numpy_helper

from modeling.artifacts import Folder, ModelRefused, write_folder
from modeling.decorators.base import ModelDecorator
from modeling.interface import MLModel
from modeling.registry import ModelRegistry
from modeling.runtimes.onnx import open_session
from tests.support.models import Trained

CLASS = "tests.support.third_party:TenureRule"


def test_what_is_there_is_offered_in_order(models_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(models_dir, tmp_path / "models")
    for version in ("2", "10", "x", "0"):
        shutil.copytree(models_dir / "additive" / "1", tmp_path / "models" / "additive" / version)
    (tmp_path / "models" / ".draft-1").mkdir()
    found = ModelRegistry(tmp_path / "models", classes=[CLASS]).available()
    assert found == [
        *("additive@1", "additive@2", "additive@10"),
        *("catboost@1", "gradient_boosting@1", "heuristic@1", "tenure_rule@7"),
    ]


def test_without_a_folder_nothing_is_offered(tmp_path: Path) -> None:
    assert ModelRegistry(tmp_path / "none").available() == []


def test_a_model_is_loaded_and_decorated_once_for_all_threads(models_dir: Path) -> None:
    made: list[MLModel] = []

    def decorate(model: MLModel) -> MLModel:
        made.append(model)
        return ModelDecorator(model)

    registry = ModelRegistry(models_dir, decorate=decorate)
    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(registry.load, ["catboost@1"] * 32))
    assert len(made) == 1
    assert len({id(one) for one in loaded}) == 1
    assert isinstance(loaded[0].model, ModelDecorator)


def test_a_model_is_checked_anew_where_it_lies(models_dir: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(models_dir, tmp_path / "models")) / "additive" / "1"
    registry = ModelRegistry(tmp_path / "models", classes=[CLASS])
    registry.recheck("tenure_rule@7")
    registry.recheck("additive@1")
    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    with pytest.raises(ModelRefused, match="exchanged since it was loaded"):
        registry.recheck("additive@1")
    shutil.rmtree(folder)
    with pytest.raises(ModelRefused, match="no such folder"):
        registry.recheck("additive@1")
    assert registry.load("additive@1").ref == "additive@1"


def test_a_loaded_model_comes_with_its_papers(models_dir: Path, trained: Trained) -> None:
    loaded = ModelRegistry(models_dir).load("additive@1")
    assert loaded.schema == trained.schema
    assert loaded.card.schema_digest == trained.schema.digest()
    assert set(loaded.plots) == {"roc", "calibration", "gains", "lift", "scores", "effects"}
    assert orjson.loads(loaded.reference)["score"]["shares"]
    assert len(loaded.manifest_sha256) == 64


def test_a_third_partys_class_is_served_under_its_own_name(tmp_path: Path) -> None:
    loaded = ModelRegistry(tmp_path, classes=[CLASS]).load("tenure_rule@7")
    kinds = {feature.name: (feature.kind, feature.nullable) for feature in loaded.schema.features}
    assert kinds == {
        "tenure_months": ("number", False),
        "monthly_charge": ("number", False),
        "contract": ("category", True),
    }
    tenure, _, contract = loaded.schema.features
    assert (tenure.integer, tenure.default, tenure.description) == (True, 12, "Months since the signing up.")
    assert contract.categories == ("Monthly", "Yearly", "Two years")
    given = loaded.model.input_schema(tenure_months=3, monthly_charge=9.5)
    assert loaded.model.predict(given).probability == 0.25


@pytest.mark.parametrize("name", ["NotAModel", "Broken", "Nameless", "Missing", "Subscriber"])
def test_a_class_that_is_no_model_is_refused_by_its_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelRefused, match=f"third_party:{name}|name@version"):
        ModelRegistry(tmp_path, classes=[f"tests.support.third_party:{name}"])


@pytest.mark.parametrize("path", ["nowhere.at:All", "nocolon", "", ":", "tests.support.third_party:"])
def test_a_path_to_nothing_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ModelRefused, match="MODEL_CLASSES"):
        ModelRegistry(tmp_path, classes=[path])


def rewritten(models_dir: Path, tmp_path: Path, ref: str, **changed: Any) -> ModelRegistry:
    """A registry over one folder whose card was changed, its manifest in order."""
    name, version = ref.split("@")
    source = models_dir / name / version
    files = {p.relative_to(source).as_posix(): p.read_bytes() for p in source.rglob("*") if p.is_file()}
    del files["manifest.json"]
    files["card.json"] = orjson.dumps({**orjson.loads(files["card.json"]), **changed})
    write_folder(tmp_path, name, int(version), files)
    return ModelRegistry(tmp_path)


@pytest.mark.parametrize(
    ("ref", "changed", "said"),
    [
        ("additive@1", {"version": "2"}, "another model"),
        ("additive@1", {"name": "catboost"}, "another model"),
        ("additive@1", {"runtime": "pickle"}, "card.json cannot be read: runtime"),
        ("additive@1", {"runtime": "class"}, "no known runtime"),
        ("additive@1", {"cutoff": 7}, "card.json cannot be read: cutoff"),
        ("additive@1", {"runtime": "heuristic"}, "rules.json is missing"),
        ("heuristic@1", {"runtime": "onnx"}, "model.onnx is missing"),
        ("additive@1", {"explainer": "trees"}, "trees.txt is missing"),
    ],
)
def test_papers_that_do_not_fit_are_refused(
    models_dir: Path, tmp_path: Path, ref: str, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(Exception, match=said) as caught:
        rewritten(models_dir, tmp_path, ref, **changed).load(ref)
    assert type(caught.value).__name__ in {"ModelRefused", "UserError"}


def graph(*, inputs: int = 2, external: bool = False, output: str = "probability") -> bytes:
    """A little logistic model; with `external` its weights lie in another file."""
    weights = numpy_helper.from_array(np.ones((inputs, 1), np.float32), "w")
    if external:
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value="../../secret.bin")
    made = helper.make_graph(
        [helper.make_node("MatMul", ["features", "w"], ["s"]), helper.make_node("Sigmoid", ["s"], [output])],
        "g",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, inputs])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [None, 1])],
        [weights],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    return bytes(model.SerializeToString())


def test_a_graph_with_its_weights_elsewhere_is_refused() -> None:
    with pytest.raises(ModelRefused, match="outside the graph"):
        open_session(graph(external=True), "x@1", 2)
    assert onnx.load_from_string(graph(external=True)).graph.initializer[0].external_data[0].value == "../../secret.bin"


@pytest.mark.parametrize("body", [b"", b"not a graph", graph()[:-20], graph(inputs=3), graph(output="score")])
def test_a_graph_that_does_not_fit_is_refused(body: bytes) -> None:
    with pytest.raises(ModelRefused, match=r"model\.onnx"):
        open_session(body, "x@1", 2)


def test_trees_that_cannot_be_read_are_refused() -> None:
    from helpers.errors import UserError
    from modeling.explain import TreeExplainer

    for text in (b"", b"tree\nversion=v4\n", b"\xff" * 100):
        with pytest.raises(UserError, match=r"trees\.txt"):
            TreeExplainer(text, 2)


def test_a_file_of_a_folder_is_named_when_it_is_missing() -> None:
    with pytest.raises(ModelRefused, match=r"a@1 is refused: card\.json is missing"):
        Folder("a", "1", {}, "").file("card.json")


def test_the_loading_of_models_imports_no_training_library() -> None:
    import subprocess

    code = (
        "import sys, modeling.registry, modeling.decorators.cache\n"
        "heavy = {'lightgbm', 'catboost', 'sklearn', 'pandas', 'scipy', 'matplotlib', 'onnx', 'pyarrow'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
