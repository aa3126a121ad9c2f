"""Tables in Markdown, and the part of a page that a benchmark writes."""


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def heading(*cells: str) -> str:
    """The first row of a table, and the line below it."""
    return row(*cells) + row(*["-"] * len(cells))


def written_into(page: str, scenario: str, text: str) -> str:
    """The page with `text` between the marks of the scenario."""
    begin, end = f"<!-- written by ./run.sh bench {scenario} -->\n", "<!-- until here -->\n"
    before, rest = page.split(begin)
    return f"{before}{begin}\n{text}\n\n{end}{rest.split(end)[1]}"
