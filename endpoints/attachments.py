"""A file that is saved under a name that somebody else chose."""

from urllib.parse import quote


def attachment(name: str) -> str:
    """The value of Content-Disposition: the name whole for today's browsers (RFC 8187), and what of it is plain ASCII
    for others. A header can carry neither other letters as they are, nor the ends of lines."""
    plain = "".join(letter if letter.isascii() and letter.isprintable() else "_" for letter in name)
    quoted = plain.replace("\\", "_").replace('"', "_")
    return f"attachment; filename=\"{quoted}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
