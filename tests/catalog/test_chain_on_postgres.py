"""The whole chain with its catalog on Postgres, as in production."""

from tests.catalog import postgres
from tests.chain.harness import Project


def test_an_index_with_its_catalog_on_postgres_follows_edits_renames_and_deletes(postgres_url, tmp_path):
    project = Project(tmp_path, checks=False, catalog=postgres.made(postgres_url, "chain"))
    project.write_all(
        {f"{n}.md": f"# Harbour {n}\n\nIngrid Solberg leads Harbour {n} for Nordic Cargo.\n" for n in range(6)}
    )
    first = project.good()
    assert first.sources["docs"].applied.new == 6
    assert project.good().runs == []
    project.write("1.md", "# Harbour 1\n\nOle Dahl leads Harbour 1 for Baltic Freight.\n")
    project.rename("2.md", "moved/2.md")
    project.write("broken.pdf", b"%PDF-1.7 broken")
    project.delete("3.md")
    outcome = project.run()
    applied = outcome.sources["docs"].applied
    assert (applied.new, applied.changed, applied.moved, applied.removed) == (1, 1, 1, 1)
    assert outcome.assets["embeddings"].texts_embedded == 1
    found = project.snapshot()
    assert found.paths() == ["0.md", "1.md", "4.md", "5.md", "moved/2.md"]
    assert found.paths("failed") == ["broken.pdf"]
