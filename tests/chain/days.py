"""Random days in the life of a folder: a reproducible sequence of everything that people do to documents."""

import random
from collections.abc import Callable

from tests.chain.harness import Project

PEOPLE = ("Eva Holm", "Jonas Brandt", "Mira Castellanos", "Tomás Ruiz", "Ingrid Solberg")
FIRMS = ("Nordwind AS", "Castle Freight", "Blue Harbour Group", "Meridian Labs", "Solvang Bank")
PROJECTS = ("Project Aurora", "Project Kestrel", "Global Data Platform", "Harbour Renewal Plan", "Quiet Street Study")
TITLES = (*PROJECTS, *FIRMS, "Annual Review", "Eva Holm", "The Harbour")
VERBS = ("cooperates with", "was founded by", "acquired", "works for", "supports", "audits")
FOLDERS = ("", "", "teams/", "archive/2024/")
BROKEN = (b"", b"%PDF-1.7 cut off here", b"\x00\x01\x02\xff" * 300, b"PK\x03\x04 no archive at all")


class Days:
    """One sequence: `morning` fills the folder, `act` does one random thing, the names say what was done."""

    def __init__(self, project: Project, seed: int) -> None:
        self.project, self.rng = project, random.Random(seed)
        self.broken: dict[str, str] = {}
        self.done: list[str] = []
        self._numbers = 0

    def morning(self, documents: int) -> None:
        for _ in range(documents):
            self._create()

    def act(self) -> None:
        """One thing; what needs documents falls back on a new one where there are too few."""
        deeds: list[tuple[int, Callable[[], None]]] = [
            (3, self._create), (5, self._edit), (2, self._rename), (2, self._delete), (1, self._swap), (1, self._copy),
            (2, self._edit_and_rename), (2, self._break), (2, self._mend), (2, self._title), (1, self._heading),
            (1, self._touch), (1, self._there_and_back), (1, self._replace),
        ]  # fmt: skip
        deed = self.rng.choices([d for _, d in deeds], [w for w, _ in deeds])[0]
        if len(self.project.names()) < 3:
            deed = self._create
        deed()

    # -- texts

    def _sentence(self) -> str:
        rng = self.rng
        a, b = rng.sample((*PEOPLE, *FIRMS, *PROJECTS), 2)
        return rng.choice((
            f"{a} {rng.choice(VERBS)} {b}.",
            f"In the spring {a} met {b} and reviewed the figures with care.",
            f"The Global Data Platform (GDP) is run by {a}.",
            f"Since then the GDP pays {b} for contract C-{rng.randint(100, 105)}.",
            f"Nobody asked for a longer trial before {a} promised money.",
        ))  # fmt: skip

    def _paragraph(self) -> str:
        return " ".join(self._sentence() for _ in range(self.rng.randint(1, 4)))

    def _text(self) -> str:
        rng = self.rng
        parts = [f"# {rng.choice(TITLES)}"] if rng.random() < 0.7 else []
        for _ in range(rng.randint(1, 4)):
            if rng.random() < 0.4:
                parts.append(f"## {rng.choice(TITLES)}")
            parts.append(self._paragraph())
        return "\n\n".join(parts) + "\n"

    def _new_name(self) -> str:
        self._numbers += 1
        ending = self.rng.choice(("md", "md", "txt"))
        return f"{self.rng.choice(FOLDERS)}n{self._numbers:03d} {self.rng.choice(('memo', 'øvrig', 'plan'))}.{ending}"

    def _pick(self) -> str:
        return self.rng.choice(self.project.names())

    def _note(self, what: str, *names: str) -> None:
        self.done.append(f"{what} {' -> '.join(names)}")

    def _whole(self) -> str | None:
        """A document that is not broken."""
        return self.rng.choice([n for n in self.project.names() if n not in self.broken] or [None])

    # -- deeds

    def _create(self) -> None:
        name = self._new_name()
        self.project.write(name, self._text())
        self._note("create", name)

    def _edit(self) -> None:
        if (name := self._whole()) is None:
            return self._create()
        path = self.project.docs / name
        parts = path.read_text(encoding="utf-8").split("\n\n")
        parts[self.rng.randrange(len(parts))] = self._paragraph()
        path.write_text("\n\n".join(parts), encoding="utf-8")
        self._note("edit", name)
        return None

    def _replace(self) -> None:
        """As many editors save: a new file is moved over the old one."""
        if (name := self._whole()) is None:
            return self._create()
        self.project.write("~saving.tmp", self._text())
        (self.project.docs / "~saving.tmp").replace(self.project.docs / name)
        self._note("replace", name)
        return None

    def _rename(self) -> None:
        old, new = self._pick(), self._new_name()
        if old.endswith(".txt") != new.endswith(".txt"):
            new = new.rpartition(".")[0] + "." + old.rpartition(".")[2]
        self.project.rename(old, new)
        if old in self.broken:
            self.broken[new] = self.broken.pop(old)
        self._note("rename", old, new)

    def _delete(self) -> None:
        name = self._pick()
        self.project.delete(name)
        self.broken.pop(name, None)
        self._note("delete", name)

    def _swap(self) -> None:
        a, b = self.rng.sample(self.project.names(), 2)
        docs = self.project.docs
        (docs / a).rename(docs / "swap")
        (docs / b).rename(docs / a)
        (docs / "swap").rename(docs / b)
        texts = {a: self.broken.pop(b, None), b: self.broken.pop(a, None)}
        self.broken |= {name: text for name, text in texts.items() if text is not None}
        self._note("swap", a, b)

    def _copy(self) -> None:
        name, new = self._pick(), self._new_name()
        self.project.write(new, (self.project.docs / name).read_bytes())
        if name in self.broken:
            self.broken[new] = self.broken[name]
        self._note("copy", name, new)

    def _edit_and_rename(self) -> None:
        if (name := self._whole()) is None:
            return self._create()
        path, new = self.project.docs / name, self._new_name()
        path.write_text(path.read_text(encoding="utf-8") + "\n\n" + self._paragraph() + "\n", encoding="utf-8")
        self.project.rename(name, new)
        self._note("edit and rename", name, new)
        return None

    def _break(self) -> None:
        if (name := self._whole()) is None:
            return self._create()
        path = self.project.docs / name
        self.broken[name] = path.read_text(encoding="utf-8")
        path.write_bytes(self.rng.choice(BROKEN))
        self._note("break", name)
        return None

    def _mend(self) -> None:
        if not self.broken:
            return self._break()
        name = self.rng.choice(sorted(self.broken))
        self.project.write(name, self.broken.pop(name) + "\n\n" + self._sentence() + "\n")
        self._note("mend", name)
        return None

    def _title(self) -> None:
        if (name := self._whole()) is None:
            return self._create()
        path = self.project.docs / name
        body = path.read_text(encoding="utf-8")
        body = body.split("\n\n", 1)[-1] if body.startswith("# ") else body
        path.write_text(f"# {self.rng.choice(TITLES)}\n\n{body}", encoding="utf-8")
        self._note("title", name)
        return None

    def _heading(self) -> None:
        if (name := self._whole()) is None:
            return self._create()
        path = self.project.docs / name
        text = path.read_text(encoding="utf-8")
        path.write_text(f"{text}\n\n## {self.rng.choice(TITLES)}\n\n{self._paragraph()}\n", encoding="utf-8")
        self._note("heading", name)
        return None

    def _touch(self) -> None:
        name = self._pick()
        (self.project.docs / name).touch()
        self._note("touch", name)

    def _there_and_back(self) -> None:
        """Deleted and written again with the same content: another file, the same text."""
        name = self._pick()
        content = (self.project.docs / name).read_bytes()
        self.project.delete(name)
        self.project.write(name, content)
        self._note("there and back", name)
