"""How long? One way to write it in configuration, requests and on command lines.

The client's is in client/src/credvend/lean.py; tests/unit/test_agreements.py holds both, and `PATTERN`, against one
table.
"""

from typing import Final

# Seconds alone, or any of the units, each once, the larger before the smaller. Seven digits are four months of seconds:
# what is longer is a slip of the keyboard.
PATTERN: Final = r"^([0-9]{1,7}|(?=[0-9])([0-9]{1,7}d)?([0-9]{1,7}h)?([0-9]{1,7}m)?([0-9]{1,7}s)?)\Z"
# Completes a sentence that begins with what is wrong.
MALFORMED: Final = 'must be seconds, or numbers with units (d, h, m, s, in this order), such as "15m" or "1h30m"'

_UNITS: Final = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def seconds_of(written: str) -> int:
    """Seconds meant by `3600`, `3600s`, `60m`, `1h`, `1h30m` or `1d12h`.

    Raises:
        ValueError: it is none of these; the message is `MALFORMED`.
    """
    # Without a regular expression, which takes longer to compile than a cold start has use for.
    rest = f"{written}s" if written.isdigit() else written
    seconds = 0
    for unit, worth in _UNITS:
        number, found, behind = rest.partition(unit)
        if found:
            if not (number.isascii() and number.isdigit() and len(number) <= 7):
                raise ValueError(MALFORMED)
            seconds += int(number) * worth
            rest = behind
    if rest or not written:
        raise ValueError(MALFORMED)
    return seconds
