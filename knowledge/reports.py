"""Reports of communities without a language model: quoted, deterministic, bottom-up.

Belongs here: what a report says and when it must be said again. Does not: finding what to say (findings, quotes).
"""

import math
from collections.abc import Iterable, Sequence

from knowledge.community import Community
from knowledge.findings import own_findings
from knowledge.fingerprint import fingerprint
from knowledge.quotes import RELATIONSHIPS, Said, strongest
from knowledge.report import Cited, Counter, Finding, Report, rough_tokens
from knowledge.resolution import Entity, Relationship

VERSION = "1"
BUDGET = 800
TITLE_NAMES = 3
SUMMARY_SENTENCES = 3
MOST_FINDINGS = 16
LONGEST_NAME = 80


def owners(communities: Iterable[Community], pairs: Iterable[tuple[str, str]]) -> list[str | None]:
    """For each pair of entities the deepest community that holds both, or None.

    A report is given the relationships that its community owns in this sense: those inside a child are in the
    child's report already.
    """
    places: dict[str, list[str]] = {}
    for community in sorted(communities, key=lambda c: c.level):
        for member in community.members:
            places.setdefault(member, []).append(community.id)
    found: list[str | None] = []
    for source, target in pairs:
        deepest = None
        for one, other in zip(places.get(source, ()), places.get(target, ()), strict=False):
            if one != other:
                break
            deepest = one
        found.append(deepest)
    return found


def fingerprint_of(
    members: Iterable[Entity],
    relationships: Iterable[Relationship],
    passages: Iterable[Cited],
    children: Iterable[Report] = (),
    *,
    budget_tokens: int = BUDGET,
) -> str:
    """Over members, edges, the passages' texts and the children's reports: the same, and the report reads the same.

    No id of a document or chunk, nor of the community, has a part in it: a clean build gives the same.
    """
    parts = (
        sorted(f"{m.id} {m.fingerprint}" for m in members),
        sorted(f"{r.id} {r.fingerprint}" for r in relationships),
        sorted({p.fingerprint for p in passages}),
        sorted(child.fingerprint for child in children),
    )
    return fingerprint("report", VERSION, str(budget_tokens), *(fingerprint(*part) for part in parts))


def evidence_of(passages: Iterable[Cited], children: Iterable[Report] = ()) -> str:
    """Over the ids of the chunks that may be cited: when a text moves to another document, the report must follow."""
    ids = {p.chunk_id for p in passages}.union(*(child.citations for child in children))
    return fingerprint("evidence", *sorted(ids))


def write(
    community: Community,
    members: Sequence[Entity],
    relationships: Sequence[Relationship],
    passages: Sequence[Cited],
    children: Sequence[Report] = (),
    *,
    mark: str | None = None,
    budget_tokens: int = BUDGET,
    count: Counter = rough_tokens,
) -> Report:
    """The report of a community: the names at its centre, and sentences that state its strongest relationships.

    `relationships` are those the community owns (see `owners`), `passages` what was read for `wanted_support`. With
    `children` the report is made of theirs, beside the relationships that cross from one to another. Every finding
    cites the passages it stands in. Title, summary and findings together stay within `budget_tokens`, as `count`
    measures; the title is always there. Ties are broken by names and texts, never by ids of documents or chunks.
    `mark`: the report's fingerprint where it is known already.
    """
    names = {member.id: member.name for member in members}
    inside = strongest((r for r in relationships if r.source_id in names and r.target_id in names), names)
    central = _central(members, inside)
    title = _title([names[member] for member in central])
    order = {member: rank for rank, member in enumerate(central)}
    own = own_findings(members, inside[:RELATIONSHIPS], passages, order, alone=not children)
    chosen, summary, used = _within(_ranked(own, children), budget_tokens, count, count(title))
    return Report(
        community_id=community.id,
        level=community.level,
        title=title,
        summary=summary,
        findings=chosen,
        rating=_rating(members, inside, children),
        tokens=used,
        fingerprint=mark or fingerprint_of(members, relationships, passages, children, budget_tokens=budget_tokens),
    )


def _central(members: Iterable[Entity], relationships: Iterable[Relationship]) -> list[str]:
    """Member ids by the weight of their relationships here, then by mentions, then by name."""
    weights: dict[str, float] = {}
    for r in relationships:
        weights[r.source_id] = weights.get(r.source_id, 0.0) + r.weight
        weights[r.target_id] = weights.get(r.target_id, 0.0) + r.weight
    # Rounded: a sum of floats may differ in its last digit with the order of equal relationships.
    order = sorted(members, key=lambda m: (-round(weights.get(m.id, 0.0), 6), -m.mention_count, m.name, m.id))
    return [member.id for member in order]


def _title(names: Sequence[str]) -> str:
    """ "A, B and C" of the first names, each once."""
    distinct = list({name.casefold(): name for name in reversed(names)}.values())[::-1][:TITLE_NAMES]
    short = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…" for name in distinct]
    return " and ".join(filter(None, (", ".join(short[:-1]), short[-1] if short else "")))


def _ranked(own: Sequence[Finding], children: Iterable[Report]) -> list[Finding]:
    """The findings in the order in which they are taken: what crosses first, then each child in turn."""
    ranked = sorted(children, key=lambda c: (-c.rating, c.title, c.summary, c.fingerprint))
    lists = [list(own), *(list(child.findings) for child in ranked)]
    deepest = max(map(len, lists), default=0)
    return [findings[place] for place in range(deepest) for findings in lists if place < len(findings)]


def _within(
    findings: Iterable[Finding], budget: int, count: Counter, used: int
) -> tuple[tuple[Finding, ...], str, int]:
    """(findings, summary, tokens of everything) inside the budget; the first findings are the summary too."""
    chosen: list[Finding] = []
    summary: list[str] = []
    said = Said()
    for finding in findings:
        cost = count(finding.summary) + 1
        leads = len(summary) < SUMMARY_SENTENCES
        if used + (2 if leads else 1) * cost > budget or said.repeats(finding.summary, finding.entities):
            continue
        chosen.append(finding)
        said.add(finding.summary, finding.entities)
        if leads:
            summary.append(finding.summary)
        used += (2 if leads else 1) * cost
        if len(chosen) == MOST_FINDINGS:
            break
    return tuple(chosen), " ".join(summary), used


def _rating(members: Sequence[Entity], relationships: Iterable[Relationship], children: Iterable[Report]) -> float:
    """From 0 to 10, growing with members, their mentions and documents, and the weight between them."""
    sums = (
        len(members),
        sum(m.mention_count for m in members),
        sum(m.document_count for m in members),
        math.fsum(r.weight for r in relationships),
    )
    own = 10.0 * (1.0 - math.exp(-sum(map(math.log1p, sums)) / 8.0))
    return round(max((own, *(child.rating for child in children))), 2)
