"""The command `rag`: what it prints, its JSON, its exit codes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rag_assets.work import GRAPH_STAGES, INGEST_STAGES
from resources.catalog import Catalog, schema
from tests.house.company import CONTRACTS, HANDBOOK, SETTINGS, Company, Said

COUNTERS = {
    "rows_same", "rows_new", "rows_changed", "rows_removed", "rows_failed", "model_calls", "texts_embedded",
    "bytes_written",
}  # fmt: skip
RESULT = {
    "rank", "score", "chunk_id", "document_id", "source", "title", "path", "uri", "heading_path", "char_start",
    "char_end", "text", "entities",
}  # fmt: skip
REPORT = {"community_id", "level", "title", "summary", "findings", "rating", "score", "citations"}


def one_line(said: Said) -> str:
    """The error: one line on stderr, no trace, nothing on stdout."""
    assert said.out == ""
    (line,) = said.err.splitlines()
    return line


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Its folder of contracts is missing."""
    return Company.make(tmp_path_factory.mktemp("company"), sources=["handbook"])


@pytest.fixture(scope="module")
def broken(company: Company) -> Said:
    """A pass while a source is missing."""
    return company.rag("index", "--json")


@pytest.fixture(scope="module")
def indexed(company: Company, broken: Said) -> Company:
    """After a second pass, when the missing source was back."""
    assert broken.code == 1
    company.write("contracts", CONTRACTS)
    said = company.rag("index")
    assert said.code == 0, said.out + said.err
    return company


@pytest.fixture
def copy(indexed: Company, tmp_path: Path) -> Company:
    """A copy of the indexed project that a test may change."""
    shutil.copytree(indexed.home, tmp_path / "copy")
    return Company(tmp_path / "copy")


def test_one_broken_source_stops_no_other_and_ends_with_1(broken: Said) -> None:
    outcome = broken.json
    assert (broken.code, outcome["ok"]) == (1, False)
    assert outcome["sources"]["contracts"]["ok"] is False
    assert "contracts" in outcome["sources"]["contracts"]["error"]
    assert outcome["sources"]["handbook"] == {
        "ok": True, "error": None, "new": len(HANDBOOK), "changed": 0, "moved": 0, "removed": 0, "held": 0,
        "notes": [],
    }  # fmt: skip
    assert outcome["assets"]["embeddings"]["rows_new"] == outcome["assets"]["embeddings"]["texts_embedded"] > 0


def test_index_json_has_all_assets_with_all_counters_and_all_checks(broken: Said) -> None:
    outcome = broken.json
    assert {"ok", "seconds", "runs", "sources", "assets", "checks"} <= outcome.keys()
    assert list(outcome["assets"]) == [*INGEST_STAGES, *GRAPH_STAGES]
    assert {frozenset(counters) for counters in outcome["assets"].values()} == {frozenset(COUNTERS)}
    assert {frozenset(check) for check in outcome["checks"]} == {frozenset({"asset", "name", "passed", "severity"})}
    assert {"chunks", "embeddings", "entity_graph"} <= {check["asset"] for check in outcome["checks"]}
    assert len(outcome["runs"]) == 2
    assert outcome["assets"]["documents"]["rows_failed"] == 1


def test_a_pass_over_nothing_new_starts_no_run(indexed: Company) -> None:
    said = indexed.rag("index", "--json")
    assert (said.code, said.json["runs"]) == (0, [])
    assert "nothing to do" in indexed.rag("index").out


def test_status_counts_tables_and_documents(indexed: Company) -> None:
    status = indexed.rag("status", "--json").json
    assert status["tables"]["documents"] == len(HANDBOOK) + len(CONTRACTS)
    assert status["tables"]["chunks"] == status["tables"]["embeddings"] > 0
    zero = {"failed": 0, "quarantined": 0, "hidden": 0, "waiting": 0, "held_deletes": 0}
    assert status["sources"]["contracts"] == {"ok": 1, **zero}
    assert status["sources"]["handbook"] == {"ok": len(HANDBOOK) - 1, **zero, "failed": 1}
    assert set(status["generations"]) == {"ingest", "graph", "reports"}
    assert len(set(status["generations"].values())) == 1
    assert status["graph_store"] == "sqlite"
    assert "documents" in indexed.rag("status").out


def test_failed_names_the_document_and_why(indexed: Company) -> None:
    (row,) = indexed.rag("failed", "--json").json
    assert set(row) == {"document_id", "source", "path", "stage", "error", "tries", "since"}
    assert (row["source"], row["path"], row["stage"]) == ("handbook", "nothing.txt", "documents")
    assert row["error"] in indexed.rag("failed").out


def test_what_was_set_aside_is_put_back_and_tried_again(copy: Company) -> None:
    assert copy.rag("retry", "--json").json == {"put_back": 1}
    assert copy.rag("index", "--json").json["assets"]["documents"]["rows_failed"] == 1
    (row,) = copy.rag("failed", "--json").json
    assert row["tries"] == 2


