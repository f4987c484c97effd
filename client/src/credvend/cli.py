"""`credvend`, the command. The fast path comes first; nothing else is imported before it is known to be needed."""

import os
import sys

from credvend import lean


def main(arguments: "list[str] | None" = None) -> int:
    """Run a command line.

    Returns:
        The exit code: 0; 2 usage, 3 authentication, 4 denied, 5 service; 1 for a fault of credvend.
    """
    words = sys.argv[1:] if arguments is None else arguments
    try:
        code = _main(words)
    except KeyboardInterrupt:
        code = -2
    if code < 0:
        # Whoever started us sees by which signal we ended: a shell's loop ends with us at Ctrl-C.
        from credvend.signals import end_by

        return end_by(-code)
    return code


def _main(words: "list[str]") -> int:
    found = None
    if words[:1] == ["process"]:
        found = lean.cached_process(words[1:], os.environ)
    elif words == ["status"]:
        from credvend.session_status import session_status

        status = session_status(os.environ)
        if status is None:  # which most prompts of a day are told
            return 1
        found = str(status)
    if found is not None and found.isascii() and sys.stdout is not None:
        try:
            sys.stdout.write(found + "\n")
            sys.stdout.flush()
        except OSError as error:
            # Python must not try again when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(error, BrokenPipeError):  # whoever asked has gone
                return 141
            if sys.stderr is not None:
                sys.stderr.write(f"credvend: standard output cannot be written: {error.strerror}.\n")
            return 2
        return 0
    from credvend.command_line import run

    return run(words, os.environ)


if __name__ == "__main__":
    sys.exit(main())
