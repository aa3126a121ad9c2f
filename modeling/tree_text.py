"""A forest in LightGBM's model text, which its C library explains."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from modeling.forest import Forest, Tree

NAN_MISSING, DEFAULT_LEFT = 2 << 2, 1 << 1  # bits of `decision_type`
HEADER = """tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx={last}
objective=binary sigmoid:1
feature_names={names}
feature_infos={infos}
tree_sizes={sizes}

"""


def tree_text(forest: Forest) -> bytes:
    """The text of the forest, its bias added to the first tree: the format has no other place for it."""
    blocks = [_block(i, tree, forest.bias if i == 0 else 0.0) for i, tree in enumerate(forest.trees)]
    names = " ".join(f"f{i}" for i in range(forest.features))
    infos = " ".join("[-1e30:1e30]" for _ in range(forest.features))
    sizes = " ".join(str(len(block)) for block in blocks)
    header = HEADER.format(last=forest.features - 1, names=names, infos=infos, sizes=sizes)
    return (header + "".join(blocks) + "end of trees\n").encode()


def _block(number: int, tree: Tree, bias: float) -> str:
    lines = {"num_leaves": len(tree.value), "num_cat": 0}
    arrays: dict[str, Iterable[Any]] = {}
    if len(tree.feature):
        arrays = {
            "split_feature": tree.feature,
            "split_gain": np.ones(len(tree.feature)),
            "threshold": tree.threshold,
            "decision_type": NAN_MISSING + DEFAULT_LEFT * tree.nan_left,
            "left_child": tree.left,
            "right_child": tree.right,
        }
    arrays["leaf_value"] = tree.value + bias
    if len(tree.feature):
        arrays |= {
            "leaf_weight": tree.count,
            "leaf_count": tree.count.astype(np.int64),
            "internal_value": np.zeros(len(tree.feature)),
            "internal_weight": tree.inner_count,
            "internal_count": tree.inner_count.astype(np.int64),
        }
    text = "".join(f"{name}={value}\n" for name, value in lines.items())
    text += "".join(
        f"{name}={' '.join(repr(x) for x in np.asarray(array).tolist())}\n" for name, array in arrays.items()
    )
    return f"Tree={number}\n{text}is_linear=0\nshrinkage=1\n\n\n"
