"""What is known of the documents around the place that a walk has come to, read a page at a time in its order."""

from resources.sources.base import Known

PAGE = 20_000
"""Documents read at once: however large the source, a walk holds a few pages of what is known."""


class Window:
    """{ref: version} of known documents. A walk takes out what it sees; what is left behind it is absent."""

    def __init__(self, known: Known, after: str) -> None:
        self.held: dict[str, str] = {}
        self.absent: list[str] = []
        self._known, self._reach, self._whole = known, after, False

    def cover(self, first: str, last: str) -> None:
        """Hold what is known from `first` to `last`, the next refs of the walk."""
        if self._whole or last <= self._reach:
            return
        self.absent += [ref for ref in self.held if ref < first]
        self.held = {ref: version for ref, version in self.held.items() if ref >= first}
        while not self._whole and last > self._reach:
            self._turn()

    def _turn(self) -> None:
        page = self._known.versions(self._reach, PAGE)
        self._whole = len(page) < PAGE
        self._reach = next(reversed(page), self._reach)
        self.held |= page

    def close(self, end: str | None) -> list[str]:
        """The absent refs up to where the walk has ended; None: it has seen everything."""
        while end is None and not self._whole:
            self.absent += self.held
            self.held = {}
            self._turn()
        self.absent += [ref for ref in self.held if end is None or ref <= end]
        return self.absent
