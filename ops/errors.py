"""What stops a command. Whoever runs it is told the message, and nothing else."""


class CommandFailed(Exception):
    """A program exited with an error; the message holds the command and what it said."""


class OperationFailed(Exception):
    """What an operator wanted was not carried out; the message says why, and what to do.

    Attributes:
        status: of the command that ends so.
    """

    status: int = 1


class NotFinished(OperationFailed):
    """What an operator wanted is asked for, and was not seen to be carried out, or not whole."""

    status = 3
