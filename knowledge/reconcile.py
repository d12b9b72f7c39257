"""What a stage has to do: the comparison of what it wants with what it has.

Belongs here: pure comparison of ids and fingerprints. Does not: reading or writing rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Unit ids by what must happen to them; every id stands in exactly one tuple."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]
    same: tuple[str, ...]

    @property
    def work(self) -> tuple[str, ...]:
        return self.new + self.changed

    @property
    def idle(self) -> bool:
        return not (self.new or self.changed or self.gone)


def reconcile(wanted: Mapping[str, str], have: Mapping[str, str]) -> Plan:
    """Compare `{unit id: fingerprint}` as it should be with the marks of the last run."""
    return Plan(
        new=tuple(u for u in wanted if u not in have),
        changed=tuple(u for u, mark in wanted.items() if u in have and have[u] != mark),
        gone=tuple(u for u in have if u not in wanted),
        same=tuple(u for u, mark in wanted.items() if have.get(u) == mark),
    )
