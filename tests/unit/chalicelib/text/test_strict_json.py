"""JSON of strangers is read in one way, in a time that grows with its length and no faster."""

import pytest

from chalicelib.text.strict_json import NotStrictJson, _no_duplicates, json_object


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b'{"a": 1, "a": 1}', "a"),
        (b'{"a": 1, "b": 2, "c": 3, "b": 4, "a": 5}', "b"),
        (b'{"x": {"a": 1, "b": 2, "b": 3}, "c": 4}', "b"),
        (b'{"a": 1, "\\u0061": 2}', "a"),
    ],
)
def test_a_name_that_stands_twice_is_told(text: bytes, name: str) -> None:
    with pytest.raises(NotStrictJson, match=f'has the field "{name}" twice'):
        json_object(text)


class Name(str):
    """Counts with how many others it is compared."""

    comparisons = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Name.comparisons += 1
        return super().__eq__(other)


@pytest.mark.parametrize("again", [0, -1])
def test_looking_for_a_name_that_stands_twice_compares_each_a_few_times(again: int) -> None:
    names = [Name(f"name-{number}") for number in range(2000)]
    pairs: list[tuple[str, object]] = [(name, None) for name in [*names, Name(names[again])]]
    Name.comparisons = 0
    with pytest.raises(NotStrictJson):
        _no_duplicates(pairs)
    assert Name.comparisons < 10 * len(names)
