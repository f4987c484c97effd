"""Caches keep what they have room for, and no more."""

from chalicelib.caching import WeighedCache


def test_what_is_kept_weighs_no_more_than_there_is_room_for() -> None:
    cache = WeighedCache[str, str](10)
    for name, weight in (("a", 4), ("b", 4), ("c", 4)):
        cache.put(name, name.upper(), weight)
    assert [cache.get(name) for name in "abc"] == [None, "B", "C"]


def test_what_was_asked_for_last_stays() -> None:
    cache = WeighedCache[str, str](10)
    cache.put("a", "A", 4)
    cache.put("b", "B", 4)
    cache.get("a")
    cache.put("c", "C", 4)
    assert [cache.get(name) for name in "abc"] == ["A", None, "C"]


def test_one_heavy_value_pushes_out_all_others_and_stays_alone() -> None:
    cache = WeighedCache[str, str](10)
    cache.put("a", "A", 4)
    cache.put("b", "B", 100)
    assert [cache.get(name) for name in "ab"] == [None, "B"]
    cache.put("a", "A", 4)
    assert [cache.get(name) for name in "ab"] == ["A", None]


def test_a_value_that_is_put_again_is_weighed_once() -> None:
    cache = WeighedCache[str, str](10)
    for text in ("A", "a"):
        cache.put("a", text, 6)
    cache.put("b", "B", 4)
    assert [cache.get(name) for name in "ab"] == ["a", "B"]
