"""A token that vends once, at the deployed service: with the rights that its function has, and a table of DynamoDB."""

from concurrent.futures import ThreadPoolExecutor

from testing.deployed import Answer, Stack
from testing.tokens import ec_key, honest_claims, sign


def vend(stack: Stack, token: str) -> Answer:
    return stack.present(token, "POST", "/v1/credentials", b'{"role": "instances"}')


def token(stack: Stack, jti: str) -> str:
    return sign(honest_claims(iss="https://once.example.com", aud=stack.oidc.audience, jti=jti), ec_key("once"))


def test_of_many_who_send_a_token_at_once_one_gets_credentials(stack: Stack) -> None:
    sent = token(stack, "race")
    assert stack.present(sent).status == 200
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: vend(stack, sent), range(4)))
    assert sorted(answer.status for answer in answers) == [200, 401, 401, 401], [answer.text for answer in answers]
    causes = {stack.records(answer)[-1].get("cause") for answer in answers if answer.status == 401}
    assert causes == {"used"}
    assert stack.present(sent).status == 200
    assert vend(stack, token(stack, "next")).status == 200


def test_the_table_tells_no_token(stack: Stack) -> None:
    assert vend(stack, token(stack, "told")).status == 200
    items = stack.dynamodb().scan(TableName="credvend-local-used-tokens")["Items"]
    assert items and all(item.keys() == {"hash", "ttl"} for item in items)
    assert "told" not in str(items)
