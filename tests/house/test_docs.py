"""README and docs say what is there: every command, setting, name and link in them is real."""

import json
import re
import shlex
import shutil
import subprocess
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest

from rag_assets.cli import main
from rag_assets.template import TEMPLATE
from resources.settings import REPOSITORY, Settings, load_settings
from tests.house.asset_graph import described
from tests.house.company import SETTINGS, Company
from tests.house.dagster_cli import command as dagster_command
from tests.house.documentation import Page, commands, documented_settings, pages
from tests.house.typed_settings import typed_settings

PAGES = pytest.mark.parametrize("page", pages(), ids=lambda page: page.file.name)
SOURCE = "handbook"


@cache
def graph() -> dict[str, Any]:
    return described()


def parsed(group: click.Group, arguments: list[str], name: str) -> click.Context:
    """The context of the command that these arguments name, parsed but not run."""
    context, at = click.Context(group, info_name=name), 0
    while at < len(arguments) and isinstance(context.command, click.Group):
        found = context.command.get_command(context, arguments[at])
        assert found is not None, f"{name} {shlex.join(arguments)}"
        rest, at = arguments[at + 1 :], at + 1
        if isinstance(found, click.Group) or not rest:
            context = click.Context(found, parent=context, info_name=arguments[at - 1])
        else:
            context = found.make_context(arguments[at - 1], rest, parent=context)
    return context


# -- commands


def test_every_command_of_rag_is_described() -> None:
    written = {" ".join(w for w in words if w.islower() and w.isalpha()) for words in commands("rag")}

    def leaves(group: click.Group, above: str) -> set[str]:
        return {
            name
            for word, of in group.commands.items()
            for name in (leaves(of, f"{above}{word} ") if isinstance(of, click.Group) else {above + word})
        }

    assert leaves(main, "") <= written


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    company = Company.make(tmp_path_factory.mktemp("documented"))
    assert company.rag("index", "--json").code == 0
    return company


@pytest.mark.parametrize("arguments", commands("rag"), ids=shlex.join)
def test_a_documented_rag_command_runs(company: Company, tmp_path: Path, arguments: list[str]) -> None:
    copy = company
    if arguments[:1] == ["init"]:
        arguments = ["init", str(tmp_path / "new")]
    if arguments[:1] == ["forget"]:
        copy = Company(Path(shutil.copytree(company.home, tmp_path / "copy")))
        copy.set({**SETTINGS, "sources": {"contracts": SETTINGS["sources"]["contracts"]}})
    if "ID" in arguments:
        (row,) = company.rag("failed", "--json").json
        arguments = [row["document_id"] if word == "ID" else word for word in arguments]
    stand_for = {"SOURCE": SOURCE, "NAME": SOURCE, "QUESTION": "Who signs?", "PRINCIPAL": "everyone"}
    said = copy.rag(*(stand_for.get(word, word) for word in arguments))
    assert (said.code, said.err) == ((0, "") if arguments else (2, said.err))


def test_every_option_of_a_command_is_described_and_every_described_one_is_there() -> None:
    (page,) = [page for page in pages() if page.file.name == "commands.md"]
    for name in ("index", "search"):
        section = Page(page.file, page.text.partition(f"## rag {name}\n")[2].partition("\n## ")[0])
        written = {word for span in section.spans for word in span.split() if re.match(r"--?[a-z]", word)}
        options = {opt for p in main.commands[name].params if isinstance(p, click.Option) for opt in p.opts}
        assert written | {"--debug"} == options


@pytest.mark.parametrize("arguments", commands("dagster"), ids=shlex.join)
def test_a_documented_dagster_command_can_be_given(arguments: list[str]) -> None:
    context = parsed(dagster_command(), arguments, "dagster")
    given = dict(pairwise(arguments))
    partitions = {key for asset in graph()["assets"].values() for key in asset["partitions"] or ()}
    wanted = set(given.get("--select", "").split(",")) - {""}
    named = set(given.get("--partition-range", "").split("...")) | {given.get("--partition", "")}
    named |= set(given.get("--partitions", "").split(","))
    named |= set(json.loads(given.get("--tags", "{}")).values())
    assert wanted <= graph()["assets"].keys()
    assert named - {""} <= partitions
    assert context.info_name
    assert {given[option] for option in ("-j",) if option in given} <= graph()["jobs"].keys()
    assert (REPOSITORY / given.get("-w", "workspace.yaml")).is_file()


