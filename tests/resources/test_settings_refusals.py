"""Each wrong setting is one sentence: where it stands, the key, its value, what is allowed; never a secret."""

import pytest

from resources.errors import SettingsError
from resources.settings import load_settings

SITE = "sources:\n  contracts:\n    type: sharepoint\n    site: https://contoso.example/s\n"
NOTES = "sources:\n  notes:\n    type: filesystem\n    path: notes\n"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in ("COMMUNITY_REPORT_MAX_CONCURRENCY", "RAG_TEST_VALUE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def refusal(tmp_path):
    """What is said of a text, without the file's folder."""

    def read(text: str | bytes) -> str:
        data = text.encode() if isinstance(text, str) else text
        (tmp_path / "rag.yaml").write_bytes(data)
        with pytest.raises(SettingsError) as refused:
            load_settings(tmp_path / "rag.yaml")
        return str(refused.value).replace(f"{tmp_path}/", "")

    return read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # ranges
        ("index: a\nchunks: {max_tokens: 5}\n", "2: chunks.max_tokens is 5; allowed: 32 to 8192."),
        ("chunks: {max_tokens: 9000}\n", "1: chunks.max_tokens is 9000; allowed: 32 to 8192."),
        ("parsing: {max_bytes: 0}\n", "1: parsing.max_bytes is 0; allowed: at least 1."),
        ("parsing: {wall_seconds: 0}\n", "1: parsing.wall_seconds is 0; allowed: more than 0."),
        ("parsing: {wall_seconds: .inf}\n", "1: parsing.wall_seconds is inf; allowed: a finite number."),
        (
            "changes: {tick_budget_seconds: 60}\n",
            "1: changes.tick_budget_seconds is 60; allowed: more than 0, at most 50.",
        ),
        (f"{NOTES}    shards: 0\n", "5: sources.notes.shards is 0; allowed: 1 to 1024."),
        # types
        ("chunks: {max_tokens: many}\n", "1: chunks.max_tokens is 'many'; allowed: a whole number, 32 to 8192."),
        ("chunks: {max_tokens: 100.5}\n", "1: chunks.max_tokens is 100.5; allowed: a whole number, 32 to 8192."),
        ("index: 7\n", "1: index is 7; allowed: a text."),
        ("index: [a]\n", "1: index is a list; allowed: a text."),
        ("catalog:\n", "1: catalog is empty; allowed: a text."),
        ("index: a\nchunks:\n", "2: chunks is empty; allowed: a mapping."),
        ("sources: []\n", "1: sources is a list; allowed: a mapping."),
        (f"{NOTES}    exclude: drafts\n", "5: sources.notes.exclude is 'drafts'; allowed: a list."),
        (f"{NOTES}    exclude:\n      - a\n      - 7\n", "7: sources.notes.exclude.1 is 7; allowed: a text."),
        (
            f"{SITE}    managed_identity: perhaps\n",
            "5: sources.contracts.managed_identity is 'perhaps'; allowed: true or false.",
        ),
        (f"{SITE}    tenant_id: 7\n", "5: sources.contracts.tenant_id is 7; allowed: a text, or {env: NAME}."),
        (
            f"{SITE}    tenant_id: {{envv: NAME}}\n",
            "5: sources.contracts.tenant_id is a mapping; allowed: a text, or {env: NAME}.",
        ),
        # choices
        ("graph: {store: mysql}\n", "1: graph.store is 'mysql'; allowed: 'sqlite' or 'neo4j'."),
        (
            f"{NOTES}    classification: secret\n",
            "5: sources.notes.classification is 'secret'; allowed: 'public', 'internal', 'confidential' or "
            "'restricted'.",
        ),
        ("embeddings: {dtype: f16}\n", "1: embeddings.dtype is 'f16'; allowed: 'auto', 'float32' or 'bfloat16'."),
        # kinds of sources
        (
            "sources:\n  notes:\n    type: ftp\n    path: n\n",
            "3: sources.notes.type is 'ftp'; allowed: filesystem, sharepoint.",
        ),
        ("sources:\n  notes:\n    path: n\n", "2: sources.notes.type is missing; allowed: filesystem, sharepoint."),
        ("sources:\n  notes:\n    type: filesystem\n", "2: sources.notes.path is missing."),
        ("sources:\n  contracts:\n    type: sharepoint\n", "2: sources.contracts.site is missing."),
        # one that has the name of its kind
        ("sources:\n  sharepoint:\n    type: sharepoint\n", "2: sources.sharepoint.site is missing."),
        (
            "sources:\n  filesystem:\n    type: filesystem\n    path: n\n    shards: x\n",
            "5: sources.filesystem.shards is 'x'; allowed: a whole number, 1 to 1024.",
        ),
        # unknown keys
        (
            "index: a\nchunks:\n  max_token: 5\n",
            "3: chunks.max_token is not a setting; allowed there: max_tokens, min_tokens.",
        ),
        ("sources: {}\nfile: other.yaml\n", "2: file is not a setting; remove it."),
        (
            f"{NOTES}    site: https://contoso.example\n",
            "5: sources.notes.site is not a setting; allowed there: shards, read, classification, groups_minutes, "
            "type, path, include, exclude, hidden, settle_seconds, rehash_days.",
        ),
        # what does not fit together
        (
            "embeddings: {model: hashing}\nchunks:\n  max_tokens: 600\n",
            "3: chunks.max_tokens is 600; the model hashing reads 512.",
        ),
        (
            "chunks:\n  max_tokens: 100\n  min_tokens: 51\n",
            "3: chunks.min_tokens is 51; allowed: at most half of chunks.max_tokens, which is 100.",
        ),
        (
            "embeddings:\n  model: no/model\n",
            "2: embeddings.model is 'no/model'; allowed: all-MiniLM-L6-v2, hashing, or a folder in the form of "
            "sentence-transformers.",
        ),
        # the catalog
        (
            "catalog: mysql://rag:s3cret@db/rag\n",
            "1: catalog: mysql:// is no catalog; allowed: a file, or a postgresql+psycopg2:// URL.",
        ),
        (
            "catalog: 'sqlite:///:memory:'\n",
            "1: catalog: a catalog in memory would be lost; allowed: a file, or a postgresql+psycopg2:// URL.",
        ),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_with_its_place_key_value_and_what_is_allowed(refusal, text, said):
    assert refusal(text) == f"rag.yaml:{said}"


@pytest.mark.parametrize("name", ["Notes", "1st", "no-dash", "a.b", "ä", "a" * 65, "a b"])
def test_a_name_that_is_no_partition_key_is_refused(refusal, name):
    said = refusal(f'index: a\nsources:\n  "{name}":\n    type: filesystem\n    path: n\n')
    assert said == f"rag.yaml:3: {name!r} is no name of a source; allowed: [a-z][a-z0-9_]{{0,63}}."


@pytest.mark.parametrize("principal", ["bob", "user:", "users:1", "group: a", "EVERYONE", "user:a b"])
def test_a_reader_that_is_no_principal_is_refused(refusal, principal):
    assert refusal(f"{NOTES}    read: [everyone, '{principal}']\n") == (
        f"rag.yaml:5: sources.notes.read: {principal!r} is no principal; allowed: everyone, organization, user:<id>, "
        "group:<id>."
    )


@pytest.mark.parametrize("key", ["poolsize", "encrypted", "Password", "uris"])
def test_an_unknown_key_of_the_graph_server_is_refused_also_while_it_is_not_used(refusal, key):
    said = refusal(f"graph:\n  neo4j:\n    {key}: 7\n")
    assert said.startswith(f"rag.yaml:3: graph.neo4j.{key} is not a setting; allowed there: uri, user, password, ")


def test_everything_that_is_wrong_is_said_at_once(refusal):
    said = refusal("index: 7\nchunks: {max_tokens: 5, overlap: 1}\ngraph: {shards: 0}\n").splitlines()
    assert [line.partition(" ")[2].partition(" ")[0] for line in said] == [
        "index", "chunks.max_tokens", "chunks.overlap", "graph.shards",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        f"{SITE}    client_secret: [s3cret]\n",
        f"{SITE}    client_secret: {{value: s3cret}}\n",
        f"{SITE}    access_token: {{env: s3cret, default: s3cret}}\n",
        f"{SITE}    clientsecret: s3cret\n",
        "graph: {neo4j: {password: [s3cret]}}\n",
        "graph: {neo4j: {passwort: s3cret}}\n",
        "catalog: mysql://rag:s3cret@db/rag?password=s3cret\n",
        "catalog: [postgresql://rag:s3cret@db/rag]\n",
        'graph: {neo4j: {password: "s3cret}}\n',
        "graph: {neo4j: {password: *s3cret}}\n",
        "graph: {neo4j: {password: !s3cret x}}\n",
        "graph: {neo4j: {password: 's3cret' s3cret}}\n",
        "graph:\n  neo4j:\n    password: s3cret: x\n",
        "graph:\n  neo4j:\n    password: %s3cret\n  @s3cret\n",
    ],
)
def test_no_refusal_repeats_a_secret(refusal, text):
    assert "s3cret" not in refusal(text)