def test_search_answers_with_the_passage(indexed: Company) -> None:
    answer = indexed.rag("search", "Who signs off parental leave?", "--json", "-k", "3").json
    assert set(answer) == {"id", "question", "mode", "seconds", "results", "reports"}
    assert {frozenset(result) for result in answer["results"]} == {frozenset(RESULT)}
    assert [result["rank"] for result in answer["results"]] == [1, 2, 3]
    best = answer["results"][0]
    assert (best["source"], best["path"], best["heading_path"]) == ("handbook", "leave.md", ["Parental leave"])
    assert "Maria Lindqvist" in best["text"]
    assert "handbook/leave.md" in indexed.rag("search", "Who signs off parental leave?").out


@pytest.mark.parametrize("mode", ["local", "global"])
def test_reports_cite_chunks(indexed: Company, mode: str) -> None:
    answer = indexed.rag("search", "Who leads Project Heron?", "--mode", mode, "--json").json
    assert {frozenset(report) for report in answer["reports"]} == {frozenset(REPORT)}
    assert all(report["citations"] for report in answer["reports"])


@pytest.mark.parametrize("mode", ["dense", "fulltext"])
def test_each_mode_answers(indexed: Company, mode: str) -> None:
    answer = indexed.rag("search", "a night in Bergen", "--mode", mode, "--json").json
    assert (answer["mode"], answer["results"][0]["path"]) == (mode, "travel.txt")


def test_search_keeps_to_the_named_source(indexed: Company) -> None:
    answer = indexed.rag("search", "Maria Lindqvist", "--source", "contracts", "--json").json
    assert {result["source"] for result in answer["results"]} == {"contracts"}


def test_a_batch_is_answered_line_by_line_in_its_order(indexed: Company, tmp_path: Path) -> None:
    asked = [{"id": f"q{n}", "question": q} for n, q in enumerate(["Who leads Heron?", "lost laptop", "Bergen hotel"])]
    (tmp_path / "questions").write_text("\n".join(map(json.dumps, asked)) + "\n\n", encoding="utf-8")
    said = indexed.rag("search", "--batch", str(tmp_path / "questions"))
    answers = [json.loads(line) for line in said.out.splitlines()]
    assert [{n: answer[n] for n in ("id", "question")} for answer in answers] == asked


def test_doctor_looks_at_every_part(indexed: Company) -> None:
    said = indexed.rag("doctor", "--json")
    findings = {finding["part"]: finding for finding in said.json}
    assert said.code == 0
    wanted = {"settings", "catalog", "tables", "graph store", "model", "source handbook", "Dagster instance"}
    assert wanted <= findings.keys()
    assert {frozenset(of) for of in findings.values()} == {frozenset({"part", "health", "seconds", "detail", "remedy"})}
    assert findings["catalog"]["health"] == "degraded"
    assert "rag failed" in findings["catalog"]["remedy"]


def test_doctor_ends_with_1_where_a_part_is_unhealthy(copy: Company) -> None:
    (copy.home / "contracts").rename(copy.home / "elsewhere")
    said = copy.rag("doctor", "--json")
    bad = [finding for finding in said.json if finding["health"] == "unhealthy"]
    assert (said.code, [finding["part"] for finding in bad]) == (1, ["source contracts"])


def test_doctor_says_which_part_is_damaged_and_what_to_do(copy: Company) -> None:
    (data,) = (copy.home / "var" / "index" / "entities.lance").glob("data")
    assert data.is_dir()
    for file in (copy.home / "var" / "index" / "documents.lance" / "data").iterdir():
        file.write_bytes(b"damaged")
    (copy.home / "var" / "graph.db").write_bytes(b"damaged, and no database at all")
    said = copy.rag("doctor", "--json")
    bad = {finding["part"]: finding["remedy"] for finding in said.json if finding["health"] == "unhealthy"}
    assert said.code == 1
    assert "backup" in bad["tables"]
    assert "rag rebuild graph" in bad["graph store"] + str(said.json)


def test_many_deletions_are_held_until_they_are_approved(copy: Company) -> None:
    for name in ("leave.md", "offices.md"):
        (copy.home / "handbook" / name).unlink()
    assert copy.rag("index", "--json").json["sources"]["handbook"]["held"] == 2
    assert copy.rag("status", "--json").json["sources"]["handbook"]["held_deletes"] == 2
    assert copy.rag("approve", "deletes", "handbook", "--json").json == {"source": "handbook", "approved": 2}
    assert copy.rag("index", "--json").json["sources"]["handbook"]["removed"] == 2
    answer = copy.rag("search", "Who signs off parental leave?", "--json").json
    assert "leave.md" not in {result["path"] for result in answer["results"]}


