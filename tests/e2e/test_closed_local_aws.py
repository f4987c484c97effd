"""The local AWS keeps its secrets from the other users of the machine, and from other machines."""

from pathlib import Path

from testing.deployed import Stack


def test_no_process_of_the_local_aws_has_a_secret_on_its_command_line(stack: Stack) -> None:
    stack.vend({"role": "instances"})
    secrets = [stack.aws.secret_access_key, stack.alice.secret_access_key]
    secrets += [key.secret_access_key for key in stack.vended]
    commands = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            commands.append((process / "cmdline").read_text(errors="replace"))
        except OSError:  # it ended in the meantime
            continue
    assert any(str(stack.aws.directory) in command for command in commands)
    assert not [command for command in commands for secret in secrets if secret in command]


def test_the_local_aws_is_closed_to_other_users_and_machines(stack: Stack) -> None:
    assert stack.aws.directory.stat().st_mode & 0o077 == 0
    listening = {
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }
    port = f"{stack.aws.port:04X}"
    assert [address for address in listening if address.endswith(f":{port}")] == [f"0100007F:{port}"]