def test_a_value_of_the_environment_is_never_repeated(refusal, monkeypatch):
    monkeypatch.setenv("RAG_TEST_VALUE", "s3cret")
    assert refusal("graph: {shards: {env: RAG_TEST_VALUE}}\n") == (
        "rag.yaml:1: graph.shards is the value of the environment variable RAG_TEST_VALUE; "
        "allowed: a whole number, 1 to 100."
    )


def test_a_file_that_is_no_yaml_is_refused_with_the_line(refusal):
    assert refusal("index: a\nchunks: {max_tokens: 5\n").startswith("rag.yaml:3: is not YAML (expected ")
    assert refusal("index: a\n\tchunks: 5\n") == (
        "rag.yaml:2: is not YAML (found character … that cannot start any token)."
    )
    assert refusal(b"index: \xff\n").startswith("rag.yaml: is not YAML (")


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n- b\n", "index\n"])
def test_a_file_without_settings_is_refused(refusal, text):
    assert refusal(text) == "rag.yaml: holds no settings; write one with `rag init`."


def test_a_source_that_is_written_twice_is_refused(refusal):
    text = "sources:\n  notes: {type: filesystem, path: a}\n  mail: {type: filesystem, path: b}\n"
    assert refusal(f"{text}  notes: {{type: filesystem, path: c}}\n") == (
        "rag.yaml:4: sources.notes is written twice, first at line 2; keep one."
    )


def test_a_key_that_is_no_text_is_refused(refusal):
    assert refusal("7: a\n").startswith("rag.yaml:1: 7 is not a setting; allowed there: ")
    assert "7" in refusal("sources:\n  7: {type: filesystem, path: a}\n")
