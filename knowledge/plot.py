"""Small plots as SVG: a few bars with their labels and numbers, readable on light and dark pages."""

from collections.abc import Sequence
from html import escape

WIDTH, LABEL, NUMBER, ROW = 520, 200, 70, 22
LONGEST = 28
"""Characters of a label."""
BAR, TEXT = "#4f43dd", "#7f8694"


def bars(rows: Sequence[tuple[str, float]]) -> str:
    """One horizontal bar for each (label, number, at least 0); the longest fills the width."""
    most = max((number for _, number in rows), default=0) or 1
    lines = []
    for n, (label, number) in enumerate(rows):
        middle, length = n * ROW + ROW / 2, (WIDTH - LABEL - NUMBER) * number / most
        short = label if len(label) <= LONGEST else label[: LONGEST - 1] + "…"
        lines += [
            f'<text x="{LABEL - 8}" y="{middle + 4}" text-anchor="end">{escape(short)}</text>',
            f'<rect x="{LABEL}" y="{middle - 7}" width="{length:.1f}" height="14" rx="2" fill="{BAR}"/>',
            f'<text x="{LABEL + length + 6:.1f}" y="{middle + 4}">{number:,.6g}</text>',
        ]
    size = f'width="{WIDTH}" height="{max(1, len(rows)) * ROW}"'
    style = f'font-family="sans-serif" font-size="12" fill="{TEXT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{"".join(lines)}</svg>'
