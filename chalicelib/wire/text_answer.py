"""An answer that is no JSON object of ours."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """An answer that is no JSON object. It holds secrets, and keeps them out of its `repr`."""

    media_type: str
    text: str

    def __repr__(self) -> str:
        return f"Text(media_type={self.media_type!r})"
