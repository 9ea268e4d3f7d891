"""`make demo`: a prescription goes over USB into the real firmware on an emulated Pico, and measured pulses come out.

Nothing is stubbed: the UF2 is the one that is flashed, the link is its USB serial port, and what is called delivered
was measured at its pins by code that shares nothing with it. Writes into build/demo/: pins.vcd, waveform.png,
session.png, summary.json.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from nmes.core import checklist, programme, session
from opennmes import paths
from opennmes.boards import load_stage
from opennmes.device.client import Device, DeviceRefused, Message
from opennmes.measure import pulses as measure
from opennmes.measure.trace import read_vcd
from opennmes.plots.delivered import intensity_steps, plot_session, plot_waveform
from opennmes.ports.emulator import EmulatedPortWithStage
from opennmes.ports.virtual import VirtualPort
from opennmes.prescription import Prescription
from opennmes.prescription.assessment import assess
from opennmes.prescription.explain import explain

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "demo"
PRESCRIPTION = paths.PROGRAMMES / "stress-incontinence-35hz.toml"
TOO_STRONG = ROOT / "docs" / "examples" / "refused-small-probe.toml"
LOAD_OHM = 500
INTENSITY_UA = 4_000  # on the emulated chip, where a second takes long
THERAPY_UA = 24_000  # on the virtual board
PULSES = 45  # at least; 30 of them after the ramp has begun to show

console = Console(highlight=False)


@contextmanager
def step(what: str, wall: dict[str, float]) -> Iterator[None]:
    """A step of the demo, with its wall time."""
    begin = time.monotonic()
    if console.is_terminal:
        with console.status(what):
            yield
    else:
        console.print(f"{what} …")
        yield
    wall[what] = round(time.monotonic() - begin, 1)
    console.print(f"[green]done[/] {what}, {wall[what]:g} s")


def say(text: str) -> None:
    console.print(f"     {text}", soft_wrap=True)


def begin_session(device: Device, data: Message) -> None:
    """What a person at the host does: load, read and confirm the checklist, arm, start."""
    loaded = device.load(data)
    say(
        f"loaded: {loaded['pulses']} pulses, "
        f"at most {loaded['largest_current_ua'] / 1000:g} mA ({loaded['largest_source']})"
    )
    device.acknowledge()
    say(f"checklist version {checklist.VERSION} confirmed, {len(checklist.ITEMS)} items")
    device.arm(loaded["programme_crc"])
    device.start()


def run_on_the_emulated_pico(data: Message, wall: dict[str, float]) -> tuple[Message, list[Message]]:
    """Steps 1 and 2, and the device's half of step 3. Returns the device's account and its reasons for refusing."""
    with step("boot the UF2 on an emulated RP2040, with an output stage and a load of 500 ohm", wall):
        port = EmulatedPortWithStage(load_ohm=LOAD_OHM)
        device = Device(port)
        identity = device.connect()
    say(f"it says: OpenNMES {identity['version']}, board {identity['board']}, MicroPython {identity['micropython']}")
    with device:
        with step("load, confirm, arm, run, raise the intensity, stop", wall):
            begin_session(device, data)
            device.raise_to(INTENSITY_UA)
            while device.status()["delivered"] < PULSES:
                device.wait(0.05)
            account: Message = device.stop()["account"]
            account.update(account["channels"][0])
        say(f"the device's account: {in_words(account)}")
        with step("send it a prescription that is too strong, past the host's check", wall):
            reasons = refusal(device)
    port.stage.finish().write_vcd(OUT / "pins.vcd")
    return account, reasons


def in_words(account: Message) -> str:
    """What the device says that it has delivered."""
    currents = f"{account['current_least_ua'] / 1000:g} to {account['current_most_ua'] / 1000:g} mA"
    charges = " and ".join(f"{account[f'charge_{phase}_nc'] / 1000:g}" for phase in "ab")
    load = f"{account['impedance_least_ohm']} to {account['impedance_most_ohm']} ohm"
    return (
        f"{account['delivered']} pulses, {account['measured']} of them measured: {currents}; charge of phases A and B "
        f"{charges} uC; load {load}"
    )


def refusal(device: Device) -> list[Message]:
    try:
        device.load(Prescription.read(TOO_STRONG).data)
    except DeviceRefused as refused:
        return refused.reasons
    raise SystemExit("demo: the device took a prescription that is beyond the limits")


def run_on_the_virtual_board(data: Message, wall: dict[str, float]) -> tuple[Message, list[Message], Path]:
    """Step 4: a whole session. Returns the last status, all events, and the log of its pulses."""
    log = OUT / "virtual_pulses.csv"
    events: list[Message] = []
    what = "a whole 15-minute session of it on the virtual board"
    with step(what, wall), Device(VirtualPort(log), events.append) as device:
        device.connect()
        begin_session(device, data)
        # As a person would: a little at first, then more from train to train.
        for intensity_ua in range(4_000, THERAPY_UA + 1, 4_000):
            device.raise_to(intensity_ua)
            device.wait(15.0)
        while device.state == session.RUNNING:
            device.wait(15.0)
        status = device.status()
    return status, events, log


def summarise(asked: programme.Programme, account: Message) -> Message:
    """Step 5: what was asked, and what code that knows nothing of the firmware reads out of pins.vcd."""
    phase = asked.phases[0]
    measured = measure.summary(read_vcd(OUT / "pins.vcd"), 0)
    return {
        "asked": {
            "pulses": account["queued"] - account["cancelled"],
            "width_us": phase.width_us,
            "gap_us": phase.gap_us,
            "period_us": phase.period_us,
            "frequency_hz": phase.rate_mhz / 1000,
            "current_ma": INTENSITY_UA / 1000,
        },
        "delivered": {key: measured[key] for key in ("pulses", "width_us", "gap_us", "period_us", "current_ma")},
        "jitter_ns_sd": measured["jitter_ns_sd"],
        "ab_difference_ns": measured["ab_difference_ns"],
        "net_charge_nc": measured["net_charge_nc"],
        "current_ma": measured["current_ma"],
        "overlaps": measured["overlaps"],
    }


def show(channel: Message) -> None:
    table = Table(
        "channel 0", "asked", "delivered", title="asked against delivered, measured at the pins and in the load"
    )
    for key, unit in (("pulses", ""), ("width_us", "us"), ("gap_us", "us"), ("period_us", "us"), ("current_ma", "mA")):
        table.add_row(
            key.rsplit("_", 1)[0], f"{channel['asked'][key]:g} {unit}", f"{channel['delivered'][key]:g} {unit}"
        )
    table.add_row("jitter of the period, SD", "0 ns", f"{channel['jitter_ns_sd']:g} ns")
    table.add_row("phase A against B, largest", "0 ns", f"{channel['ab_difference_ns']:g} ns")
    table.add_row("net charge", "0 nC", f"{channel['net_charge_nc']:g} nC")
    console.print(table)


def main() -> int:
    begin = time.monotonic()
    wall: dict[str, float] = {}
    OUT.mkdir(parents=True, exist_ok=True)
    stage = load_stage("reference")
    prescription = Prescription.read(PRESCRIPTION)
    asked = programme.parse(prescription.data)
    console.print(f"[bold]{prescription.title}[/], {PRESCRIPTION.relative_to(ROOT)}")

    account, from_device = run_on_the_emulated_pico(prescription.data, wall)
    host = assess(Prescription.read(TOO_STRONG).data, stage)
    for who, reasons in (("host", host.reasons), ("device", from_device)):
        say(f"refused by the {who}:")
        for each in reasons:
            say(f"  - {explain(each)}")

    status, events, log = run_on_the_virtual_board(prescription.data, wall)
    say(f"{status['ended']} after {status['elapsed_ms'] / 1000:g} s: {status['delivered']} pulses of {asked.pulses}")

    channel = summarise(asked, account)
    show(channel)
    with step("draw", wall):
        subtitle = (
            f"Emulated Pico, load {LOAD_OHM} Ω; intensity raised from 0 to {INTENSITY_UA / 1000:g} mA in the ramp"
        )
        plot_waveform(read_vcd(OUT / "pins.vcd"), OUT / "waveform.png", title=prescription.title, subtitle=subtitle)
        with open(log, newline="") as file:
            ua_per_level = stage["full_scale_ua"] / stage["levels"]
            delivered = [(int(row[0]) / 1e6, int(row[4]) * ua_per_level / 1000) for row in csv.reader(file)]
        plot_session(
            delivered, intensity_steps(events), OUT / "session.png", title=f"{prescription.title}: a whole session"
        )
    summary: dict[str, Any] = {
        "prescription": prescription.title,
        "channels": {"ch0": channel},
        "refused": {"host": host.reasons, "device": from_device},
        "session": {
            "asked": {"pulses": asked.pulses, "duration_s": asked.duration_ms / 1000},
            "delivered": {"pulses": status["delivered"], "duration_s": status["elapsed_ms"] / 1000},
            "ended": status["ended"],
        },
        "wall_s": {**wall, "all": round(time.monotonic() - begin, 1)},
    }
    (OUT / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    console.print(
        f"all in {summary['wall_s']['all']:g} s; look at build/demo/: waveform.png, session.png, pins.vcd, summary.json"
    )
    whole = channel["asked"]["pulses"] == channel["delivered"]["pulses"] and status["delivered"] == asked.pulses
    return 0 if whole and from_device and host.reasons else 1


if __name__ == "__main__":
    sys.exit(main())
