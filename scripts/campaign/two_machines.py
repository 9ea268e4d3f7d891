"""The campaign over two machines, shown without a second one: the same cases on this machine alone, then by ssh on two
network namespaces with an sshd each. Both summaries must be the same, byte for byte; they hold no wall-clock time.

    PYTHONPATH=scripts .venv/bin/python -m campaign.two_machines --cases 200 --chip 2

Nothing needs root, and nothing of this machine changes: user, mount, network and process namespaces are made for it,
and keys, settings and the user that logs in exist on a file system in memory that only they see. The kernel ends and
removes all of it with the first process, however that ends. What stays is build/two-machines/.

Exit status: 0 the same, 1 not the same or not complete, 2 wrong usage, 3 this machine makes no such namespaces.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "two-machines"
SSHD = ROOT / "build" / "sshd"
ADDRESSES = {"one": "10.77.1", "two": "10.77.2"}  # .1 is here, .2 there
PORT, USER, UID = 2222, "campaign", 1000
SCRATCH = Path("/run/two-machines")  # within the namespaces
READY_S = 30.0
# The kernel kills everything within when `unshare` dies, and that dies with whoever started it.
NAMESPACES = [
    "setpriv", "--pdeathsig", "KILL",
    "unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child",
]  # fmt: skip
TOOLS = ("setpriv", "unshare", "nsenter", "mount", "ip", "ssh", "ssh-keygen", "parallel")


class Failed(Exception):
    """The message says what happened and what to do."""


def run(command: list[str]) -> None:
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode:
        raise Failed(f"{shlex.join(command)} ended with {ran.returncode}: {ran.stderr.strip()}")


def campaign(out: Path, options: list[str], **environment: str) -> None:
    """One campaign, its summary in `out`. That it finds something unsafe is not decided here."""
    out.unlink(missing_ok=True)
    command = [sys.executable, "-m", "campaign.run", *options, "--out", str(out)]
    usual = {key: value for key, value in os.environ.items() if not key.startswith("PARALLEL")}
    with open(out.with_suffix(".log"), "w") as log:
        subprocess.run(command, cwd=ROOT, env={**usual, **environment}, stdout=log, stderr=log)
    if not out.exists():
        raise Failed(f"the campaign made no {out}; see {out.with_suffix('.log')}")


# ---- within the namespaces ----


def machine(name: str) -> subprocess.Popen[bytes]:
    """A network namespace that only this one reaches, and an sshd in it. It logs one user in: whoever runs this."""
    network = ADDRESSES[name]
    for line in (
        f"ip netns add {name}",
        f"ip link add {name} type veth peer name eth0 netns {name}",
        f"ip address add {network}.1/24 dev {name}",
        f"ip link set {name} up",
        f"nsenter --net=/run/netns/{name} ip address add {network}.2/24 dev eth0",
        f"nsenter --net=/run/netns/{name} ip link set eth0 up",
        f"nsenter --net=/run/netns/{name} ip link set lo up",
    ):
        run(line.split())
    binary = SSHD.resolve()
    # Unpacked beside it where the system has no sshd of its own (scripts/sshd.py).
    libraries = ":".join(str(folder) for folder in binary.parents[2].glob("lib/*-linux-gnu"))
    command = [
        "nsenter", f"--net=/run/netns/{name}", "unshare", "--user", f"--map-user={UID}", f"--map-group={UID}",
        str(binary), "-D", "-e", "-f", str(SCRATCH / "sshd_config"),
    ]  # fmt: skip
    with open(OUT / f"sshd-{name}.log", "wb") as log:
        return subprocess.Popen(
            command, env={**os.environ, "LD_LIBRARY_PATH": libraries}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )


def wait_for(name: str, server: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + READY_S
    while server.poll() is None and time.monotonic() < until_s:
        try:
            socket.create_connection((f"{ADDRESSES[name]}.2", PORT), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise Failed(f"no sshd answers on machine {name}; see {OUT / f'sshd-{name}.log'}")


def settings() -> None:
    """Keys and settings of this one time, and /etc/passwd with the one user. Seen by nobody outside."""
    run(["mount", "-t", "tmpfs", "tmpfs", "/run"])
    SCRATCH.mkdir()
    for key in ("host_key", "user_key"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(SCRATCH / key)])
    host_key = (SCRATCH / "host_key.pub").read_text()
    known = "".join(f"[{network}.2]:{PORT} {host_key}" for network in ADDRESSES.values())
    files = {
        "passwd": f"root:*:0:0::{SCRATCH}:/bin/sh\n{USER}:*:{UID}:{UID}::{SCRATCH}:/bin/sh\n",
        "known_hosts": known,
        "sshd_config": f"Port {PORT}\nHostKey {SCRATCH}/host_key\nAuthorizedKeysFile {SCRATCH}/user_key.pub\n"
        "UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nStrictModes no\nPidFile none\n",
        "ssh_config": "".join(
            f"Host {name}\nHostName {network}.2\nPort {PORT}\nUser {USER}\nIdentityFile {SCRATCH}/user_key\n"
            f"IdentitiesOnly yes\nUserKnownHostsFile {SCRATCH}/known_hosts\n"
            "GlobalKnownHostsFile /dev/null\nBatchMode yes\n"
            for name, network in ADDRESSES.items()
        ),
    }
    for file, text in files.items():
        (SCRATCH / file).write_text(text)
    run(["mount", "--bind", str(SCRATCH / "passwd"), "/etc/passwd"])


def inside(options: list[str]) -> int:
    try:
        campaign(OUT / "alone.json", options)
        settings()
        servers = {name: machine(name) for name in ADDRESSES}
        for name, server in servers.items():
            wait_for(name, server)
        jobs = OUT / "jobs.tsv"
        parallel = f"--sshlogin {','.join(f'1/{name}' for name in ADDRESSES)} --joblog {shlex.quote(str(jobs))}"
        ssh = f"ssh -F {SCRATCH}/ssh_config"
        campaign(OUT / "two.json", options, PARALLEL=parallel, PARALLEL_SSH=ssh, HOME=str(SCRATCH))
    except Failed as error:
        print(f"two machines: {error}", file=sys.stderr)
        return 1
    return 0


# ---- outside ----


def compare(cases: int) -> int:
    alone, two = (OUT / name for name in ("alone.json", "two.json"))
    with open(OUT / "jobs.tsv", newline="") as file:
        parts = Counter(row["Host"].split("/")[-1] for row in csv.DictReader(file, delimiter="\t"))
    ran = [json.loads(path.read_bytes())["cases"] for path in (alone, two)]
    print(f"{ran[0]} cases on this machine alone, {ran[1]} of {cases} on two:", *(f"{n} {parts[n]}" for n in ADDRESSES))
    if ran != [cases, cases] or not all(parts[name] for name in ADDRESSES):
        print(f"two machines: not all cases ran, or one machine had none; see {OUT}/*.log", file=sys.stderr)
        return 1
    if alone.read_bytes() != two.read_bytes():
        print(f"two machines: another result than on one; compare {alone} with {two}", file=sys.stderr)
        return 1
    print(f"the same result, byte for byte: {json.loads(two.read_bytes())['digest']}")
    return 0


def main() -> int:
    options = argparse.ArgumentParser(prog="two_machines", description=__doc__.splitlines()[0])
    options.add_argument("--first", type=int, default=1, help="the first seed (1)")
    options.add_argument("--cases", type=int, default=200, help="on the virtual board (200)")
    options.add_argument("--panel", type=int, default=10, help="at the virtual board's panel (10)")
    options.add_argument("--trigger", type=int, default=10, help="that wait for a person, on the virtual board (10)")
    options.add_argument("--chip", type=int, default=2, help="on the emulated chip (2)")
    options.add_argument("--together", type=int, default=10, help="cases that a machine gets at once (10)")
    options.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = options.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    words = ("first", "cases", "panel", "trigger", "chip", "together")
    passed = [part for word in words for part in (f"--{word}", str(getattr(asked, word)))]
    if asked.inside:
        return inside(passed)
    missing = [tool for tool in TOOLS if shutil.which(tool) is None] + ([] if SSHD.exists() else ["build/sshd"])
    if missing:
        print(f"two machines: {', '.join(missing)} missing here; run `make setup`", file=sys.stderr)
        return 2
    tried = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True)
    if tried.returncode:
        print(
            f"two machines: this machine makes no namespaces for us ({tried.stderr.strip()}), so nothing was run. A "
            "container may forbid it (with Docker: --security-opt seccomp=unconfined --cap-add SYS_ADMIN), and so may "
            "sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone or "
            "kernel.apparmor_restrict_unprivileged_userns",
            file=sys.stderr,
        )
        return 3
    OUT.mkdir(parents=True, exist_ok=True)
    ran = subprocess.run([*NAMESPACES, sys.executable, "-m", "campaign.two_machines", "--inside", *passed], cwd=ROOT)
    return compare(asked.cases + asked.panel + asked.trigger + asked.chip) if ran.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
