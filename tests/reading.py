"""Reads pages as a person does: words without tags, and the addresses behind links."""

import html
import re
from typing import Any


def text(page: Any) -> str:
    """What a reader sees, with single spaces."""
    return words(page.content.decode())


def words(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def part(page: Any, element_id: str) -> str:
    """The words of the section, list or block with that id, up to the next one with an id of its own level."""
    markup = page.content.decode()
    found = re.search(rf'<(\w+)[^>]* id="{element_id}".*?</\1>', markup, re.S)
    assert found, f"nothing has the id {element_id}"
    return words(found[0])


def link(page: Any, label: str) -> str:
    """The address behind the link whose text is ``label``."""
    for href, inner in re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', page.content.decode(), re.S):
        if words(inner) == label:
            return html.unescape(href)
    raise AssertionError(f"no link “{label}”")


def field(page: Any, name: str) -> str:
    """What stands in the input of that name."""
    found = re.search(rf'<input [^>]*name="{name}"[^>]* value="([^"]*)"', page.content.decode())
    assert found, f"no input “{name}”"
    return html.unescape(found[1])


def title(page: Any) -> str:
    found = re.search(r"<title>(.*?)</title>", page.content.decode(), re.S)
    assert found
    return html.unescape(found[1])


def copied(page: Any) -> list[str]:
    """What the copy buttons of the page copy."""
    return [html.unescape(value) for value in re.findall(r'data-copy="([^"]*)"', page.content.decode())]


def events(page: Any) -> list[str]:
    """The timeline, newest first, an entry a line of words."""
    listed = re.search(r'<ol class="timeline">(.*?)</ol>', page.content.decode(), re.S)
    assert listed
    return [words(item) for item in re.findall(r"<li .*?</li>", listed[1], re.S)]
