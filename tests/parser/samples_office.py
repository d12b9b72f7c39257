"""Word, PowerPoint and Excel files written part by part with the standard library."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from tests.parser.samples_base import XML, About, Block, Row, heading_of, write_zip

OFFICE = "http://schemas.openxmlformats.org"
W_NS = f'xmlns:w="{OFFICE}/wordprocessingml/2006/main"'
P_NS = (
    f'xmlns:a="{OFFICE}/drawingml/2006/main" xmlns:p="{OFFICE}/presentationml/2006/main" '
    f'xmlns:r="{OFFICE}/officeDocument/2006/relationships"'
)


def docx(path: Path, title: str | None, blocks: Sequence[Block], **about: str) -> None:
    """A Word document: headings by style, lists and tables as such."""
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="Heading{n}"><w:name w:val="heading {n}"/>'
        f'<w:pPr><w:outlineLvl w:val="{n - 1}"/></w:pPr></w:style>'
        for n in (1, 2, 3)
    )
    body = "".join(_docx_block(b) for b in blocks)
    parts = {
        "word/document.xml": f"{XML}<w:document {W_NS}><w:body>{body}</w:body></w:document>",
        "word/styles.xml": f"{XML}<w:styles {W_NS}>{styles}</w:styles>",
        "word/_rels/document.xml.rels": _relations([("styles", "styles.xml")]),
    }
    kinds = {"document": "document.main", "styles": "styles"}
    overrides = {f"word/{n}.xml": f"wordprocessingml.{kind}" for n, kind in kinds.items()}
    _office(path, "word/document.xml", parts, overrides, About(title, **about))


def pptx(path: Path, title: str | None, slides: Sequence[tuple[str, Sequence[str]]], **about: str) -> None:
    """A presentation; a slide is its heading and its lines."""
    names = [f"slides/slide{n}.xml" for n in range(1, len(slides) + 1)]
    ids = "".join(f'<p:sldId id="{256 + n}" r:id="rId{n}"/>' for n in range(1, len(slides) + 1))
    parts = {
        "ppt/presentation.xml": f"{XML}<p:presentation {P_NS}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": _relations([("slide", name) for name in names]),
    }
    for name, (heading, lines) in zip(names, slides, strict=True):
        shapes = _shape(2, "title", [heading]) + _shape(3, "body", lines)
        parts[f"ppt/{name}"] = f"{XML}<p:sld {P_NS}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"
    overrides = {f"ppt/{name}": "presentationml.slide" for name in names}
    overrides["ppt/presentation.xml"] = "presentationml.presentation.main"
    _office(path, "ppt/presentation.xml", parts, overrides, About(title, **about))


def xlsx(path: Path, title: str | None, sheets: Mapping[str, Sequence[Row]], **about: str) -> None:
    """A workbook; cells that read as a number are numbers."""
    space = f'xmlns="{OFFICE}/spreadsheetml/2006/main" xmlns:r="{OFFICE}/officeDocument/2006/relationships"'
    names = [f"worksheets/sheet{n}.xml" for n in range(1, len(sheets) + 1)]
    tabs = "".join(f'<sheet name="{escape(s)}" sheetId="{n}" r:id="rId{n}"/>' for n, s in enumerate(sheets, 1))
    parts = {
        "xl/workbook.xml": f"{XML}<workbook {space}><sheets>{tabs}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _relations([("worksheet", name) for name in names]),
    }
    for name, rows in zip(names, sheets.values(), strict=True):
        cells = "".join(f'<row r="{r}">{_cells(r, row)}</row>' for r, row in enumerate(rows, 1))
        parts[f"xl/{name}"] = f"{XML}<worksheet {space}><sheetData>{cells}</sheetData></worksheet>"
    overrides = {f"xl/{name}": "spreadsheetml.worksheet" for name in names}
    overrides["xl/workbook.xml"] = "spreadsheetml.sheet.main"
    _office(path, "xl/workbook.xml", parts, overrides, About(title, **about))


def _office(path: Path, main: str, parts: Mapping[str, str], overrides: Mapping[str, str], about: About) -> None:
    listed = "".join(
        f'<Override PartName="/{name}" ContentType="application/vnd.openxmlformats-officedocument.{kind}+xml"/>'
        for name, kind in overrides.items()
    )
    core = (
        (f"<dc:title>{escape(about.title)}</dc:title>" if about.title else "")
        + (f"<dc:creator>{escape(about.author)}</dc:creator>" if about.author else "")
        + f'<dcterms:created xsi:type="dcterms:W3CDTF">{about.created}</dcterms:created>'
        + f'<dcterms:modified xsi:type="dcterms:W3CDTF">{about.modified}</dcterms:modified>'
    )
    members = {
        "[Content_Types].xml": f'{XML}<Types xmlns="{OFFICE}/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'{listed}<Override PartName="/docProps/core.xml" '
        'ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>',
        "_rels/.rels": _relations([("officeDocument", main), ("metadata/core-properties", "docProps/core.xml")]),
        "docProps/core.xml": f'{XML}<cp:coreProperties xmlns:cp="{OFFICE}/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{core}</cp:coreProperties>',
    }
    write_zip(path, {**members, **parts})


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    listed = ""
    for number, (kind, target) in enumerate(targets, 1):
        root = f"{OFFICE}/package/2006/relationships" if "/" in kind else f"{OFFICE}/officeDocument/2006/relationships"
        listed += f'<Relationship Id="rId{number}" Type="{root}/{kind}" Target="{target}"/>'
    return f'{XML}<Relationships xmlns="{OFFICE}/package/2006/relationships">{listed}</Relationships>'


def _docx_block(block: Block) -> str:
    if not isinstance(block, str):
        rows = ("".join(f"<w:tc>{_docx_block(cell)}</w:tc>" for cell in row) for row in block)
        return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    level, text = heading_of(block)
    style = f'<w:pPr><w:pStyle w:val="Heading{level}"/></w:pPr>' if level else ""
    return f'<w:p>{style}<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'


def _shape(number: int, kind: str, lines: Sequence[str]) -> str:
    text = "".join(f"<a:p><a:r><a:t>{escape(line)}</a:t></a:r></a:p>" for line in lines)
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name="{kind}"/><p:cNvSpPr/><p:nvPr><p:ph type="{kind}"/></p:nvPr>'
        f"</p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/>{text}</p:txBody></p:sp>"
    )


def _cells(number: int, row: Row) -> str:
    out = ""
    for column, value in enumerate(row):
        place = f"{chr(65 + column)}{number}"
        if value.replace(".", "", 1).isdigit():
            out += f'<c r="{place}"><v>{value}</v></c>'
        else:
            out += f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return out
