"""What the documents of the project show: their fenced blocks."""

import re
from pathlib import Path


def blocks(document: Path, language: str) -> list[str]:
    """The fenced blocks of a document in a language."""
    return blocks_of(document.read_text(), language)


def blocks_of(text: str, language: str) -> list[str]:
    """The fenced blocks of some Markdown in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
