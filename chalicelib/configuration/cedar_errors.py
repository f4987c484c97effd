"""What is wrong with a Cedar file, where, and what helps: every problem of it, although Cedar stops at the first."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Self

from chalicelib.configuration.cedar_findings import hint_on_finding, plain, summed_up
from chalicelib.configuration.cedar_hints import Hint, hint_on_foreign, hint_on_meaning, hint_on_refusal
from chalicelib.configuration.cedar_places import written_at
from chalicelib.configuration.cedar_tokens import (
    FOREIGN_KINDS,
    Policy,
    Token,
    line,
    place,
    policies_of,
    sound_policies_of,
)
from chalicelib.configuration.policy_depth import TOO_DEEP, is_shallow, too_deep_at
from chalicelib.configuration.policy_lines import NO_LINES, PolicyLines
from chalicelib.decisions.cedar import cedarpy

_BYTE_ORDER_MARK: Final = "\ufeff"
BEGINS_WITH_A_MARK: Final = (
    "begins with a byte order mark (BOM, U+FEFF), which Cedar does not take: save it as UTF-8 without one"
)
# Problems of one policy that are told: each is repaired to look for the next.
_MOST_PROBLEMS: Final = 20
_TOO_SHORT: Final = "unexpected end of input"
# What Cedar names in a message: `name`, '=', or what stands behind the colon.
_NAMED: Final = re.compile(r"`([^`]+)`|'([^']+)'|: @?(\S+)$")
_UNEXPECTED: Final = re.compile(r"unexpected token `([^`]+)`")


class CedarFile(NamedTuple):
    """A file of policies, read as far as it can be.

    Attributes:
        problems: why Cedar does not take it; one line each, which names policy, line and column.
        sound: the text without the policies that are wrong, in whose place blanks stand.
        document: the same in Cedar's JSON.
        policies: those of `sound`, by the names that Cedar gives them there.
    """

    problems: tuple[str, ...]
    sound: str
    document: str
    policies: Mapping[str, Policy]

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a text; it may hold anything."""
        return cls._sound(text) or cls._mended(text)

    @classmethod
    def _sound(cls, text: str) -> Self | None:
        """A text that Cedar takes as it is, as most are; None: look closer."""
        policies = sound_policies_of(text)
        if not policies or any(_is_too_deep(policy, text) for policy in policies):
            return None
        document, refusal = _read(text)
        return None if refusal is not None else cls((), text, document, _numbered(policies))

    @classmethod
    def _mended(cls, text: str) -> Self:
        policies = policies_of(text)
        problems: list[str] = []
        for policy in policies:
            deep = too_deep_at(policy, lambda written: _read(written)[0])
            if deep is not None:  # whatever else is wrong with it: Cedar must not be asked
                problems.append(f"policy {policy.label} (line {line(text, deep)}): {TOO_DEEP}")
                text = _blanked(text, policy)
        document, refusal = _read(text)
        if refusal is None:
            return cls(tuple(problems), text, document, _numbered(policies_of(text) if problems else policies))
        if text.startswith(_BYTE_ORDER_MARK):
            problems.append(BEGINS_WITH_A_MARK)
            text = text.removeprefix(_BYTE_ORDER_MARK)
        sound = text
        taken: list[Policy] = []
        for policy in policies_of(text):
            found = _problems(policy)
            if not found:
                taken.append(policy)
                continue
            problems += [f"policy {policy.label} ({place(text, start)}): {words}" for start, words in found]
            sound = _blanked(sound, policy)
        document, refusal = _read(sound)
        if refusal is not None:  # of what this module takes for sound: Cedar is right
            return cls((*problems, _printable(refusal)), "", _read("")[0], {})
        return cls(tuple(problems), sound, document, _numbered(taken))

    def label(self, name: str, identifier: str) -> str:
        """What a message calls a policy: its `@id`, or what else it has for a name, and its line.

        Args:
            name: Cedar's name for it.
        """
        policy = self.policies.get(name)
        return identifier if policy is None else f"{identifier} (line {line(self.sound, policy.start)})"

    def lines(self, name: str) -> PolicyLines:
        """Where the parts of a policy stand.

        Args:
            name: Cedar's name for it.
        """
        policy = self.policies.get(name)
        if policy is None:
            return NO_LINES
        return PolicyLines(self.sound[policy.start : policy.end], line(self.sound, policy.start))

    def explained(
        self, name: str, identifier: str, messages: Sequence[str], schema: str, parts: Mapping[str, str]
    ) -> list[str]:
        """What Cedar's validator says of a policy, each with its place and what helps, where that is known.

        Args:
            parts: for messages that name none, the part of the policy that they are about.
        """
        lines: list[str] = []
        policy = self.policies.get(name)
        for message in summed_up(messages):
            where = self.label(name, identifier)
            hint = None
            if policy is not None:
                at = _meant_by(policy.tokens, message)
                if at is None and message in parts:
                    at = written_at(policy.tokens, parts[message])
                if at is not None:
                    where = f"{identifier} ({place(self.sound, policy.tokens[at].start)})"
                hint = hint_on_finding(message, policy.tokens, schema, parts.get(message, ""))
            words = plain(message) if hint is None else f"{plain(message)}: {hint}"
            lines.append(f"policy {where}: {_printable(words)}")
        return lines


