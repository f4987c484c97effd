"""What the fast path of `credvend process` and everything else must agree on: settings, caller, cache key, validity.

AWS SDKs run `credvend process ROLE` for each of their own starts, so that an answer from the cache must cost little
more than starting Python. At its top this module imports nothing that Python has not loaded by then (not even `typing`:
hence the quoted annotations); SHA-256, and the names of users and groups, only where they are needed. Nothing in it
knows how to ask the service.
"""

import os
import stat
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    _Pairs = list[tuple[str, str]]
    _Asked = tuple[str, dict[str, str], _Pairs, _Pairs]

# Also the variables CREDVEND_NAME, which win over the file.
SETTINGS = (
    "url",
    "auth",
    "region",
    "profile",
    "ca_bundle",
    "audience",
    "token_file",
    "issuer",
    "client_id",
    "scopes",
    "console_url",
    "cache",
    "favourites",
    "connect_timeout",
    "read_timeout",
)
# Those that say nothing of a service: their variables hold for one that is named as well.
_OF_THIS_COMPUTER = ("ca_bundle", "cache", "connect_timeout", "read_timeout")
# Those that are paths.
PATHS = ("ca_bundle", "token_file")
# Which of the file's services is meant; empty for the one without a name.
SERVICE = "CREDVEND_SERVICE"
# The ways to authenticate that are found by themselves, in the order in which help shows them. One that is not here can
# have a module in auth/methods all the same: it must be named, and its answers come from the full path.
AUTH_METHODS = ("token", "token-file", "github", "gitlab", "kubernetes", "login", "sigv4")
# Where docs/callers.md has a pod mount its token.
KUBERNETES_TOKEN = "/var/run/secrets/credvend/token"  # noqa: S105 a path
GITLAB_TOKEN = "CREDVEND_ID_TOKEN"  # noqa: S105 the name of a variable
# Set while the AWS credential chain is asked, which may run `credvend process` in turn, to the id of the process that
# asks it: see auth/methods/sigv4.py.
SIGNING = "CREDVEND_SIGNING"
ITSELF = (
    "the AWS profile to sign with gets its credentials from credvend itself: "
    "set profile in credvend's configuration, or CREDVEND_PROFILE, to another."
)
# The first line of a cache entry; another number for another layout.
ENTRY = "credvend cache 1"
# Seconds of life that credentials have at least when they are handed out; shorter ones a tenth of their life.
LEAST_LIFE = 60
# Seconds that a role session lives at most: the most that AWS lets a role have.
LONGEST_LIFE = 43_200
# What `credvend process` is given once.
_ONCE = ("ROLE", "--duration", "--reason", "--service")


class Unreadable(Exception):
    """A file is malformed, or others can read or write what they must not; the message says so."""


def sha256(text: str) -> str:
    """SHA-256 in hexadecimal. `hashlib` would load OpenSSL, which takes longer than all the rest."""
    try:
        if sys.version_info >= (3, 12):
            from _sha2 import sha256 as digest  # type: ignore[import-not-found]
        else:
            from _sha256 import sha256 as digest  # type: ignore[import-not-found]
    except ImportError:  # these are CPython's own
        from hashlib import sha256 as digest
    return str(digest(text.encode("utf-8", "surrogateescape")).hexdigest())


def home_path(environ: "Mapping[str, str]", *parts: str) -> str:
    """A path below the home directory; empty, as all that would be below it, for one that is not there or relative."""
    home = environ.get("HOME") or os.path.expanduser("~")
    return os.path.join(home, *parts) if os.path.isabs(home) else ""


def _from_home(environ: "Mapping[str, str]", path: str) -> str:
    return home_path(environ, path[2:]) if path.startswith("~/") else path


def aws_config_path(environ: "Mapping[str, str]") -> str:
    """`$AWS_CONFIG_FILE`, else `~/.aws/config`; empty for none."""
    return _from_home(environ, environ.get("AWS_CONFIG_FILE") or "~/.aws/config")


