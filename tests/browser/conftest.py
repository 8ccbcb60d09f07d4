import contextlib
import itertools
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import pytest  # noqa: E402
from chromium import Chromium  # noqa: E402

from fixtures import ccward, make_ccward, origin, upstream  # noqa: E402, F401


@pytest.fixture
def make_chromium(tmp_path):
    """Call it as Chromium without a profile to get a running one; several are allowed."""
    profiles = (tmp_path / f"profile{i}" for i in itertools.count())
    with contextlib.ExitStack() as running:
        yield lambda *arguments, **more: running.enter_context(Chromium(next(profiles), *arguments, **more))


@pytest.fixture
def browse_through(make_chromium):
    """A Chromium whose proxy is the ccward given."""
    def make(ccward, **more):  # noqa: F811
        return make_chromium(f"--proxy-server={ccward.proxy}", "--proxy-bypass-list=<-loopback>", resolve={}, **more)

    return make
