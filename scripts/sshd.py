"""An sshd for `campaign.two_machines`: the system's own, or Debian's unpacked into the cache.

The package is not installed: that would let anybody who knows a password into this machine from now on. Only the
standard library is used: scripts/setup.py needs this before there is a virtual environment.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from toolchain import build_once, cache, digest, private_apt, release, run

OWN = Path("/usr/sbin/sshd")
PACKAGES = ("openssh-server", "libwrap0")  # of what the first needs, the other may be missing


def sshd() -> Path:
    """The path of an sshd. In the cache its libraries are in lib/ beside its usr/."""
    return (
        OWN if OWN.exists() else build_once(cache() / f"sshd-{digest(release(), *PACKAGES)}", _fetch) / "usr/sbin/sshd"
    )


def _fetch(target: Path) -> None:
    apt, log = target / "apt", cache() / "logs"
    options = private_apt(apt, release(), ("deb",))
    run(f"package lists of Debian {release()}", ["apt-get", *options, "update"], log=log / "apt-update-sshd.log")
    download = apt / "download"
    run("sshd, not installed", ["apt-get", *options, "download", *PACKAGES], cwd=download, log=log / "apt-sshd.log")
    for deb in sorted(download.glob("*.deb")):
        run(f"unpacking {deb.name.split('_')[0]}", ["dpkg-deb", "-x", str(deb), str(target)], log=log / "sshd.log")
    for folder in target.glob("usr/lib/*-linux-gnu"):
        shutil.copytree(folder, target / "lib" / folder.name, dirs_exist_ok=True)
    shutil.rmtree(apt)
