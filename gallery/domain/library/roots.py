"""The roots as clients see them."""

from gallery.database.engine import Reader
from gallery.domain.sync.library import Library
from gallery.model import Problem, RootState
from gallery.store.library import problems
from gallery.store.sync import roots, unread
from gallery.values.times import moment


async def states(reader: Reader, library: Library) -> list[RootState]:
    """Return the state of every root. A root that was served before, but is not now, is offline."""
    found = []
    unreadable = await problems.by_root(reader)
    with_unread = await unread.roots_with_some(reader)
    for row in await roots.all_roots(reader):
        status = library.roots.get(row.id)
        items = unreadable.get(row.id, problems.RootProblems())
        reasons = status.problems if status else []
        found.append(
            RootState(
                name=row.name,
                state=status.state if status else "offline",
                item_count=row.item_count,
                missing_count=row.missing_count,
                last_scan=None if row.last_scan is None else moment(row.last_scan),
                progress=status.progress if status else None,
                has_unread=row.id in with_unread,
                problem_count=items.total,
                problems=[
                    *(Problem("", reason) for reason in reasons),
                    *row.problems,
                    *items.first,
                ],
            )
        )
    return found
