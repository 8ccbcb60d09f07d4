"""Run by test_system_dns.py in namespaces of its own: a machine whose /etc/resolv.conf is written by MANAGER (resolvconf,
openresolv, network-manager), unpacked at PACKAGE and laid over the system's folders.

    unshare --mount --net python3 machine_with_manager.py FOLDER MANAGER PACKAGE
"""
import os
import pathlib
import subprocess
import sys

from machine import FOLDER, configure_ccward, live_through_a_day, run, serve_old_resolver
from harness import wait_for

MANAGER, PACKAGE = sys.argv[2], pathlib.Path(sys.argv[3])
OLD = "198.51.100.9"  # not of loopback, which resolvconf would take for one like ccward
RESOLV_CONF = pathlib.Path("/etc/resolv.conf")
started = []


def lay_over_the_system():
    mine = FOLDER / "mine"
    mine.mkdir()
    run("mount", "-t", "tmpfs", "tmpfs", mine)
    for name in ("etc", "work"):
        (mine / name).mkdir()
    run("mount", "-t", "overlay", "overlay", "-o",
        f"lowerdir={PACKAGE}/etc:/etc,upperdir={mine}/etc,workdir={mine}/work", "/etc")
    for package_folder, folder in (("lib", "/usr/lib"), ("usr/lib", "/usr/lib")):
        if (PACKAGE / package_folder).exists():
            run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={PACKAGE}/{package_folder}:{folder}", folder)
    for folder in ("/run", "/var/lib"):
        run("mount", "-t", "tmpfs", "tmpfs", folder)
    for folder in ("sbin", "usr/sbin", "usr/bin"):
        os.environ["PATH"] = f"{PACKAGE / folder}:{os.environ['PATH']}"
    for words in ("link set lo up", "link add there type veth peer name here", "link set there up",
                  f"address add {OLD}/32 dev lo"):
        run("ip", *words.split())
    RESOLV_CONF.unlink(missing_ok=True)


def start_resolvconf():
    """Either of them; a DHCP client has told it of the old resolver."""
    pathlib.Path("/run/resolvconf/interface").mkdir(parents=True)
    if MANAGER == "resolvconf":
        for hook in pathlib.Path("/etc/resolvconf/update.d").iterdir():
            if hook.name != "libc":  # of servers that do not run here
                hook.unlink()
        RESOLV_CONF.symlink_to("/run/resolvconf/resolv.conf")
        run("resolvconf", "--enable-updates")
    else:
        RESOLV_CONF.write_text("")
    run("resolvconf", "-a", "here.dhclient", input=f"nameserver {OLD}\nsearch home.example\n", text=True)


def start_network_manager():
    """With a bus of its own, and a connection that names the old resolver."""
    run("mount", "-t", "sysfs", "-o", "ro", "sysfs", "/sys")  # else it waits for udev
    for folder in ("/run/dbus", "/run/NetworkManager", "/var/lib/NetworkManager",
                   "/etc/NetworkManager/system-connections", "/etc/NetworkManager/conf.d"):
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    bus = FOLDER / "bus.conf"
    bus.write_text("""<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen>
<auth>EXTERNAL</auth><policy context="default"><allow send_destination="*"/><allow receive_sender="*"/>
<allow own="*"/></policy></busconfig>""")
    started.append(subprocess.Popen(["dbus-daemon", f"--config-file={bus}", "--nofork"]))
    wait_for(lambda: os.path.exists("/run/dbus/system_bus_socket"), what="the bus")
    pathlib.Path("/etc/NetworkManager/NetworkManager.conf").write_text(
        "[main]\nplugins=keyfile\ndns=default\nrc-manager=file\nauth-polkit=false\nno-auto-default=*\n")
    connection = pathlib.Path("/etc/NetworkManager/system-connections/here.nmconnection")
    connection.write_text("[connection]\nid=here\ntype=ethernet\ninterface-name=here\n[ipv4]\nmethod=manual\n"
                          f"address1=198.51.100.2/24\ndns={OLD};\ndns-search=home.example;\n[ipv6]\nmethod=disabled\n")
    connection.chmod(0o600)
    libraries = next((PACKAGE / "usr/lib").glob("*-linux-gnu"))
    os.environ["LD_LIBRARY_PATH"] = str(libraries)
    started.append(subprocess.Popen(["NetworkManager", "--no-daemon"], stdout=open(FOLDER / "manager.log", "w"),
                                    stderr=subprocess.STDOUT))
    wait_for(lambda: RESOLV_CONF.exists() and OLD in RESOLV_CONF.read_text(), 60, "NetworkManager's resolv.conf")


def expect(name, address):
    """As programs ask: by the C library, which reads /etc/resolv.conf."""
    def told():
        return subprocess.run(["getent", "ahostsv4", name], capture_output=True, text=True).stdout.split(" ")[0]

    wait_for(lambda: told() == address, 60, f"{address} for {name} ({RESOLV_CONF.read_text()})")


def main():
    lay_over_the_system()
    serve_old_resolver(OLD)
    if MANAGER == "network-manager":
        start_network_manager()
    else:
        start_resolvconf()
    before = RESOLV_CONF.read_text()
    configure_ccward("127.0.0.1:53", OLD)

    def expect_as_told(name, address):
        expect(name, address)
        servers = [line.split()[1] for line in RESOLV_CONF.read_text().splitlines() if line.startswith("nameserver")]
        assert len(servers) == 1, servers  # who is asked beside ccward would say what it blocks

    live_through_a_day("networkmanager" if MANAGER == "network-manager" else "resolvconf", expect_as_told)
    wait_for(lambda: RESOLV_CONF.read_text() == before, what="resolv.conf as it was")
    assert not os.path.exists("/var/lib/ccward-system-dns")
    print("all as it should be")


try:
    main()
finally:
    for process in reversed(started):
        process.terminate()
        process.wait(20)
