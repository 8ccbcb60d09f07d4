"""A network and mount namespace of a test's own, with loopback alone and a resolv.conf that names 127.0.0.1: there a
test takes ports 53, 80 and 443 and is the machine's resolver, and the machine notices nothing."""
import ctypes
import functools
import os
import pathlib
import subprocess
import sys
import traceback

import pytest

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
FAILED, NOT_ALLOWED = 1, 77

libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags):
    if libc.unshare(flags) != 0:
        raise PermissionError(ctypes.get_errno(), "unshare(2)")


def be_root_of_own_namespaces():
    user, group = os.getuid(), os.getgid()
    try:
        unshare(CLONE_NEWNET | CLONE_NEWNS)
    except PermissionError:
        unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS)
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def replace_file(path, folder, text):
    if os.path.exists(path):
        own = pathlib.Path(folder) / pathlib.Path(path).name
        own.write_text(text)
        subprocess.run(["mount", "--bind", own, path], check=True, capture_output=True)


def enter(folder):
    be_root_of_own_namespaces()
    subprocess.run(["mount", "--make-rprivate", "/"], check=True, capture_output=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, capture_output=True)
    replace_file("/etc/resolv.conf", folder, "nameserver 127.0.0.1\n")
    # A service such as systemd-resolved would answer from outside of the namespace.
    replace_file("/etc/nsswitch.conf", folder, "hosts: files dns\n")


def in_child(run, failed):
    """Calls RUN in a child process; returns its exit status, which is FAILED when RUN raises."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = failed
    try:
        run()
        status = 0
    except BaseException:  # nothing may go on as a second pytest
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def in_own_network(test):
    """Runs the test in a child process that has entered namespaces of its own; it needs the fixture tmp_path."""
    @functools.wraps(test)
    def wrapped(tmp_path, **fixtures):
        def run():
            enter(tmp_path)
            test(tmp_path, **fixtures)

        if in_child(lambda: enter(tmp_path), NOT_ALLOWED) == NOT_ALLOWED:
            pytest.skip("this machine allows no network namespace")
        assert in_child(run, FAILED) == 0, "failed in its own network: see its output"

    return wrapped
