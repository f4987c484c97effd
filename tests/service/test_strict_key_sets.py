"""The local STS gets the keys of issuers as AWS does: in time, of the right issuer, and not from everywhere."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.strict.addresses import HOSTS_FILE, local_address, read_hosts
from local.strict.key_sets import KEPT_SECONDS, SECONDS, KeySets, Unreachable
from testing.loopback import Request, Response, json_response, serve
from testing.tokens import key_set, rsa_key

ISSUER = "https://id.example.com/stage"
# Of two documents: long enough for a busy machine, and short enough for a test that waits for its end.
SHORT = 0.3


class Site:
    """An issuer on loopback, and a clock.

    Attributes:
        documents: by path; a function makes the answer.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[str] = []
        self.documents: dict[str, object | Callable[[Request], Response]] = {
            "/stage/.well-known/openid-configuration": {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"},
            "/stage/keys": key_set(rsa_key("a")),
        }
        self.url = ""

    def answer(self, request: Request) -> Response:
        self.asked.append(request.path)
        found = self.documents.get(request.path)
        if callable(found):
            answered = found(request)
            assert isinstance(answered, Response)
            return answered
        return Response(404) if found is None else json_response(found)

    def sets(self) -> KeySets:
        return KeySets(lambda url: local_address(url, 1, {"id.example.com": self.url}), clock=lambda: self.now)


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    with serve(made.answer) as server:
        made.url = server.url
        yield made


def test_keys_are_kept_and_asked_for_again_by_name_or_in_time(site: Site) -> None:
    sets = site.sets()
    assert [key["kid"] for key in sets.find(ISSUER, "a")] == ["a"]
    sets.find(ISSUER, "a")
    assert site.asked == ["/stage/.well-known/openid-configuration", "/stage/keys"]
    site.documents["/stage/keys"] = key_set(rsa_key("b"))
    site.now = KEPT_SECONDS - 1
    assert [key["kid"] for key in sets.find(ISSUER, "a")] == ["a"]  # taken away, and still believed
    assert [key["kid"] for key in sets.find(ISSUER, "b")] == ["b"]  # new, and believed at once
    site.documents["/stage/keys"] = key_set(rsa_key("c"))
    site.now += KEPT_SECONDS
    assert [key["kid"] for key in sets.find(ISSUER, "b")] == ["c"]


def test_an_issuer_that_fails_once_is_asked_again(site: Site) -> None:
    sets, good = site.sets(), site.documents.pop("/stage/keys")
    with pytest.raises(Unreachable):
        sets.find(ISSUER, "a")
    site.documents["/stage/keys"] = good
    assert sets.find(ISSUER, "a")


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/stage/.well-known/openid-configuration", {"issuer": f"{ISSUER}/", "jwks_uri": f"{ISSUER}/keys"}),
        ("/stage/.well-known/openid-configuration", {"issuer": ISSUER}),
        ("/stage/.well-known/openid-configuration", {"issuer": ISSUER, "jwks_uri": "http://id.example.com/stage/keys"}),
        ("/stage/.well-known/openid-configuration", {"issuer": ISSUER, "jwks_uri": "https://other.example.com/keys"}),
        ("/stage/.well-known/openid-configuration", []),
        ("/stage/keys", {"keys": "none"}),
        ("/stage/keys", {"keys": ["a"]}),
        ("/stage/keys", {"keys": [{"kty": "RSA"}] * 101}),
        ("/stage/keys", lambda _: Response(200, b"no JSON")),
        ("/stage/keys", lambda _: Response(200, b"[" * 1_000_001)),
        ("/stage/keys", lambda _: Response(302, headers={"Location": "/stage/other"})),
        ("/stage/keys", lambda _: json_response({"keys": []}, 500)),
    ],
)
def test_documents_that_say_something_else_hold_no_keys(site: Site, path: str, document: object) -> None:
    site.documents[path] = document
    with pytest.raises(Unreachable):
        site.sets().find(ISSUER, "a")


def test_a_slow_issuer_is_not_waited_for(site: Site) -> None:
    def late(request: Request) -> Response:
        request.stopping.wait()
        return Response(500)

    site.documents["/stage/keys"] = late
    with pytest.raises(Unreachable, match="Timeout"):
        KeySets(site.sets().resolve, seconds=SHORT).find(ISSUER, "a")


def test_an_issuer_that_never_ends_is_not_waited_for(site: Site) -> None:
    def drops(request: Request) -> Iterator[bytes]:
        while not request.stopping.wait(SHORT / 10):
            yield b" "

    site.documents["/stage/keys"] = lambda request: Response(200, drops(request))
    with pytest.raises(Unreachable, match="Timeout"):
        KeySets(site.sets().resolve, seconds=SHORT).find(ISSUER, "a")


def test_both_documents_together_have_five_seconds(site: Site) -> None:
    def late(_: Request) -> Response:
        site.now += SECONDS
        return json_response({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"})

    site.documents["/stage/.well-known/openid-configuration"] = late
    with pytest.raises(Unreachable, match="Timeout"):
        site.sets().find(ISSUER, "a")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (
            "https://abc.execute-api.eu-west-1.amazonaws.com/api/.well-known/jwks.json",
            "http://127.0.0.1:4566/_aws/execute-api/abc/api/.well-known/jwks.json",
        ),
        ("https://abc.execute-api.cn-north-1.amazonaws.com.cn/api", "http://127.0.0.1:4566/_aws/execute-api/abc/api"),
        ("https://id.example.com/keys", "http://127.0.0.1:8080/keys"),
        ("http://id.example.com/keys", None),
        ("https://id.example.com/keys?a=b", None),
        ("https://id.example.com:8443/keys", None),
        ("https://other.example.com/keys", None),
        ("https://away.example.com/keys", None),
        ("https://a/b.execute-api.eu-west-1.amazonaws.com/api", None),
    ],
)
def test_only_this_machine_is_asked(url: str, address: str | None) -> None:
    hosts = {"id.example.com": "http://127.0.0.1:8080", "away.example.com": "http://192.0.2.1:8080"}
    assert local_address(url, 4566, hosts) == address


def test_hosts_are_those_of_the_file_if_there_is_one(tmp_path: Path) -> None:
    assert read_hosts(tmp_path) == {}
    (tmp_path / HOSTS_FILE).write_text(json.dumps({"id.example.com": "http://127.0.0.1:8080"}))
    assert read_hosts(tmp_path) == {"id.example.com": "http://127.0.0.1:8080"}
    (tmp_path / HOSTS_FILE).write_text("[]")
    assert read_hosts(tmp_path) == {}
