"""Instructions to SQLite's query planner in the text of a statement."""


def unindexed(column: str) -> str:
    """Return a numeric column as a term for which SQLite uses no index.

    SQLite chooses an index by the form of a statement, without the number of rows. For example, it
    would walk an index of all present items where a few ids are looked up. The plus sign makes the
    column an expression, which has no index, and does not change its value. PostgreSQL uses the
    number of rows; it has no such sign for texts.
    """
    return f"+{column}"
