"""Which files the globs of rag.yaml take."""

import re

import pytest

from resources.errors import SettingsError
from resources.sources.patterns import Rules


@pytest.mark.parametrize(
    ("pattern", "taken", "left"),
    [
        ("**/*", ["a", "a/b", "a/b/c.md"], []),
        ("drafts/**", ["drafts/a", "drafts/b/c"], ["drafts", "my/drafts/a", "drafts2/a"]),
        ("drafts", ["drafts/a", "my/drafts/a", "drafts"], ["drafts2/a", "a/drafts.md"]),
        ("drafts/", ["drafts/a", "my/drafts/b"], ["draft/a"]),
        ("/drafts", ["drafts/a", "drafts"], ["my/drafts/a"]),
        ("*.md", ["a.md", "x/y/a.md"], ["a.mdx", "a.txt"]),
        ("/*.md", ["a.md"], ["x/a.md"]),
        ("a/*.md", ["a/b.md"], ["a/b/c.md", "x/a/b.md"]),
        ("a/**/z.md", ["a/z.md", "a/b/z.md", "a/b/c/z.md"], ["z.md", "b/z.md", "az.md"]),
        ("**/z.md", ["z.md", "a/b/z.md"], ["az.md"]),
        ("**/old/**", ["old/a", "x/old/y/z"], ["older/a", "old"]),
        ("?.md", ["a.md"], ["ab.md", ".md"]),
        ("[a-c].md", ["b.md"], ["d.md"]),
        ("[!a-c].md", ["d.md"], ["b.md", "/.md"]),
        ("*.{md,txt}", ["a.md", "b/c.txt"], ["a.pdf", "a.{md,txt}"]),
        ("*a*b*", ["xaxbx", "ab", "aabb"], ["ba", "a/b"]),
        ("*.tar.*", ["a.tar.gz", "a.tar.tar.gz"], ["a.tar"]),
        ("a/**/b/**/c", ["a/b/c", "a/x/b/y/z/c", "a/b/b/c"], ["a/c/b", "a/b"]),
        ("a/**/b*/*c", ["a/x/b1/b2/xc", "a/b/c"], ["a/b/x/y"]),
        ("{a,b}/*.{x,y{1,2}}", ["a/q.x", "b/q.y1"], ["a/q.y", "c/q.x"]),
        ("a(b)+c.md", ["a(b)+c.md"], ["abbc.md"]),
        ("[.md", ["[.md"], [".md"]),
        ("cafe\u0301/**", ["caf\u00e9/a"], []),
        ("a\nb*", ["a\nbc"], ["ab"]),
    ],
)
def test_a_glob_means_what_it_means_in_gitignore(pattern: str, taken: list[str], left: list[str]) -> None:
    included, excluded = Rules(include=[pattern]), Rules(exclude=[pattern])
    assert [path for path in taken + left if included.takes(path)] == taken
    assert [path for path in taken + left if not excluded.takes(path)] == taken


def test_an_excluded_folder_is_not_even_listed() -> None:
    rules = Rules(exclude=["drafts/**", "old", "x/*.md"])
    assert [path for path in ("drafts", "a/drafts", "a/old", "x", "x/y") if not rules.enters(path)] == [
        "drafts",
        "a/old",
    ]


def test_exclude_wins_over_include() -> None:
    rules = Rules(include=["*.md"], exclude=["secret/**"])
    assert not rules.takes("secret/a.md")
    assert rules.takes("a.md")


@pytest.mark.parametrize("pattern", ["", "/", "!a.md", "[z-a]"])
def test_a_pattern_that_means_nothing_is_refused_by_name(pattern: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(repr(pattern))):
        Rules(include=[pattern])


def test_an_odd_pattern_takes_bounded_time() -> None:
    assert not Rules(include=["*a*a*a*a*a*a*a*b", "**/**/**/**/x"]).takes("a" * 200 + "/" + "a/" * 50 + "y")


def test_hidden_files_can_be_let_in_but_not_temporary_ones() -> None:
    rules = Rules(hidden=True)
    assert rules.covers(".well-known/a.md")
    assert not rules.covers(".well-known/~$a.docx")
    assert not Rules().covers("a/.git/b.md")
