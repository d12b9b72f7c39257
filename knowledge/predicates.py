"""How two names of a sentence relate, read from the few words between them without a parser."""

import re

from knowledge.vocabulary import (
    AUXILIARY,
    BREAKING,
    IRREGULAR_VERBS,
    PASSED_OVER,
    PREPOSITIONS,
    REGULAR_VERBS,
)

CO_OCCURS = "co-occurs"
MOST_WORDS = 4

_PLAIN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def _forms(base: str) -> tuple[str, ...]:
    if base.endswith("e"):
        return f"{base}s", f"{base}d", f"{base[:-1]}ing"
    if base.endswith("y") and base[-2] not in "aeiou":
        return f"{base[:-1]}ies", f"{base[:-1]}ied", f"{base}ing"
    if base.endswith(("s", "sh", "ch", "x", "z", "ss")):
        return f"{base}es", f"{base}ed", f"{base}ing"
    doubled = base + base[-1] if re.fullmatch(r"[^aeiou]*[aeiou][bdgklmnprt]", base) else base
    return f"{base}s", f"{doubled}ed", f"{doubled}ing"


_VERBS = IRREGULAR_VERBS | {form for base in REGULAR_VERBS for form in _forms(base)}


def predicate(between: str) -> str:
    """The words between two names as a lower-case verb phrase of at most MOST_WORDS, or "co-occurs".

    "Acme is part of Beta" gives "is part of"; a comma, a conjunction, another capital or an unknown first verb
    gives "co-occurs".
    """
    if not 0 < len(between) <= 60:
        return CO_OCCURS
    phrase = [w for w in between.split() if w not in PASSED_OVER]
    if not 0 < len(phrase) <= MOST_WORDS:
        return CO_OCCURS
    if not all(w.islower() and w not in BREAKING and _PLAIN.fullmatch(w) for w in phrase):
        return CO_OCCURS
    first, last = phrase[0], phrase[-1]
    verb = first in _VERBS or first in AUXILIARY or (first.endswith("ed") and len(phrase) > 1)
    ends = last in PREPOSITIONS or last in _VERBS or phrase in (["is"], ["are"], ["was"], ["were"])
    return " ".join(phrase) if verb and ends else CO_OCCURS
