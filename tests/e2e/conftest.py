import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from fixtures import ccward, make_ccward, origin, upstream  # noqa: E402, F401


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; scripts/test --long runs it")
