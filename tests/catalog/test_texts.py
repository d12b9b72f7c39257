"""Texts of every kind are data, in names, ids and addresses; what no database stores is refused by name."""

import pytest

from resources.errors import SourceError
from tests.catalog.listings import SOURCE, apply, fill, ids, item, states, upsert

TEXTS = [
    'it\'s "quoted" `twice` \\ and \\n.md',
    "100% of %s and %(name)s, :bind, ?1 and $1.md",
    "'; DROP TABLE items; --.md",
    "Straße/日本語/🚢/é/e\u0301.md",
    "line\nbreak\ttab\r.md",
    "a" * 10_000,
    " ",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_name_is_kept_to_the_letter(catalog, text):
    told = item("1", path=text, uri=text, version=text, fetch_ref=text, parent_id=text, read=(f"user:{text}",))
    apply(
        catalog,
        upsert("1", **{n: getattr(told, n) for n in ("path", "uri", "version", "fetch_ref", "parent_id", "read")}),
    )
    known = catalog.items.known(SOURCE, "")
    assert known.by_ref([text]) == {text: told}
    assert known.children([text]) == [told]
    assert known.versions() == {text: text}


@pytest.mark.parametrize("text", [t for t in TEXTS if len(t) < 1_000])
def test_an_id_is_kept_to_the_letter(catalog, text):
    fill(catalog, [text])
    assert list(catalog.items.known(SOURCE, "").items([text])) == [text]
    assert list(ids(catalog)) == [text]
    catalog.queues.touch("chunks", {text: [text]})
    catalog.queues.done("chunks", {f"{text} ": 1})
    assert list(catalog.queues.take("chunks", text)) == [text]


@pytest.mark.parametrize("text", ["NUL\x00.md", "half a pair \ud83d.md"])
@pytest.mark.parametrize("where", ["path", "native_id", "fetch_ref", "version"])
def test_what_no_database_stores_is_refused_by_name_and_nothing_is_noted(catalog, text, where):
    fill(catalog, ["a.md"])
    with pytest.raises(SourceError) as refused:
        apply(catalog, upsert("new.md"), upsert("bad.md", **{where: text}), cursor="c2")
    assert "has a name or an id that no database stores (NUL, or not UTF-8); nothing was changed." in str(refused.value)
    assert str(refused.value).isascii()
    assert states(catalog) == {"a.md": "live"}
    assert catalog.items.known(SOURCE, "").cursor == "c1"
