"""What column names and cell values say about themselves: the words that customer tables use."""

import re

from modeling.encoding import fold

LEFT = {
    "yes", "y", "true", "t", "1", "ja", "oui", "si", "sí", "sim",
    "churn", "churned", "churner", "left", "leaver", "leave", "leaving", "exited", "exit", "cancelled", "canceled",
    "cancel", "attrited", "attrited customer", "attrition", "lost", "gone", "closed", "terminated", "lapsed",
    "unsubscribed", "inactive", "defected", "quit", "churned customer", "lost customer",
}  # fmt: skip
STAYED = {
    "no", "n", "false", "f", "0", "-1", "nein", "non", "não", "nao",
    "stayed", "stay", "stayer", "retained", "active", "existing", "existing customer", "current", "loyal", "kept",
    "not churned", "non churned", "not churn", "no churn", "non-churn", "nonchurn", "retained customer", "renewed",
    "open", "remained", "subscribed", "current customer", "active customer",
}  # fmt: skip
YES = {"yes", "y", "true", "t", "1", "ja", "oui", "si", "sí", "sim"}
NO = {"no", "n", "false", "f", "0", "nein", "non", "não", "nao"}
TELLING = LEFT - YES - {"t"}  # values that mean leaving in whatever column they stand

LEAVING = {
    "churn", "churned", "churner", "churning", "exited", "attrition", "attrited", "left", "leaver", "leave",
    "leaving", "cancelled", "canceled", "cancel", "cancels", "cancellation", "unsubscribed", "lapsed", "defected",
    "terminated", "termination", "quit", "abwanderung", "abgewandert", "gekündigt", "kündigung",
}  # fmt: skip
STAYING = {"retained", "retention", "stayed", "active", "renewed", "renewal", "loyal", "subscribed"}
LABELS = {"status", "target", "label", "outcome", "class", "response", "y"}
NOISE = {
    "is", "has", "was", "did", "will", "flag", "label", "value", "indicator", "yn", "bool", "customer", "client",
    "user", "member", "account", "subscriber", "the", "status", "target", "binary", "cat", "in", "next", "month",
}  # fmt: skip
AFTER = LEAVING | {"reason", "score", "probability", "prediction", "predicted", "classifier", "winback", "closed"}

WHO = {
    "customer", "customers", "client", "clients", "cust", "user", "account", "acct", "member", "subscriber",
    "person", "policy", "household", "contract", "kunde", "kunden", "cliente",
}  # fmt: skip
KEY = {"id", "ids", "uuid", "guid", "key", "num", "nr", "no", "number", "nummer", "identifier", "code", "ref"}
KEY_ALONE = {"id", "uuid", "guid", "identifier", "msno", "msisdn", "kundennummer"}
CONTACT = {"phone", "telephone", "mobile", "email", "mail"}
JOINED = re.compile(
    r"(customer|client|cust|user|account|acct|member|subscriber|policy|contract)(id|num|nr|no|number|key)"
)
ROW = {"row", "rownum", "rownumber", "index", "idx", "unnamed", "record", "seq", "serial", "sno"}
PERSON = {"surname", "lastname", "firstname", "forename", "fullname", "nachname", "vorname", "name"}

MONTHLY = {"monthly", "month", "weekly", "mrr", "arpu"}
PRICE = {
    "charge",
    "charges",
    "fee",
    "fees",
    "price",
    "revenue",
    "rev",
    "bill",
    "spend",
    "premium",
    "rent",
    "mrr",
    "arpu",
}
MONEY = PRICE | {"billing", "payment", "cost", "amount", "rate", "tariff"}
NOT_A_PERIOD = {
    "total", "annual", "yearly", "lifetime", "cumulative", "sum", "ltd", "last", "change", "diff", "refund", "refunds",
    "overdue", "extra", "increase", "rise", "growth", "percent", "pct", "ratio", "count",
}  # fmt: skip


def tokens(name: str) -> list[str]:
    """The words of a column name: `customerID`, `Customer Id` and `customer_id` are all customer and id."""
    spaced = re.sub(r"(?<=[a-zß-ÿ0-9])(?=[A-ZÀ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word for word in re.split(r"[^\w]+|_+", fold(spaced)) if word]


def words_of(name: str) -> set[str]:
    """The words of a name as a set."""
    return set(tokens(name))


def after_the_fact(name: str) -> bool:
    """Whether a column is named like something that is only known when a customer has left."""
    return bool(words_of(name) & AFTER) or "churn" in fold(name)
