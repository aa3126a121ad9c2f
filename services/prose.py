"""What people write down in their own words: why they change something, and what they learned from it."""

from helpers.errors import UserError

LONGEST = 10_000  # characters: whatever their bytes, the database takes them


def check_length(text: str, field: str) -> None:
    """Raises UserError naming the field and the limit."""
    if len(text) > LONGEST:
        raise UserError(f"the {field} may have {LONGEST:,} characters at most; this one has {len(text):,}", field)
