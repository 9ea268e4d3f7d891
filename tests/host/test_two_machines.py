"""`campaign.two_machines`: two network namespaces with an sshd each give the same result as one machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "two-machines"
REFUSED = 3


def two_machines(*options: str, path: str = "") -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": "scripts", "PATH": path + os.environ["PATH"]}
    return subprocess.Popen(
        [sys.executable, "-m", "campaign.two_machines", *options],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ours() -> list[str]:
    """Command lines of processes that a run of it has started; whoever started the run waits for the run itself."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended
        if "/run/two-machines/" in line or "campaign.two_machines --inside" in line or str(OUT) in line:
            found.append(line)
    return found


def test_two_machines_give_the_same_result_as_one_and_leave_nothing_behind() -> None:
    running = two_machines("--cases", "11", "--panel", "2", "--trigger", "1", "--chip", "0", "--together", "3")
    said, complained = running.communicate()
    if running.returncode == REFUSED:
        # Some containers allow no namespaces. That is no pass of what this test is about, and everybody is to see it.
        assert "this machine makes no namespaces for us" in complained and "nothing was run" in complained
        warnings.warn(f"NOT SHOWN HERE: {complained.strip()}", stacklevel=1)
        return
    assert running.returncode == 0, complained
    assert "the same result, byte for byte" in said
    assert (OUT / "alone.json").read_bytes() == (OUT / "two.json").read_bytes()
    assert json.loads((OUT / "two.json").read_text())["cases"] == 14
    assert all("Accepted publickey" in (OUT / f"sshd-{name}.log").read_text() for name in ("one", "two"))
    assert ours() == []
    # Killed in the middle, where it can clean up nothing: the kernel does. The two machines are at their first of eight
    # parts then; this machine has done all of them alone before.
    running = two_machines("--cases", "24", "--panel", "0", "--trigger", "0", "--chip", "0", "--together", "3")
    assert running.stdout is not None and running.stderr is not None
    sshd = OUT / "sshd-two.log"
    before = sshd.stat().st_mtime_ns
    while sshd.stat().st_mtime_ns == before or "Accepted" not in sshd.read_text():
        assert running.poll() is None, running.stderr.read()
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    until_s = time.monotonic() + 10
    while (left := ours()) and time.monotonic() < until_s:
        time.sleep(0.05)
    assert left == []


def test_where_there_are_no_namespaces_it_says_so_and_runs_nothing(tmp_path: Path) -> None:
    refuses = tmp_path / "unshare"
    refuses.write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n")
    refuses.chmod(0o755)
    running = two_machines(path=f"{tmp_path}:")
    said, complained = running.communicate()
    assert running.returncode == REFUSED and said == ""
    assert "Operation not permitted" in complained and "nothing was run" in complained and "sysctl" in complained
