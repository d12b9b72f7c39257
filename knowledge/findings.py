"""What a community's own passages say: the fewest sentences that state its strongest relationships.

Belongs here: the choice among quotes. Does not: finding sentences (quotes), composing a report (reports).
"""

from collections.abc import Iterable, Mapping, Sequence

from knowledge.quotes import RELATIONSHIPS, Quote, Said, named_in, quotes
from knowledge.report import Cited, Finding
from knowledge.resolution import Entity, Relationship

FEWEST = 2
MOST_TOGETHER = 3


def own_findings(
    members: Sequence[Entity],
    wanted: Sequence[Relationship],
    passages: Sequence[Cited],
    order: Mapping[str, int],
    *,
    alone: bool,
) -> list[Finding]:
    """Sentences of the passages that state the wanted relationships, the heaviest first, none said twice.

    `order` gives each member's rank. A community that stands `alone` (it has no children to speak for it) says at
    least something: sentences about one member, or else which members are named together.
    """
    weights: dict[tuple[str, str], float] = {}
    for r in wanted:
        pair = (r.source_id, r.target_id)
        weights[pair] = weights.get(pair, 0.0) + r.weight
    ends = {end for pair in weights for end in pair}
    voices = [m for m in members if m.id in ends] or sorted(members, key=lambda m: order[m.id])[:RELATIONSHIPS]
    candidates = quotes(passages, voices)
    described = {m.description for m in voices if m.description}
    findings = _greedy(candidates, weights, described, order)
    if not alone:
        return findings
    if len(findings) < FEWEST:
        known = {finding.summary for finding in findings}
        single = (q for q in candidates if q.text not in known)
        ranked = sorted(
            single, key=lambda q: (q.text not in described, -len(q.names), min(map(order.__getitem__, q.names)), q.text)
        )
        for quote in ranked[: FEWEST - len(findings)]:
            findings.append(quote.finding(0.0, order))
    return findings or _named_together(voices, weights, passages, order)


def _greedy(
    candidates: Iterable[Quote], weights: Mapping[tuple[str, str], float], described: set[str], order: Mapping[str, int]
) -> list[Finding]:
    """Of the sentences that hold both ends of a wanted pair, again and again the one that adds most weight."""
    covers = []
    for quote in candidates:
        pairs = {pair for pair in weights if pair[0] in quote.names and pair[1] in quote.names}
        if pairs:
            covers.append((quote, pairs))
    left = set(weights)
    findings: list[Finding] = []
    said = Said()
    while left:
        best = min(
            (
                (-sum(sorted(weights[p] for p in pairs & left)), q.text not in described, q.text, q)
                for q, pairs in covers
                if pairs & left
            ),
            key=lambda entry: entry[:3],
            default=None,
        )
        if best is None:
            break
        quote = best[3]
        left -= next(pairs for q, pairs in covers if q is quote)
        if not said.repeats(quote.text, quote.names):
            said.add(quote.text, quote.names)
            findings.append(quote.finding(-best[0], order))
    return findings


def _named_together(
    members: Sequence[Entity],
    weights: Mapping[tuple[str, str], float],
    passages: Sequence[Cited],
    order: Mapping[str, int],
) -> list[Finding]:
    """Where no sentence says it (tables, lists): who stands together with whom in which text, in our words."""
    here = {m.id: [p for p in passages if named_in(p, m)] for m in members}
    names = {m.id: m.name for m in members}
    groups: list[tuple[tuple[str, ...], float]] = [(pair, weight) for pair, weight in weights.items()]
    groups += [((member,), 0.0) for member in sorted(here, key=order.__getitem__)]
    findings: list[Finding] = []
    for group, weight in groups:
        both = [p for p in here[group[0]] if all(p in here[other] for other in group)]
        if both and len(findings) < MOST_TOGETHER:
            first = min(both, key=lambda p: (p.title or "", p.fingerprint, p.chunk_id))
            where = f"“{first.title}”" if first.title else "an untitled text"
            ends = sorted(group, key=order.__getitem__)
            said = " and ".join(names[end] for end in ends) + (
                " are named together in " if len(ends) > 1 else " is named in "
            )
            findings.append(Finding(said + where + ".", (first.chunk_id,), tuple(ends), round(weight, 3)))
    return findings