@pytest.mark.parametrize("arguments", commands("make"), ids=shlex.join)
def test_a_documented_make_target_is_there(arguments: list[str]) -> None:
    done = subprocess.run(
        ["make", "--dry-run", "-C", str(REPOSITORY), *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


# -- settings


@pytest.mark.parametrize("key", sorted(typed_settings().keys() | documented_settings().keys()))
def test_every_setting_is_described_with_its_default_and_its_limits(key: str) -> None:
    typed, written = typed_settings(), documented_settings()
    assert key in typed, f"{key} is described and is no setting"
    assert key in written, f"{key} is not described"
    assert written[key].value == typed[key].default
    assert [word for word in sorted(typed[key].words) if word not in written[key].allowed] == []


@PAGES
def test_every_key_that_a_page_speaks_of_is_a_setting(page: Page) -> None:
    known = typed_settings().keys()
    parts = {".".join(key.split(".")[:n]) for key in known for n in range(1, key.count(".") + 2)}
    top = tuple(f"{name}." for name in Settings.model_fields)
    dotted = [s for s in page.text.replace("`", " ").split() if s.startswith(top)]
    keys = {key.rstrip(".,;:)") for key in dotted if re.fullmatch(r"[a-z_0-9]+(\.\w+)+[.,;:)]*", key)}
    files = {key for key in keys if key.endswith((".md", ".py", ".yaml", ".png"))}
    assert keys - files - parts == set()


@PAGES
def test_yaml_on_a_page_is_settings_that_load(page: Page, tmp_path: Path) -> None:
    for code in page.fences("yaml"):
        (tmp_path / "rag.yaml").write_text(code, encoding="utf-8")
        assert load_settings(tmp_path / "rag.yaml").file.name == "rag.yaml"


def test_the_settings_of_the_repository_and_of_init_load_with_every_comment_taken_in(tmp_path: Path) -> None:
    load_settings(REPOSITORY / "rag.yaml")
    (tmp_path / "rag.yaml").write_text(re.sub(r"^# (\w+: \{)", r"\1", TEMPLATE, flags=re.M), encoding="utf-8")
    assert {"chunks", "embeddings", "graph"} <= load_settings(tmp_path / "rag.yaml").model_fields_set


# -- names and links


@PAGES
def test_every_link_and_image_leads_somewhere(page: Page) -> None:
    for link in page.links:
        if "://" not in link:
            path, _, anchor = link.partition("#")
            file = (page.file.parent / path).resolve() if path else page.file
            assert file.is_file(), link
            assert not anchor or anchor in Page(file, file.read_text(encoding="utf-8")).anchors, link


@PAGES
def test_every_file_that_a_page_names_is_there(page: Page) -> None:
    paths = [s for s in page.spans if re.fullmatch(r"(tests|docs|deploy|resources|examples)/[\w./-]+", s)]
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []


def test_names_in_dagster_are_described_and_described_names_exist() -> None:
    spans = {span.replace("<source>", SOURCE) for page in pages() for span in page.spans}
    known = {name.rpartition("/")[2] for kind in graph().values() for name in kind}
    wanted = known - {"contracts", "contracts_changes"}
    assert wanted - spans - {SOURCE} == set()
    endings = ("_changes", "_sensor", "_suite", "_refresh", "_reconcile", "_maintenance", "_runs")
    assert {span for span in spans if re.fullmatch(r"[a-z_]+", span) and span.endswith(endings)} - known == set()


def test_every_benchmark_that_a_page_names_is_there() -> None:
    modules = {m for page in pages() for m in re.findall(r"python -m (benchmarks\.\w+)", page.text)}
    assert [m for m in modules if not (REPOSITORY / (m.replace(".", "/") + ".py")).is_file()] == []
