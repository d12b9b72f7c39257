"""rag.yaml becomes one typed object: found, filled in from the environment, and refused in sentences."""

import json
from pathlib import Path

import pytest

from resources.errors import SettingsError
from resources.settings import REPOSITORY, find_settings, load_settings, value_of

SHAREPOINT = "sources:\n  contracts:\n    type: sharepoint\n    site: https://contoso.example/sites/contracts\n"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in ("RAG_CONFIG", "COMMUNITY_REPORT_MAX_CONCURRENCY", "DAGSTER_HOME", "RAG_TEST_VALUE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def load(tmp_path):
    """Settings of a text that stands in tmp_path/rag.yaml."""

    def read(text: str):
        (tmp_path / "rag.yaml").write_text(text, encoding="utf-8")
        return load_settings(tmp_path / "rag.yaml")

    return read


# -- where they are found


def test_the_environment_names_the_file(tmp_path, monkeypatch):
    (tmp_path / "else").mkdir()
    for place in ("rag.yaml", "else/other.yaml"):
        (tmp_path / place).write_text("graph: {shards: 2}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAG_CONFIG", "else/other.yaml")
    assert load_settings().file == tmp_path / "else" / "other.yaml"


def test_else_the_file_of_the_working_directory_is_read(tmp_path, monkeypatch):
    (tmp_path / "rag.yaml").write_text("graph: {shards: 2}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load_settings().graph.shards == 2


def test_else_the_repositorys_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_settings() == REPOSITORY / "rag.yaml"
    assert load_settings().sources


def test_a_file_that_is_named_and_not_there_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("RAG_CONFIG", str(tmp_path / "none.yaml"))
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value) == (
        f"{tmp_path}/none.yaml: cannot be read (No such file or directory); write one with `rag init`, or name it in "
        "RAG_CONFIG."
    )


# -- what they mean


def test_paths_are_relative_to_the_file_wherever_one_stands(load, tmp_path, monkeypatch):
    settings = load("sources:\n  notes: {type: filesystem, path: ../notes}\nindex: data/index\ncatalog: data/c.db\n")
    monkeypatch.chdir("/")
    assert settings.source_path("notes").resolve() == tmp_path.parent / "notes"
    assert settings.index_uri == str(tmp_path / "data" / "index")
    assert settings.catalog_url == f"sqlite:///{tmp_path}/data/c.db"
    assert settings.local == tmp_path / "data"
    assert settings.dagster_home == tmp_path / "var" / "dagster"


def test_addresses_of_servers_stay_as_they_are(load, tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "/srv/dagster")
    settings = load("index: s3://bucket/index\ncatalog: postgresql+psycopg2://rag@db/rag\n")
    assert settings.index_uri == "s3://bucket/index"
    assert settings.catalog_url == "postgresql+psycopg2://rag@db/rag"
    assert settings.local == tmp_path / "var"
    assert settings.dagster_home == Path("/srv/dagster")


@pytest.mark.parametrize(
    ("catalog", "file"), [("sqlite:///data/c.db", "{here}/data/c.db"), ("sqlite:////srv/c.db", "/srv/c.db")]
)
def test_the_file_of_an_sqlite_url_is_relative_to_the_settings_too(load, tmp_path, catalog, file):
    assert load(f"catalog: {catalog}\n").catalog_url == f"sqlite:///{file.format(here=tmp_path)}"


def test_what_is_not_said_has_a_default(load):
    settings = load("index: var/index\n")
    assert (settings.chunks.max_tokens, settings.chunks.min_tokens) == (256, 64)
    assert (settings.embeddings.model, settings.embeddings.dtype) == ("all-MiniLM-L6-v2", "auto")
    assert (settings.graph.store, settings.graph.shards, settings.extraction.method) == ("sqlite", 4, "rules")
    assert settings.reports.max_concurrency == 8
    assert settings.sources == {}


def test_a_source_has_one_partition_or_one_a_shard(load):
    settings = load(
        "sources:\n  notes: {type: filesystem, path: n}\n  mails: {type: filesystem, path: m, shards: 3}\n"
        "graph: {shards: 2}\n"
    )
    assert settings.partitions("notes") == ["notes"]
    assert settings.partitions("mails") == ["mails/00", "mails/01", "mails/02"]
    assert settings.graph_partitions() == ["g00", "g01"]


def test_a_source_is_read_by_everyone_and_internal_unless_it_says_otherwise(load):
    settings = load(
        "sources:\n  notes: {type: filesystem, path: n}\n"
        "  board: {type: filesystem, path: b, read: ['group:a-1', 'user:b', organization],\n"
        "    classification: restricted}\n"
    )
    assert (settings.sources["notes"].read, settings.sources["notes"].classification) == (("everyone",), "internal")
    assert settings.sources["board"].read == ("group:a-1", "user:b", "organization")
    assert settings.sources["board"].classification == "restricted"


def test_a_site_needs_no_more_than_its_address(load):
    source = load(SHAREPOINT).sources["contracts"]
    assert source.drives == ()
    assert source.graph_url == "https://graph.microsoft.com/v1.0"
    assert source.authority == "https://login.microsoftonline.com"
    assert source.managed_identity is False
    assert (source.client_secret, source.access_token, source.certificate_path) == (None, None, None)
    assert source.groups_minutes == 60


def test_a_model_in_a_folder_says_itself_how_much_it_reads(load, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 384}))
    assert load("embeddings: {model: model}\nchunks: {max_tokens: 384}\n").chunks.max_tokens == 384


