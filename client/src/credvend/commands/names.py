"""The names of the commands, and what each is for in a few words: all that `credvend --help` needs."""

# By which a shell, or the process that asks for it, says what it wants to know.
COMPLETE = "_CREDVEND_COMPLETE"
# In the order in which --help shows them.
COMMANDS = {
    "get": "print credentials, in a format of your choice",
    "exec": "run one command with credentials",
    "narrow": "make a lease of this shell's session",
    "unset": "take credentials out of this shell",
    "status": "whose credentials this shell has",
    "doctor": "what is wrong, and what to do about it",
    "process": "credentials for credential_process",
    "roles": "the roles that you may have",
    "sessions": "the sessions that you have had",
    "revoke": "end a session before its time",
    "whoami": "you, as the service sees you",
    "console": "sign in to the AWS console",
    "serve": "a local endpoint for AWS SDKs",
    "login": "sign in, as a person",
    "logout": "forget the sign-in",
    "configure": "set up credvend and ~/.aws/config",
    "cache": "clear what is cached",
    "completion": "for bash, zsh, fish or PowerShell",
}
