"""Tokens that lie, one lie a test: each differs from an honest token in one thing, and lets nobody in.

A file for each family of lies. Honest tokens pass first, so that no lie is refused for another reason than the one that
the test names. The key sets are files: no test asks the network, and none of these tokens may make the service ask it.
"""

import pytest

# Its assertions are the tests' own, and fail as plainly.
pytest.register_assert_rewrite("tests.security.jwt.gate")
