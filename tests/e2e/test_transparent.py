"""Connections that a firewall redirects, by the very rules that are shipped; the machine is machine_with_redirect.py."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest


def why_not():
    """What is missing here for a machine with a firewall of its own, or None."""
    for program in ("nft", "ip", "unshare", "nsenter", "setpriv"):
        if not shutil.which(program):
            return f"{program} is not installed"
    if os.geteuid() != 0:
        return "only root has users to run ccward as"
    try_out = ("mount -t tmpfs tmpfs /mnt && ip link add name here type veth peer name there && nft add table inet x && "
               "nft 'add chain inet x y { type nat hook output priority -100; }' && "
               "nft add rule inet x y fib daddr type local accept && "
               "nft add rule inet x y tcp dport 80 redirect to :3129 && "
               "setpriv --reuid 4711 --regid 4711 --clear-groups true")
    result = subprocess.run(["unshare", "--mount", "--net", "sh", "-c", try_out], capture_output=True, text=True)
    return f"namespaces with a firewall cannot be made: {result.stderr.strip()}" if result.returncode else None


def test_what_the_firewall_redirects_is_judged_and_goes_where_it_was_going(tmp_path):
    reason = why_not()
    if reason:
        pytest.skip(reason)
    script = pathlib.Path(__file__).parent / "machine_with_redirect.py"
    result = subprocess.run(["unshare", "--mount", "--net", sys.executable, str(script), str(tmp_path)],
                            capture_output=True, text=True, timeout=600)
    assert result.returncode == 0 and "all as it should be" in result.stdout, result.stdout + result.stderr
