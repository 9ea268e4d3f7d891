"""What a clinician does with the verbs of `nmes`, each a process of its own, through the port of an emulated board."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import processes
import pytest
from served import cable, served


class Clinic:
    """Who has a folder, with two prescriptions of the library in it, and a board at a port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.link = folder / "board"
        for name, file in (("urge-incontinence-10hz", "urge.toml"), ("stress-incontinence-35hz", "stress.toml")):
            self.ran("programmes", name, "--write", file)

    def ran(self, *arguments: object, status: int | None = 0) -> Any:
        """What `nmes` says of a command in JSON; it has to end with `status`, where there is one. It sees the board on
        USB."""
        ran = processes.ran(*arguments, "--json", cwd=self.folder, before=processes.seen_on_usb(self.link))
        assert status in (None, ran.returncode), f"{arguments}: {ran.stdout}{ran.stderr}"
        return json.loads(ran.stdout)

    def nmes(self, *arguments: object, status: int | None = 0) -> Any:
        """The same, of a command for the board."""
        return self.ran(*arguments, "--port", self.link, status=status)


def test_a_prescription_is_pushed_compared_taken_back_chosen_replaced_and_removed(uf2: Path, tmp_path: Path) -> None:
    clinic = Clinic(tmp_path)
    nmes = clinic.nmes
    with served(clinic.link, uf2):
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


def test_a_device_is_locked_takes_what_is_signed_for_it_and_is_unlocked(uf2: Path, tmp_path: Path) -> None:
    clinic = Clinic(tmp_path)
    nmes = clinic.nmes
    with served(clinic.link, uf2):
        locked = nmes("lock", "--key", "clinic.key")
        assert locked["done"] and locked["made"] and (tmp_path / "clinic.key").exists()
        for command in (("push", "urge.toml"), ("settings", "buzzer_volume", 3), ("reset", "--factory", "--yes")):
            assert nmes(*command, status=1)["done"] is False
        # Signed elsewhere, without the device, and pushed by somebody who has no key; once.
        sign = ("sign", "urge.toml", "--key", "clinic.key", "--device", locked["device"], "--counter", 1)
        assert clinic.ran(*sign)["done"]
        assert nmes("push", "urge.toml")["pushed"][0]["kept"]["number"] == 1
        nmes("remove", 1, "--yes", "--key", "clinic.key")
        assert nmes("push", "urge.toml", status=1)["done"] is False
        assert nmes("settings", "buzzer_volume", 3, "--key", "clinic.key")["settings"]["buzzer_volume"] == 3
        assert nmes("calibrate", "--show")["calibration"]["condition"] == "none"
        assert nmes("calibrate", "--undo", status=1)["done"] is False
        assert nmes("calibrate", "--undo", "--key", "clinic.key")["undone"]
        clinic.ran("lock", "--key", "other.key", "--port", "virtual")
        assert nmes("unlock", "--key", "other.key", status=1)["done"] is False
        assert nmes("status")["identity"]["locked_by"] == locked["locked"]
        nmes("unlock", "--key", "clinic.key")
        assert nmes("push", "stress.toml")["pushed"][0]["kept"]["number"] == 1
        assert nmes("status")["status"]["state"] == "IDLE"


def test_an_open_electrode_is_a_fault_that_is_listed_recorded_and_cleared_by_its_name(
    uf2: Path, tmp_path: Path
) -> None:
    clinic = Clinic(tmp_path)
    nmes = clinic.nmes
    clinic.ran("programmes", "bench-resistor", "--write", "bench.toml")
    with served(clinic.link, uf2, "--load-ohm", "10000000"):
        (listed,) = clinic.ran("devices")["devices"]
        assert (listed["kind"], listed["where"]) == ("opennmes", str(clinic.link))
        assert nmes("record")["fault"] is None and nmes("clear", "electrode_open", status=1)["done"] is False
        ran = nmes("run", "bench.toml", "--acknowledge", "--intensity", 5, "--seconds", 600, status=1)
        assert ran["fault"]["name"] == "electrode_open"
        assert nmes("status", status=1)["fault"]["name"] == "electrode_open"
        (listed,) = clinic.ran("devices")["devices"]
        assert (listed["status"]["state"], listed["identity"]["board"]) == ("FAULT", "pico")
        (found,) = [row for row in nmes("doctor", status=None)["findings"] if row["topic"] == "board"]
        assert found["mend"] == f"nmes record --port {clinic.link}"
        for command in (("settings", "buzzer_volume", 3), ("push", "urge.toml"), ("selftest",)):
            assert nmes(*command, status=1)["fault"]["name"] == "electrode_open"
        assert nmes("record")["record"]["fault"] == ran["fault"]["number"]
        assert nmes("clear", "emergency_stop", status=1)["done"] is False
        assert nmes("stop")["done"]
        assert nmes("clear", "electrode_open")["cleared"]["name"] == "electrode_open"
        assert nmes("status")["status"]["state"] == "IDLE"


def test_a_stage_is_calibrated_and_a_cable_pulled_as_the_row_is_written_costs_no_reading(
    uf2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    clinic, answers = Clinic(tmp_path), tmp_path / "answers"
    calibrate = ("calibrate", "--channel", 0, "--acknowledge", "--answers", answers)
    # What a scope shows of a stage that delivers 2 % more than it is asked, at 1.6 to 12.8 mA and at 9.6 mA before it
    # is put right.
    answers.write_text("\n".join(f"{1.02 * level_ma * 2:.6g}  # V" for level_ma in (1.6, 3.2, 6.4, 12.8, 9.6)))
    with served(clinic.link, uf2, "--load-ohm", "2000"):
        with cable(clinic.link, b'"calibrate"') as port:
            pulled = clinic.ran(*calibrate, "--ohm", 2000, "--tolerance", 0.1, "--port", port, status=1)
        assert pulled["done"] is False and "the port is gone" in pulled["error"]
        kept = clinic.nmes("calibrate", "--show")["calibration"]
        assert kept["condition"] == "whole", "the device had answered"
        assert abs(kept["rows"]["0"]["dac_gain_ppm"] + 19_600) < 8_000
        # The five readings are kept on this computer: what is asked for is the last one, with the row in force.
        answers.write_text("19.2\n")
        done = clinic.nmes(*calibrate)
        assert (done["ohm"], done["calibration"]) == (2_000, kept)
        (channel,) = done["channels"]
        assert (channel["row"], len(channel["readings"])) == (kept["rows"]["0"], 4)
        assert (channel["error_before_ppm"], channel["error_after_ppm"]) == (20_000, 0)
        assert not list((tmp_path / "state").rglob("*.json"))
        assert clinic.nmes("status")["status"]["state"] == "IDLE"
        assert clinic.nmes("calibrate", "--undo")["calibration"]["condition"] == "none"
