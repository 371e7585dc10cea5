"""HTML to text, in two ways.

`whole` takes all that a page says but what CSS selectors name: for books and manuals, whose pages
share one layout. `article` lets trafilatura find the main text: for web pages of any layout; its
text is Markdown, and code stands between fences.
"""

from __future__ import annotations

import re
from typing import Final

from hearth.fences import fenced
from hearth.mirror.dates import of_page
from hearth.mirror.records import Reason, Record, Refusal, cleaned, unwrapped

_SKIP: Final = ("nav", "header", "footer", "aside", "noscript", "form", "button", "script", "style")
_CELLS: Final = re.compile(r"(?<! ) *\t[ \t]*")
_MARK: Final = re.compile(r"^\[\[code (\d+)\]\]$", re.MULTILINE)
_DETAIL: Final = 200


def whole(text: str, skip: tuple[str, ...]) -> Record | Refusal:
    """Return the text of a page, without its navigation and what the selectors name."""
    # A compiled library of the stages' environment: specs and plans are read without it.
    from resiliparse.extract.html2text import extract_plain_text  # noqa: PLC0415
    from resiliparse.parse.html import HTMLTree  # noqa: PLC0415

    try:
        tree = HTMLTree.parse(text)
        body = extract_plain_text(
            tree,
            preserve_formatting=True,
            list_bullets=False,
            alt_texts=False,
            skip_elements=[*_SKIP, *skip],
        )
        title = cleaned(unwrapped(" ".join((tree.title or "").split()))) or None
        metas = tree.document.get_elements_by_tag_name("meta")
        date = of_page({name: meta.getattr(name) for name in meta.attrs} for meta in metas)
    except (ValueError, RuntimeError) as error:
        return Refusal(Reason.MALFORMED, f"is not HTML: {error}")
    return Record(cleaned(unwrapped(_CELLS.sub("\t", body))), title=title, date=date)


def article(text: str) -> Record | Refusal:
    """Return the main text of a web page as Markdown."""
    import trafilatura  # noqa: PLC0415 - as above
    from lxml.etree import LxmlError  # noqa: PLC0415 - as above

    try:
        tree = trafilatura.load_html(text)
        if tree is None:
            return Refusal(Reason.MALFORMED, "is not HTML, or is nested too deep")
        title = cleaned(unwrapped(" ".join((tree.findtext(".//title") or "").split()))) or None
        date = of_page(dict(meta.attrib) for meta in tree.iter("meta"))
        blocks = _set_code_aside(tree)
        body = trafilatura.extract(
            tree,
            output_format="markdown",
            include_formatting=True,
            include_comments=False,
            include_tables=True,
        )
    except (LxmlError, ValueError, RecursionError) as error:
        return Refusal(Reason.MALFORMED, f"is not HTML: {error}"[:_DETAIL])
    if not body:
        return Refusal(Reason.EMPTY, "no main text is found in the page")
    body = _MARK.sub(lambda mark: blocks.get(mark.group(1), ""), body)
    return Record(cleaned(body), title=title, fenced=True, date=date)


def _set_code_aside(tree: object) -> dict[str, str]:
    """Put a mark in place of every block of code; return the blocks, by the marks' numbers.

    trafilatura trims each line, which takes the indentation from code.
    """
    blocks: dict[str, str] = {}
    for element in list(tree.iter("pre")):  # type: ignore[attr-defined]
        code = "".join(element.itertext()).strip("\r\n")
        tail = element.tail
        number = str(len(blocks))
        blocks[number] = fenced(code) if code.strip() else ""
        element.clear()
        element.tag, element.text, element.tail = "p", f"[[code {number}]]", tail
    return blocks