def test_settings_cannot_be_changed_and_serve_as_a_key(load):
    settings = load("graph: {shards: 2}\n")
    with pytest.raises(ValueError, match="frozen"):
        settings.index = "elsewhere"
    assert {settings: 1}[load("graph: {shards: 2}\n")] == 1


# -- values from the environment


def test_a_value_comes_from_the_environment(load, monkeypatch):
    monkeypatch.setenv("RAG_TEST_VALUE", "s3cret")
    source = load(f"{SHAREPOINT}    client_secret: {{env: RAG_TEST_VALUE}}\n").sources["contracts"]
    assert value_of(source.client_secret, "sources.contracts.client_secret") == "s3cret"


def test_numbers_and_lists_may_come_from_the_environment_too(load, monkeypatch):
    monkeypatch.setenv("RAG_TEST_VALUE", "128")
    settings = load(
        "chunks: {max_tokens: {env: RAG_TEST_VALUE}}\n"
        f"{SHAREPOINT}    drives: [{{env: RAG_TEST_VALUE}}, Documents]\n"
    )
    assert settings.chunks.max_tokens == 128
    assert settings.sources["contracts"].drives == ("128", "Documents")


def test_an_unset_variable_is_refused_by_name_once_its_part_is_used(load):
    source = load(f"{SHAREPOINT}    client_secret: {{env: RAG_TEST_VALUE}}\n").sources["contracts"]
    with pytest.raises(SettingsError) as refused:
        value_of(source.client_secret, "sources.contracts.client_secret")
    assert str(refused.value) == (
        "sources.contracts.client_secret comes from the environment variable RAG_TEST_VALUE, which is not set; "
        "set it and start again."
    )
    assert value_of(None, "sources.contracts.access_token") is None


def test_what_the_graph_server_would_need_is_not_asked_for_while_sqlite_holds_the_graph(load):
    text = (
        "graph:\n  store: {store}\n  neo4j: {{password: {{env: RAG_TEST_VALUE}}, pool_size: {{env: RAG_TEST_VALUE}}}}\n"
    )
    assert load(text.format(store="sqlite")).graph.neo4j.pool_size == 50
    with pytest.raises(SettingsError, match=r"pool_size comes from the environment variable RAG_TEST_VALUE, which is"):
        load(text.format(store="neo4j"))


def test_an_unset_variable_that_is_needed_at_once_is_refused_with_its_place(load, tmp_path):
    with pytest.raises(SettingsError) as refused:
        load("graph: {shards: 2}\ncatalog: {env: RAG_TEST_VALUE}\n")
    assert str(refused.value) == (
        f"{tmp_path}/rag.yaml:2: catalog comes from the environment variable RAG_TEST_VALUE, which is not set."
    )


def test_the_environment_wins_over_the_files_concurrency_of_reports(load, monkeypatch):
    monkeypatch.setenv("COMMUNITY_REPORT_MAX_CONCURRENCY", "3")
    assert load("reports: {method: extractive, max_concurrency: 5}\n").reports.max_concurrency == 3
    assert load("index: var/index\n").reports.max_concurrency == 3
    assert load("reports:\n").reports.max_concurrency == 3
    monkeypatch.setenv("COMMUNITY_REPORT_MAX_CONCURRENCY", "")
    assert load("reports: {max_concurrency: 5}\n").reports.max_concurrency == 5


def test_a_concurrency_from_the_environment_is_held_to_the_same_range(load, tmp_path, monkeypatch):
    monkeypatch.setenv("COMMUNITY_REPORT_MAX_CONCURRENCY", "0")
    with pytest.raises(SettingsError) as refused:
        load("graph: {shards: 2}\nreports: {max_concurrency: 5}\n")
    assert str(refused.value) == (
        f"{tmp_path}/rag.yaml:2: reports.max_concurrency is the value of the environment variable "
        "COMMUNITY_REPORT_MAX_CONCURRENCY; allowed: 1 to 1024."
    )
