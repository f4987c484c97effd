"""`credvend`, the command. The fast path comes first; nothing else is imported before it is known to be needed."""

import os
import sys

from credvend import lean

TYPE_CHECKING = False
if TYPE_CHECKING:
    pass


def main(arguments: "list[str] | None" = None) -> int:
    """Run a command line.

    Returns:
        The exit code: 0; 2 usage, 3 authentication, 4 denied, 5 service; 1 for a fault of credvend.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["process"]:
        found = lean.cached_process(words[1:], os.environ)
        if found is not None and sys.stdout is not None:
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
    try:
        from credvend.command_line import run
    except KeyboardInterrupt:  # `run` takes care of the later ones
        return 130
    return run(words, os.environ)


if __name__ == "__main__":
    sys.exit(main())
