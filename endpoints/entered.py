"""A form as it was posted, with what is wrong beside its fields."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from helpers.errors import UserError

REQUIRED = "Must be filled in."


@dataclass(frozen=True, slots=True)
class Entered:
    """What was entered, and what is wrong with it, both by field; `problem` is wrong with no field alone."""

    texts: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def refused(self) -> bool:
        return bool(self.errors or self.problem)

    @property
    def complaint(self) -> str:
        """What is wrong, in one sentence, for where the form is not shown again."""
        return self.problem or next(iter(self.errors.values()), "")

    def text(self, name: str) -> str:
        return self.texts.get(name, "").strip()

    def with_errors(self, errors: Mapping[str, str]) -> "Entered":
        return Entered(self.texts, {**self.errors, **errors}, self.problem)

    def refused_by(self, error: UserError) -> "Entered":
        """What a service says of it: beside the field that it names, where the form has that one."""
        if error.field in self.texts:
            return self.with_errors({error.field or "": sentence(str(error))})
        return Entered(self.texts, self.errors, sentence(str(error)))


def entered(form: Mapping[str, str], required: Collection[str]) -> Entered:
    """The form, each of the `required` fields that is blank being wrong."""
    texts = {name: text for name, text in form.items() if name != "csrf_token"}
    return Entered(texts, {name: REQUIRED for name in required if not texts.get(name, "").strip()})


def sentence(text: str) -> str:
    """With a full stop, and with a capital where it begins with a plain word."""
    first = text.split(" ", 1)[0]
    begun = text[:1].upper() + text[1:] if first.isalpha() else text
    return begun if begun.endswith((".", "?", "!")) else f"{begun}."