def test_forget_removes_a_source_that_left_the_settings(copy: Company) -> None:
    refused = copy.rag("forget", "contracts")
    assert refused.code == 2
    assert "contracts" in one_line(refused)
    copy.set({**SETTINGS, "sources": {"handbook": SETTINGS["sources"]["handbook"]}})
    said = copy.rag("forget", "contracts", "--json")
    assert (said.code, said.json) == (0, {"source": "contracts", "removed": 1, "ok": True})
    answer = copy.rag("search", "Calder Vale Water", "--json").json
    assert {result["source"] for result in answer["results"]} <= {"handbook"}


def test_the_graph_is_rebuilt_from_the_tables(copy: Company) -> None:
    said = copy.rag("rebuild", "graph", "--json")
    status = copy.rag("status", "--json").json
    assert (said.code, said.json["ok"]) == (0, True)
    assert said.json["rows"]["entity"] == status["tables"]["entities"]


def test_init_writes_settings_that_load_and_overwrites_nothing(tmp_path: Path) -> None:
    company = Company.make(tmp_path / "other")
    assert company.rag("init", str(tmp_path / "new")).code == 0
    file = tmp_path / "new" / "rag.yaml"
    before = file.read_bytes()
    again = company.rag("init", str(tmp_path / "new"))
    assert (again.code, file.read_bytes()) == (2, before)
    assert "rag.yaml" in one_line(again)
    (company.home / "rag.yaml").write_bytes(before)
    (company.home / "documents").mkdir()
    assert company.rag("status", "--json").json["sources"].keys() == {"documents"}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("search",), "--batch"),
        (("search", "Who?", "--source", "nowhere"), "nowhere"),
        (("index", "--source", "nowhere"), "nowhere"),
        (("approve", "deletes", "nowhere"), "nowhere"),
        (("forget", "nowhere"), "nowhere"),
        (("retry", "nowhere"), "rag failed"),
        (("approve",), "rag approve --help"),
        (("rebuild",), "rag rebuild --help"),
        ((), "rag --help"),
    ],
)
def test_arguments_that_cannot_be_end_with_2(indexed: Company, arguments: tuple[str, ...], word: str) -> None:
    said = indexed.rag(*arguments)
    assert said.code == 2
    assert word in one_line(said)


@pytest.mark.parametrize("arguments", [("index", "--bogus"), ("search", "Who?", "-k", "0"), ("bogus",)])
def test_options_that_are_not_there_end_with_2(indexed: Company, arguments: tuple[str, ...]) -> None:
    said = indexed.rag(*arguments)
    assert (said.code, said.out) == (2, "")
    assert "Traceback" not in said.err


@pytest.mark.parametrize("line", [b"Who?", b'{"question": "Who?"}', b'{"id": 2, "question": 3}', b'"\xff"'])
def test_a_batch_that_is_no_question_ends_with_2_and_names_the_line(
    indexed: Company, tmp_path: Path, line: bytes
) -> None:
    (tmp_path / "questions").write_bytes(b'{"id": 1, "question": "Who?"}\n' + line)
    said = indexed.rag("search", "--batch", str(tmp_path / "questions"))
    assert said.code == 2
    assert "questions:2" in one_line(said)


def test_an_index_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    company = Company.make(tmp_path)
    company.set({**SETTINGS, "index": "handbook/leave.md"})
    said = company.rag("status")
    assert said.code == 1
    assert "leave.md" in one_line(said)


def test_an_index_of_a_newer_release_is_refused_with_the_way_out(copy: Company) -> None:
    catalog = Catalog(f"sqlite:///{copy.home / 'var' / 'catalog.db'}")
    catalog.put("schema", str(schema.VERSION + 1))
    catalog.close()
    for command in ("index", "status", "search Who?"):
        said = copy.rag(*command.split())
        assert said.code == 1
        assert "was written by a newer release" in one_line(said)
        assert "upgrade rag-assets" in one_line(said)


def test_two_wrong_settings_are_said_in_one_line(tmp_path: Path) -> None:
    company = Company.make(tmp_path)
    company.set({**SETTINGS, "chunks": {"max_tokens": 9000}, "bogus": 1})
    said = company.rag("status")
    assert said.code == 2
    assert "chunks.max_tokens is 9000; allowed: 32 to 8192." in one_line(said)
    assert "bogus is not a setting; allowed there: index, catalog, sources" in one_line(said)


def test_a_wrong_setting_is_one_line_for_a_person_and_a_trace_only_with_debug(tmp_path: Path) -> None:
    company = Company.make(tmp_path)
    (tmp_path / "rag.yaml").write_text("sources: {}\nchunks: {max_tokens: 9000}\n", encoding="utf-8")

    def rag(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / "rag"), *arguments]
        return subprocess.run(command, env=company.environment, capture_output=True, text=True, check=False)

    said = rag("status")
    assert (said.returncode, said.stdout) == (2, "")
    (line,) = said.stderr.splitlines()
    assert "rag.yaml:2: chunks.max_tokens is 9000" in line
    assert "Traceback" in rag("status", "--debug").stderr