def aws_credentials_path(environ: "Mapping[str, str]") -> str:
    """`$AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`; empty for none."""
    return _from_home(environ, environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials")


def _below(directory: str, name: str) -> str:
    return os.path.join(directory, name) if directory else ""


def config_path(environ: "Mapping[str, str]") -> str:
    """`$CREDVEND_CONFIG`, else `$XDG_CONFIG_HOME/credvend/config`, else `~/.config/credvend/config`; empty for none."""
    return environ.get("CREDVEND_CONFIG") or _below(_base(environ, "XDG_CONFIG_HOME", ".config"), "config")


def cache_directory(environ: "Mapping[str, str]") -> str:
    """`$CREDVEND_CACHE_DIR`, else `$XDG_CACHE_HOME/credvend`, else `~/.cache/credvend`; empty for none."""
    named = environ.get("CREDVEND_CACHE_DIR", "")
    # Each working directory could have one of another.
    return named if os.path.isabs(named) else _base(environ, "XDG_CACHE_HOME", ".cache")


def cache_path(environ: "Mapping[str, str]", name: str) -> str:
    """A file of the cache; empty for none."""
    return _below(cache_directory(environ), name)


def state_directory(environ: "Mapping[str, str]") -> str:
    """`$XDG_STATE_HOME/credvend`, else `~/.local/state/credvend`; empty for none."""
    return _base(environ, "XDG_STATE_HOME", ".local/state")


def state_path(environ: "Mapping[str, str]", name: str) -> str:
    """A file of the state directory; empty for none."""
    return _below(state_directory(environ), name)


def _base(environ: "Mapping[str, str]", variable: str, fallback: str) -> str:
    base = environ.get(variable)
    # A relative path is invalid, and to be ignored: the XDG base directory specification.
    return _below(base if base and os.path.isabs(base) else home_path(environ, fallback), "credvend")


def read_settings(environ: "Mapping[str, str]") -> "dict[str, str]":
    """The settings of the service that is meant, of the file and of the variables; without those that are empty.

    What says where a named service is, and who one is there, comes from its section alone: a variable that was set for
    another service would send it this one's token.

    Raises:
        Unreadable: a malformed file, or an unknown name in it.
    """
    service = environ.get(SERVICE, "")
    settings = read_services(environ).get(service, {})
    for name in set_by_variables(service):
        value = environ.get("CREDVEND_" + name.upper(), "")
        if value:
            settings[name] = value
    settings["url"] = settings.get("url", "").rstrip("/")
    for name in PATHS:
        if name in settings:
            settings[name] = _from_home(environ, settings[name])
            if not settings[name]:
                raise Unreadable(f"{name} begins with ~/, and there is no home directory: set HOME.")
    return {name: value for name, value in settings.items() if value}


def set_by_variables(service: str) -> "tuple[str, ...]":
    """The settings of a service that variables can set; all of the one without a name."""
    return _OF_THIS_COMPUTER if service else SETTINGS


def read_services(environ: "Mapping[str, str]") -> "dict[str, dict[str, str]]":
    """What the file says of each service, by its name; empty for the one without a name, which comes first.

    The file has a line `name = value` for each setting, and a line `[service NAME]` before those of a named service.
    Blank lines and lines that begin with `#` are ignored.

    Raises:
        Unreadable: it is malformed, or others could have written it.
    """
    services: dict[str, dict[str, str]] = {"": {}}
    path = config_path(environ)
    settings = services[""]
    for number, line in enumerate(_config_lines(path), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("["):
            service = service_in(text)
            if not service:
                raise Unreadable(f"{path}, line {number}: write [service NAME]; a name has letters, digits, - . and _.")
            if service in services:
                raise Unreadable(f"{path}, line {number}: there is a service {service} above already.")
            settings = services[service] = {}
            continue
        name, equals, value = text.partition("=")
        name = name.strip()
        value = value.strip()
        if not equals or name not in SETTINGS:
            raise Unreadable(f"{path}, line {number}: write name = value; the names are {', '.join(SETTINGS)}.")
        if name in settings:
            raise Unreadable(f"{path}, line {number}: {name} is there twice: remove one.")
        if name in PATHS and value and not (os.path.isabs(value) or value.startswith("~/")):
            raise Unreadable(f"{path}, line {number}: {name} must be an absolute path, or begin with ~/.")
        settings[name] = value
    return services


def service_in(line: str) -> str:
    """The service that a line `[service NAME]` names; empty for any other line."""
    if not (line.startswith("[service ") and line.endswith("]")):
        return ""
    name = line[9:-1].strip()
    return name if is_service_name(name) else ""


def is_service_name(name: str) -> bool:
    """Whether a service may be called so: by a word that no shell and no comment takes for anything else."""
    rest = name.replace("-", "").replace("_", "").replace(".", "")
    return rest.isascii() and rest.isalnum() and name[0].isalnum() and len(name) <= 64


def _config_lines(path: str) -> "list[str]":
    if path in ("", os.devnull):  # which is what people name who want none
        return []
    if not os.path.isabs(path):
        raise Unreadable("CREDVEND_CONFIG must be an absolute path: each directory could have a file of another.")
    try:
        # It says where tokens are sent.
        return decoded(read_believed(path)).splitlines()
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise Unreadable(f"{path} cannot be read: {error}.") from None


def decoded(data: bytes, errors: str = "strict") -> str:
    """Text, also as Windows has it: behind a byte order mark, and as UTF-16, which is what PowerShell's `>` writes.

    Raises:
        ValueError: it is none.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors)
    if b"\0" in data:
        raise ValueError("it is no text, or UTF-16 without a byte order mark: save it as UTF-8")
    return data[3 if data.startswith(b"\xef\xbb\xbf") else 0 :].decode("utf-8", errors)


def asks_itself(environ: "Mapping[str, str]") -> bool:
    """Whether this process was started by the credential chain of another credvend, which signs.

    What another thread of this process has set does not count: it is told by the process's id.
    """
    return environ.get(SIGNING, "") not in ("", str(os.getpid()))


def marker_path(environ: "Mapping[str, str]", kind: str, url: str) -> str:
    """The file that identifies a caller whose secret would be slow to read.

    Its random content changes with each sign-in to the service at `url` (kind `login`), or with each API token that is
    saved for it (kind `token`): see disk/caller_markers.py.
    """
    return state_path(environ, f"{kind}-{sha256(url)[:16]}.id")


def chosen_auth_method(settings: "Mapping[str, str]", environ: "Mapping[str, str]") -> str:
    """How the caller authenticates: as it was told to, or else by what there is: one of `AUTH_METHODS`.

    What a job or a pod was given for credvend comes before what a person saved, and AWS credentials, which may be there
    for anything, come last.
    """
    told = settings.get("auth", "auto")
    if told != "auto":
        return told
    url = settings.get("url", "")
    found = (
        ("token", environ.get("CREDVEND_TOKEN")),
        ("token-file", settings.get("token_file")),
        ("github", environ.get("ACTIONS_ID_TOKEN_REQUEST_URL")),
        ("gitlab", environ.get("GITLAB_CI") and environ.get(GITLAB_TOKEN)),
        ("kubernetes", environ.get("KUBERNETES_SERVICE_HOST") and os.path.exists(KUBERNETES_TOKEN)),
        ("login", os.path.exists(marker_path(environ, "login", url))),
        ("token", os.path.exists(marker_path(environ, "token", url))),
    )
    return next((method for method, is_there in found if is_there), "sigv4")


def identity(method: str, settings: "Mapping[str, str]", environ: "Mapping[str, str]") -> str:
    """What tells the callers of a method apart, without a network: another text whenever another caller could be seen.

    - Tokens in variables and files: their hash. A rotated token is another caller, at the cost of one request.
    - `github`: the hash of the job's request token, and the audience.
    - `login`, and API tokens in the keyring: the content of their marker.
    - `sigv4`: the access key id where the environment has one; else everything by which the AWS credential chain
      chooses, and the moments at which its files were last changed. (An instance's role is always the same caller, and
      so is whoever a profile's own `credential_process` speaks for.)

    Raises:
        OSError, Unreadable: what it takes is not there, or not fit.
    """
    url = settings.get("url", "")
    if method == "token":
        token = environ.get("CREDVEND_TOKEN")
        return sha256(token.strip()) if token else _content(marker_path(environ, "token", url))
    if method == "token-file":
        return sha256(_content(settings.get("token_file", "")))
    if method == "kubernetes":
        return sha256(_content(settings.get("token_file") or KUBERNETES_TOKEN))
    if method == "gitlab":
        return sha256(environ.get(GITLAB_TOKEN, "").strip())
    if method == "github":
        asked = (environ.get("ACTIONS_ID_TOKEN_REQUEST_URL", ""), environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", ""))
        return sha256(_joined((*asked, settings.get("audience", ""))))
    if method == "login":
        return _content(marker_path(environ, "login", url))
    if method == "sigv4":
        return _aws_identity(settings, environ)
    raise Unreadable(f"what tells the callers of {method} apart is for its own module to say")


def _content(path: str) -> str:
    try:
        return decoded(_read(path)[:65_536], "surrogateescape").strip()
    except ValueError as error:
        raise Unreadable(f"{path} cannot be read: {error}.") from None


# Where the credential chains of AWS SDKs find credentials, besides keys in variables. `credvend exec` takes them away.
AWS_SOURCES = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CREDENTIAL_FILE",
)
# What botocore's credential chain chooses by.
_BOTOCORE_VARIABLES = (
    "AWS_ACCESS_KEY_ID",  # which a profile may name: credential_source = Environment
    *AWS_SOURCES,
    "AWS_LOGIN_CACHE_DIRECTORY",
    "BOTO_CONFIG",
)


def _aws_identity(settings: "Mapping[str, str]", environ: "Mapping[str, str]") -> str:
    profile = settings.get("profile", "")
    key = environ.get("AWS_ACCESS_KEY_ID")
    if key and not profile:  # botocore, too, prefers a profile that it was explicitly given
        return "key " + key
    parts = [profile, *(environ.get(name, "") for name in _BOTOCORE_VARIABLES)]
    files = [
        aws_config_path(environ),
        aws_credentials_path(environ),
        _from_home(environ, environ.get("AWS_CREDENTIAL_FILE", "")),
        _from_home(environ, environ.get("BOTO_CONFIG") or "~/.boto"),
        "/etc/boto.cfg",
    ]
    for directory in (
        home_path(environ, ".aws", "sso", "cache"),
        _from_home(environ, environ.get("AWS_LOGIN_CACHE_DIRECTORY") or "~/.aws/login/cache"),
    ):
        try:
            files += [os.path.join(directory, name) for name in sorted(os.listdir(directory))]
        except OSError:
            continue
    for file in files:
        try:
            status = os.stat(file)
            parts.append(f"{file} {status.st_ino} {status.st_size} {status.st_mtime_ns}")
        except OSError:
            parts.append("")
    return "chain " + sha256(_joined(parts))


def _joined(parts: "Sequence[str]") -> str:
    """One text of several, so that no two lists give the same."""
    return "".join(f"{len(part)}:{part}" for part in parts)


def seconds_of(written: str) -> "int | None":
    """Seconds meant by `3600`, `3600s`, `60m`, `1h`, `1h30m` or `1d12h`; None for anything else.

    As the service has it: any of the units, each once, the larger before the smaller, and at most seven digits each.
    """
    rest = written + "s" if written.isdigit() else written
    seconds = 0
    for unit, worth in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        number, found, behind = rest.partition(unit)
        if found:
            if not (number.isascii() and number.isdigit() and len(number) <= 7):
                return None
            seconds += int(number) * worth
            rest = behind
    return None if rest or not written else seconds


def cache_key(
    url: str,
    method: str,
    caller: str,
    role: str,
    duration: "str | None" = None,
    reason: "str | None" = None,
    params: "Sequence[tuple[str, str]]" = (),
    tags: "Sequence[tuple[str, str]]" = (),
    policy: "str | None" = None,
) -> str:
    """The name of a cache entry: one for each service, caller, role and options, whose order does not matter.

    Nor does it matter how a duration is written.

    Args:
        caller: the result of `identity`.
    """
    parts = [url, method, caller, role]
    seconds = None if duration is None else seconds_of(duration)
    for option in (duration if seconds is None else str(seconds), reason, policy):
        parts.append("" if option is None else "=" + option)
    for pairs in (params, tags):
        parts.append(_joined([text for pair in sorted(pairs) for text in pair]))
    return sha256(_joined(parts))


# What not every system has; nor does everyone wait for a pipe.
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
BINARY = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_READ = os.O_RDONLY | BINARY | getattr(os, "O_NONBLOCK", 0)


def read_private(path: str) -> bytes:
    """The content of a file that holds secrets, in a directory for them.

    Raises:
        FileNotFoundError: there is none.
        Unreadable: it is a link or no regular file, is somebody else's, or others may read or write it; or get into the
            directory.
        OSError: anything else.
    """
    check_private_directory(os.path.dirname(path))
    if os.path.islink(path):  # one that is put there now is not followed, either
        raise Unreadable(f"{path} is a link, which is not followed where secrets are.")
    return _read(path, _refuse_open, NO_FOLLOW)


def read_believed(path: str) -> bytes:
    """The content of a file that is believed, secret or not.

    Raises:
        FileNotFoundError: there is none.
        Unreadable: it is no regular file, or others could have changed it.
        OSError: anything else.
    """
    return _read(path, refuse_others_of)


def _read(path: str, refuse: "Callable[[str, os.stat_result], None] | None" = None, flags: int = 0) -> bytes:
    descriptor = os.open(path, _READ | flags)
    try:
        status = os.fstat(descriptor)
        _refuse_other_than_file(path, status)
        if refuse:
            refuse(path, status)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def check_private_directory(path: str) -> None:
    """Refuse a directory for secrets that others can get into.

    Raises:
        Unreadable: it is no directory, is somebody else's, or is open to others.
        OSError: it is not there.
    """
    status = os.lstat(path)
    if not stat.S_ISDIR(status.st_mode):
        # Not to be removed unseen: it may be anything, such as a link that was meant, or /dev/null.
        raise Unreadable(f"{path} is no directory of its own, but a link or a file: name another directory.")
    _refuse_open(path, status)


def _refuse_other_than_file(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable(f"{path} is not a regular file.")


def _refuse_open(path: str, status: os.stat_result) -> None:
    if not hasattr(os, "geteuid"):  # modes say nothing there: who may read a file is inherited from the home directory
        return
    if status.st_uid != os.geteuid():
        if came_by_sudo_from(status):
            raise Unreadable(
                f"{path} belongs to who ran sudo: run credvend without it, or with a home of root, sudo -H."
            )
        raise Unreadable(f"{path} belongs to another user; if sudo left it, chown it to yourself, or remove it.")
    if status.st_mode & 0o077:
        mode = "700" if stat.S_ISDIR(status.st_mode) else "600"
        raise Unreadable(
            f"{path} is open to other users: chmod {mode} {path}, or have it elsewhere where that changes nothing, "
            "as on a disk of Windows."
        )


def refuse_changeable(path: str, status: os.stat_result) -> None:
    """Refuse a file that is believed, secret or not, if others could have changed it.

    Root is nobody else; and to root, who came by sudo with its variables kept is not, either (as git has it).

    Raises:
        Unreadable: it is no regular file, is somebody else's, or others may write it.
    """
    _refuse_other_than_file(path, status)
    refuse_others_of(path, status)


def refuse_others_of(path: str, status: os.stat_result) -> None:
    """The same for whatever is there, such as a directory whose files are believed.

    Raises:
        Unreadable: it is somebody else's, or others may write it.
    """
    if not hasattr(os, "geteuid"):
        return
    if status.st_uid not in (0, os.geteuid()) and not came_by_sudo_from(status):
        raise Unreadable(f"{path} belongs to another user, who can change it: chown it to yourself, or have another.")
    if status.st_mode & 0o002 or (status.st_mode & 0o020 and not _is_private_group(status)):
        raise Unreadable(f"{path} can be written by other users: chmod go-w {path}, or have it elsewhere.")


def came_by_sudo_from(status: os.stat_result) -> bool:
    """Whether this is root, by a sudo that a file's owner ran."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 != status.st_uid == _number(os.environ.get("SUDO_UID"))


def _number(text: "str | None") -> int:
    return int(text) if text and text.isascii() and text.isdigit() else -1


def _is_private_group(status: os.stat_result) -> bool:
    """Whether a file's group is its owner alone, as many systems give each user one; their umask lets it write."""
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(status.st_uid), grp.getgrgid(status.st_gid)
    except KeyError:
        return False
    return user.pw_gid == group.gr_gid and user.pw_name == group.gr_name and set(group.gr_mem) <= {user.pw_name}


class Entry:
    """What the cache holds for a key.

    Attributes:
        obtained, expires: seconds since 1970 by this computer's clock, whatever the service's clock says.
        process: what `credvend process` prints.
        answer: what the service answered, as JSON.
    """

    def __init__(self, key: str, obtained: int, expires: int, process: str, answer: str) -> None:
        self.key = key
        self.obtained = obtained
        self.expires = expires
        self.process = process
        self.answer = answer

    def is_fresh(self, now: float) -> bool:
        """Whether it may be used without a thought: a few minutes of life are left, fewer for short-lived ones."""
        return self._is_sound(now) and now < self.expires - margin(self.expires - self.obtained)

    def is_usable(self, now: float) -> bool:
        """Whether it may be used when nothing better can be had."""
        return self._is_sound(now) and now < self.expires - least_life(self.expires - self.obtained)

    def _is_sound(self, now: float) -> bool:
        """Not so if the clock was set back since: then it no longer tells how long the entry has to live.

        (By no more than the least life: so what is handed out is alive all the same.) Nor if it would live longer than
        any session: then a clock was wrong when it was made.
        """
        lifetime = self.expires - self.obtained
        return now >= self.obtained - least_life(lifetime) and lifetime <= LONGEST_LIFE

    def to_bytes(self) -> bytes:
        text = "\n".join((ENTRY, self.key, str(self.obtained), str(self.expires), self.process, self.answer, ""))
        return (text + sha256(text) + "\n").encode("ascii")


def margin(lifetime: int) -> int:
    """How many seconds before their end credentials are refreshed."""
    return min(300, lifetime // 5)


def least_life(lifetime: int) -> int:
    """How many seconds before their end they are not handed out any more; no more than the margin."""
    return min(LEAST_LIFE, lifetime // 10)


def parse_entry(data: bytes, key: str) -> "Entry | None":
    """An entry as `Entry.to_bytes` wrote it, or None for anything else, such as half a file or another key's."""
    try:
        text = data.decode("ascii")
        layout, named, obtained, expires, process, answer, digest, nothing = text.split("\n")
        body = text[: -len(digest) - 1]
        if layout != ENTRY or named != key or nothing or sha256(body) != digest:
            return None
        return Entry(key, int(obtained), int(expires), process, answer)
    except ValueError:
        return None


def load_entry(environ: "Mapping[str, str]", key: str) -> "Entry | None":
    """What the cache holds for a key, if it can be trusted. None also for an open file, which is then replaced."""
    try:
        return parse_entry(read_private(cache_path(environ, f"{key}.entry")), key)
    except (OSError, Unreadable):
        return None


def cached_process(arguments: "Sequence[str]", environ: "Mapping[str, str]") -> "str | None":
    """What `credvend process ...` prints, if the cache has it; None if the full path must decide, or say what is wrong.

    Args:
        arguments: those after `process`.
    """
    entry = None if asks_itself(environ) else cached_entry(arguments, environ)
    return entry.process if entry is not None and entry.is_fresh(time.time()) else None


def cached_entry(arguments: "Sequence[str]", environ: "Mapping[str, str]") -> "Entry | None":
    """What the cache has for the arguments of `credvend process`; None also where that cannot be told without more."""
    try:
        asked = plain_options(arguments)
        if asked is None:
            return None
        role, single, params, tags = asked
        if "--service" in single:
            environ = {**environ, SERVICE: single["--service"]}
        settings = read_settings(environ)
        if settings.get("cache", "file") != "file":
            return None
        method = chosen_auth_method(settings, environ)
        caller = (settings.get("url", ""), method, identity(method, settings, environ))
        key = cache_key(*caller, role, single.get("--duration"), single.get("--reason"), params, tags)
        return load_entry(environ, key)
    except (OSError, ValueError, Unreadable):
        return None


def plain_options(arguments: "Sequence[str]") -> "_Asked | None":
    """Role, options that are given once, parameters and tags of the plainest spelling; None for any other."""
    given: dict[str, list[str]] = {name: [] for name in (*_ONCE, "--param", "--tag")}
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=") if argument.startswith("-") else ("ROLE", "=", argument)
        if not equals:
            value = next(rest, "-")
            if value.startswith("-"):
                return None
        if name not in given:
            return None
        given[name].append(value)
    single = {name: given[name][0] for name in _ONCE if given[name]}
    role = single.pop("ROLE", "")
    params, tags = given["--param"], given["--tag"]
    if not role or any(len(given[name]) > 1 for name in _ONCE) or any("=" not in each for each in params + tags):
        return None
    return role, single, _pairs(params), _pairs(tags)


def _pairs(written: "list[str]") -> "_Pairs":
    return [(name, value) for name, _, value in (each.partition("=") for each in written)]
