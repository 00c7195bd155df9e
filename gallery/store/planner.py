"""What SQLite's query planner is told in the text of a statement."""


def unindexed(column: str) -> str:
    """Return a column of numbers as a term for which SQLite uses no index.

    SQLite chooses an index by the form of a statement: it does not know how many rows there are,
    and takes, say, one of all present items where a few ids are looked up. The plus sign changes no
    value and makes the column an expression, which no index serves. PostgreSQL knows the number of
    rows, and has no such sign for texts.
    """
    return f"+{column}"
