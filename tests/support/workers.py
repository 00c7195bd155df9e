"""Access to worker processes for tests."""

from gallery.media.worker import Workers


def processes_of(workers: Workers) -> list[int]:
    return [child.id for child in workers._children]  # noqa: SLF001