def _is_too_deep(policy: Policy, text: str) -> bool:
    if is_shallow(text[policy.start : policy.end]):
        return False
    return too_deep_at(policy, lambda written: _read(written)[0]) is not None


def _blanked(text: str, policy: Policy) -> str:
    """The text with blanks in the policy's place: what stands behind it stays on its line."""
    return text[: policy.start] + re.sub(r"\S", " ", text[policy.start : policy.end]) + text[policy.end :]


def _numbered(policies: Sequence[Policy]) -> dict[str, Policy]:
    """Cedar numbers the policies of a text, and its templates with them, as they come."""
    return {f"policy{index}": policy for index, policy in enumerate(policies)}


def _problems(policy: Policy) -> list[tuple[int, str]]:
    """Where a policy is wrong, and in which way."""
    tokens: list[Token] = list(policy.tokens)
    found: list[tuple[int, str]] = []
    stopped = not _mend_foreign(tokens, found)
    while not stopped and len(found) < _MOST_PROBLEMS and (message := _refusal(tokens)) is not None:
        start, words, hint = _explained(tokens, message)
        if any(start == told for told, _ in found):
            break  # what was mended there was not meant so
        found.append((start, words))
        stopped = hint is None or not _mend(tokens, hint)
    return sorted(found)


def _explained(tokens: Sequence[Token], message: str) -> tuple[int, str, Hint | None]:
    """The offset that Cedar's message is about, what is said there, and what may be done."""
    at = _stopped_at(tokens, message)
    if at is None:
        at = _named_in(tokens, message)
        hint = hint_on_meaning(tokens, at, message)
    else:
        hint = hint_on_refusal(tokens, at)
    about = at if hint is None or hint.about is None else hint.about
    # A policy's beginning, if the message does not tell more; its end, where that came too early.
    token = tokens[0 if about is None else min(about, len(tokens) - 1)]
    words = message if hint is None else hint.words if hint.alone else f"{message}: {hint.words}"
    return token.start, _printable(words), hint


def _mend_foreign(tokens: list[Token], found: list[tuple[int, str]]) -> bool:
    """Put Cedar in the place of what is none; whether all could be."""
    mended = True
    for at in reversed(range(len(tokens))):
        if tokens[at].kind in FOREIGN_KINDS:
            hint = hint_on_foreign(tokens[at], at)
            found.append((tokens[at].start, _printable(hint.words)))
            mended = _mend(tokens, hint) and mended
    return mended


def _mend(tokens: list[Token], hint: Hint) -> bool:
    if hint.at is None:
        return False
    start = tokens[min(hint.at, len(tokens) - 1)].start
    tokens[hint.at : hint.at + 1] = [
        Token("text" if text.startswith('"') else "word" if text.isalpha() else "sign", text, start) for text in hint.by
    ]
    return True


def _read(text: str) -> tuple[str, str | None]:
    """A text in Cedar's JSON, and what Cedar has against it, in one line: None for nothing."""
    try:
        return cedarpy.policies_to_json_str(text), None
    except ValueError as error:
        return "", " ".join(str(error).split())


def _refusal(tokens: Sequence[Token]) -> str | None:
    return _read(" ".join(token.text for token in tokens))[1]


def _stopped_at(tokens: Sequence[Token], message: str) -> int | None:
    """The token at which Cedar stopped; their number where it expected more, None where it read them all.

    Cedar reads from left to right: up to the last token that can follow, it only misses the rest.
    """
    if message == _TOO_SHORT:
        return len(tokens)
    shortest, longest = 1, len(tokens)
    while shortest < longest:
        middle = (shortest + longest) // 2
        if _refusal(tokens[:middle]) == _TOO_SHORT:
            shortest = middle + 1
        else:
            longest = middle
    named = _UNEXPECTED.match(message)
    if named is not None and tokens[shortest - 1].text != named[1]:
        # Cedar went on after it: it tells of the first one.
        return next((at for at, token in enumerate(tokens) if token.text == named[1]), shortest - 1)
    if message.startswith("integer parse error"):
        return shortest - 2  # a number is looked at when the token behind it has been read
    return shortest - 1 if shortest < len(tokens) or message.startswith("unexpected token") else None


def _named_in(tokens: Sequence[Token], message: str) -> int | None:
    """The token that a message names, the first of them; a text that holds what it names, if none is that."""
    for groups in _NAMED.findall(message):
        name = next(filter(None, groups))
        for wanted in (name, name.rpartition("::")[2]):
            same = (at for at, token in enumerate(tokens) if token.text == wanted)
            holding = (at for at, token in enumerate(tokens) if token.kind == "text" and wanted in token.text)
            found = next(same, next(holding, None))
            if found is not None:
                return found
    return None


def _meant_by(tokens: Sequence[Token], message: str) -> int | None:
    """The token that Cedar's validator means."""
    calls = [at for at, token in enumerate(tokens[:-5]) if token.text == "getTag"]
    if "{text: " in message:  # what getTag gives, used as if it were a text or a set
        whole = (at for at in calls if tokens[at + 4].text != "." or tokens[at + 5].text not in ("text", "values"))
        return next(whole, None)
    if message.startswith("unable to guarantee safety of access to tag"):
        return next((at for at in calls if f"`{tokens[at + 2].text}`" in message), None)
    return _named_in(tokens, message)


def _printable(words: str) -> str:
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in words)
