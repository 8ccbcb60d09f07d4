"""Fixtures that the end-to-end and browser tests share: a ccward with a configuration of its own, a real upstream
(unbound), a real origin (nginx). Everything listens on loopback, on ports that were free a moment ago, and ends with
the test."""
import pytest

from harness import Ccward, Origin, Upstream


@pytest.fixture(scope="session")
def upstream(tmp_path_factory):
    with Upstream(tmp_path_factory.mktemp("upstream")) as server:
        yield server


@pytest.fixture(scope="session")
def origin(tmp_path_factory):
    with Origin(tmp_path_factory.mktemp("origin")) as server:
        yield server


@pytest.fixture
def make_ccward(tmp_path, upstream):
    """Call it with sections of the configuration to get a running Ccward; several are allowed."""
    running = []

    def make(start=True, **sections):
        ccward = Ccward(tmp_path / f"ccward{len(running)}", upstream, **sections)
        running.append(ccward)
        if start:
            ccward.start()
        return ccward

    yield make
    for ccward in running:
        ccward.stop()


@pytest.fixture
def ccward(make_ccward):
    return make_ccward()
