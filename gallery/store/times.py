"""The newest time in the database: the clock must not be earlier."""

from gallery.database.engine import Reader
from gallery.values.times import Millis


async def newest(reader: Reader) -> Millis:
    """Return the newest time (ms) of a change that clients may have seen; 0 in a new database.

    Each part reads the end of an index, or a table of few rows.
    """
    row = await reader.one(
        """
        SELECT
          (SELECT COALESCE(MAX(c.updated_at), 0) FROM collection AS c),
          COALESCE((
            SELECT i.added_at FROM item AS i WHERE i.missing_since = 0
            ORDER BY i.added_at DESC LIMIT 1), 0),
          (SELECT COALESCE(MAX(i.missing_since), 0) FROM item AS i),
          (SELECT COALESCE(MAX(r.last_scan), 0) FROM root AS r)
        """
    )
    return Millis(max(row) if row else 0)
