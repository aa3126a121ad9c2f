"""The configuration as a YAML file, for a team that keeps it in a repository of its own."""

import re
from collections.abc import Hashable
from typing import Any

import yaml

from helpers.errors import UserError
from services.config.current import Current
from services.config.model import LiveConfig

WIDTH = 110
_FLAG = re.compile("^(?:true|false)$")
_WHOLE = re.compile("^[-+]?(?:0|[1-9][0-9]*)$")
_DECIMAL = re.compile(r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?$")
_LEFT_OUT = {f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float", "timestamp")}


class _Loader(yaml.SafeLoader):
    """Makes plain data only, as its base does, and reads plain words as YAML 1.2: `off` is text, and only `true` and
    `false` are flags. `010` is not eight, `1:30` not ninety, and `.inf`, which JSON lacks, no number.

    Neither a key that appears twice nor an alias is taken: the one hides a value, the other can grow without end."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not taken", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} appears twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag not in _LEFT_OUT]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _FLAG, list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _WHOLE, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _DECIMAL, list("-+.0123456789"))


def written(current: Current) -> str:
    """Every key in force, each under what it means. Reading it again gives the same values."""
    lines = [
        f"# The configuration of Holdfast, revision {current.revision}.",
        "# `./run.sh config import FILE --dry-run` checks and rehearses it; without --dry-run it is put into force.",
    ]
    for key, value in current.values.items():
        default = " This is the default." if key in current.defaults else ""
        shown = yaml.safe_dump({key: value}, allow_unicode=True, sort_keys=True, width=WIDTH)
        lines += ["", f"# {LiveConfig.model_fields[key].description}{default}", shown.rstrip("\n")]
    return "\n".join(lines) + "\n"


def values_of_file(text: str) -> dict[str, Any]:
    """The values that a file holds; not all keys need be in it. Raises UserError, naming the line."""
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506  # nosec B506
    except (yaml.YAMLError, RecursionError, TypeError, ValueError) as error:
        raise UserError(f"the file is not YAML that can be read: {_in_one_line(error)}", "file") from None
    if not isinstance(found, dict) or not found:
        raise UserError("the file must hold keys of the configuration, such as `proba_cutoff: 0.6`", "file")
    return {str(key): value for key, value in found.items()}


def _in_one_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark else ""
    return where + (getattr(error, "problem", None) or str(error).splitlines()[0])
