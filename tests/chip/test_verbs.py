"""What a clinician does with the verbs of `nmes`, each a process of its own, through the port of an emulated board."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import processes
from served import NMES, served


def test_a_prescription_is_pushed_compared_taken_back_chosen_replaced_and_removed(uf2: Path, tmp_path: Path) -> None:
    link = tmp_path / "board"

    def nmes(*arguments: object, status: int = 0) -> Any:
        command = processes.command(*map(str, arguments), "--port", str(link), "--json")
        ran = subprocess.run(
            command, env=processes.environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=tmp_path
        )
        assert ran.returncode == status, f"{arguments}: {ran.stdout}{ran.stderr}"
        assert "Traceback" not in ran.stderr
        return json.loads(ran.stdout)

    for name, file in (("urge-incontinence-10hz", "urge.toml"), ("stress-incontinence-35hz", "stress.toml")):
        subprocess.run([*NMES, "programmes", name, "--write", file], check=True, cwd=tmp_path, capture_output=True)
    with served(link, uf2):
        assert [row["kept"]["number"] for row in nmes("push", "urge.toml", "stress.toml")["pushed"]] == [1, 2]
        listed = nmes("pull", "--list")["prescriptions"]
        assert [row["number"] for row in listed] == [1, 2]
        assert nmes("diff", "stress.toml", 2)["same"]
        assert nmes("diff", "stress.toml", 1, status=1)["diff"]
        nmes("pull", 2, "--output", "again.toml")
        assert nmes("push", "again.toml", "--number", 1)["pushed"][0]["kept"]["digest"] == listed[1]["digest"]
        nmes("select", 2)
        assert nmes("settings", "own_max_0_ma", 20)["settings"]["own_max_0_ua"] == 20_000
        assert nmes("settings", "own_max_0_ma", 2000, status=2)["done"] is False
        nmes("remove", 1, "--yes")
        assert [row["number"] for row in nmes("pull", "--list")["prescriptions"]] == [2]
        assert nmes("pull", 1, status=1)["done"] is False
        steps = nmes("selftest")
        assert steps["passed"] and steps["steps"]
        nmes("reset", "--factory", "--yes")
        assert nmes("pull", "--list")["prescriptions"] == []
        assert nmes("settings")["settings"]["own_max_0_ua"] == 100_000
        assert nmes("status")["status"]["state"] == "IDLE"
