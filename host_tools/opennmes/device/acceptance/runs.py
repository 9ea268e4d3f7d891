"""The fixed list of acceptance runs, each by itself, and what each claims.

All of it is into a resistor: every session is a copy of what it is named after for the electrode kind `dummy`, at one
step of current. What cannot be done unattended is said in promises.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nmes.core import faults, session
from nmes.core.phase import DUMMY, DUMMY_FIELDS, PHASE_FIELDS
from opennmes.device.acceptance.bench import Bench, Found
from opennmes.device.acceptance.raw_prompt import RawPrompt
from opennmes.device.client import DeviceRefused
from opennmes.measure import amplitudes, witnessed
from opennmes.measure.claims import PASSED, Claim
from opennmes.measure.seen import PS_PER_MS, PS_PER_S, PS_PER_US
from opennmes.prescription import library

OUTPUTS = ("enable", "pump")
GUARD_PS = 1 * PS_PER_US
REST_PS = 100 * PS_PER_MS
LOST_PS = (session.HOST_LOST_MS + session.FADE_MS) * PS_PER_MS
AFTER_S = 0.15  # looked at after an end
AFTER_PS = round(AFTER_S * PS_PER_S)
MID_PHASE_TRIES = 5


def copy(data: dict[str, Any]) -> dict[str, Any]:
    """A programme for a resistor: the same pulses, no more than 20 mA, no lock-out."""
    made = {**data, "electrode": {"kind": DUMMY, "area_mm2": 10_000}, "effect": "sensory"}
    made["max_current_ua"] = min(20_000, data["max_current_ua"])
    return made


def plain(title: str, channels: tuple[int, ...] = (0,), **fields: int) -> dict[str, Any]:
    """A programme of one phase on some channels."""
    phase = {
        "name": "on", "rate_mhz": 50_000, "width_us": 250, "gap_us": 50, "work_ms": 0, "rest_ms": 0, "ramp_up_ms": 0,
        "ramp_down_ms": 0, "duration_ms": 600_000, **fields,
    }  # fmt: skip
    made = {
        "title": title, "effect": "sensory", "electrode": {"kind": DUMMY, "area_mm2": 10_000},
        "max_current_ua": 20_000, "phases": [phase],
    }  # fmt: skip
    if channels != (0,):
        made["channels"] = [{"channel": index, "delay_us": 700 * index} for index in channels]
    return made


def phases_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The first phase of each channel."""
    rows = [row.get("phases", data.get("phases")) for row in data.get("channels", [{}])]
    return [row[0] for row in rows]


def seconds_of(data: dict[str, Any], quick: bool) -> float:
    """How long a programme has to run to be judged: into its second train; or, quick, a few pulses."""
    phases = phases_of(data)
    few_s = 2.3e3 / min(int(phase["rate_mhz"]) for phase in phases)
    if quick:
        return max(0.1, few_s)
    trains = [int(phase["work_ms"]) + int(phase["rest_ms"]) for phase in phases if phase["work_ms"]]
    return max([3.0, few_s, *[train_ms / 1000 + 1 for train_ms in trains]])


def session_of(bench: Bench, name: str, title: str, data: dict[str, Any], busy: bool = False) -> Found:
    """Run a programme for its time, judge it by what was loaded, and stop. `busy`: with as much USB traffic as there
    can be."""
    found = Found(name, title)
    bench.record()
    begin_ps = bench.begin(data)
    seconds = seconds_of(data, bench.quick)
    if busy:
        until_s = bench.port.now_s() + seconds
        while bench.port.now_s() < until_s:
            bench.device.status()
    else:
        bench.device.wait(seconds)
    end_ps = bench.now_ps()
    bench.device.stop()
    bench.judged(data, begin_ps, end_ps, found)
    return bench.kept(found)


# ---- the runs ----


_OF_PULSES = ("rate_mhz", "width_us", "gap_us", "ratio", "pulses", "burst_pulses", "burst_rate_mhz", "rate_to_mhz",
              "width_to_us", "change_ms")  # fmt: skip


def programmes(bench: Bench) -> list[Found]:
    """Every programme of the library."""
    made: list[Found] = []
    ran: list[Any] = []
    for name in library.names():
        programme = library.find(name)
        data = copy(programme.prescription.data)
        pulses = [[phase[key] for key in _OF_PULSES if key in phase] for phase in phases_of(data)]
        if bench.quick and pulses in ran:
            continue  # its first pulses are those of one that has run
        ran.append(pulses)
        made.append(session_of(bench, f"programme {name}", f"The first contractions of {name}", data))
    return made


def ends_of_ranges(bench: Bench) -> list[Found]:
    """Widths and rates where the engine's ranges end."""
    narrow, wide = DUMMY_FIELDS["width_us"][:2]
    # Quick: the slowest that a person can be given, and not that of the engine.
    slow, fast = (
        PHASE_FIELDS["rate_mhz"][0] if bench.quick else DUMMY_FIELDS["rate_mhz"][0],
        DUMMY_FIELDS["rate_mhz"][1],
    )
    made = []
    for name, width_us, rate_mhz, gap_us in (
        ("narrowest and fastest", narrow, fast, 0),
        ("widest with the longest gap", wide, 200_000, DUMMY_FIELDS["gap_us"][1]),
        ("slowest", 250, slow, 50),
    ):
        data = plain(name, width_us=width_us, rate_mhz=rate_mhz, gap_us=gap_us)
        title = f"Width {width_us} us, {rate_mhz / 1000:g} Hz, gap {gap_us} us"
        made.append(session_of(bench, f"range: {name}", title, data))
    return made


def two_channels(bench: Bench) -> list[Found]:
    """Both channels, staggered."""
    data = plain("both channels", (0, 1), rate_mhz=100_000, width_us=200)
    return [session_of(bench, "two channels", "Both channels at 100 Hz, the second 700 us later", data)]


def traffic(bench: Bench) -> list[Found]:
    """A host that asks for the status without a pause."""
    data = plain("busy", rate_mhz=100_000, width_us=200)
    return [session_of(bench, "usb traffic", "100 Hz, and a host that asks all the time", data, busy=True)]


def levels_by_hand(bench: Bench) -> list[Found]:
    """Intensity from zero up, step by step, and down: levels at rest, and in each pulse."""
    found = Found("levels by hand", "100 Hz: from zero up step by step, too large a step, down, stop")
    data = plain("levels", rate_mhz=100_000, width_us=200)
    step_ua, top_ua = session.STEP_MAX_UA, (2 if bench.quick else 10) * session.STEP_MAX_UA
    codes = bench.codes()
    level_ua = bench.stage["full_scale_ua"] // bench.stage["levels"]
    bench.record(levels=True)
    rests_ps = bench.now_ps()
    begin_ps = bench.begin(data, 0)
    bench.device.wait(AFTER_S)
    raised_ps = bench.now_ps()
    bench.raise_to({0: top_ua})
    try:
        bench.device.set_intensity(top_ua + 2 * step_ua)
        refused = ""
    except DeviceRefused as refusal:
        refused = ", ".join(str(each["code"]) for each in refusal.reasons)
        if not refused:
            raise
    held_ps = bench.now_ps()
    bench.device.wait(AFTER_S)
    down_ps = bench.now_ps()
    bench.device.set_intensity(step_ua)
    bench.device.wait(2 * AFTER_S)
    end_ps = bench.now_ps()
    bench.device.stop()
    stopped_ps = bench.now_ps()
    bench.let_pass(AFTER_S)
    after_ps = bench.now_ps()
    bench.judged(data, begin_ps, end_ps, found)
    recording, pulses = bench.recording, found.seen.channels[0].pulses if found.seen else []
    unused = [role for role in recording.pins if role.startswith("level_") and role.endswith("_1")]
    code = codes[0]
    found.claims += [
        amplitudes.zero(recording, rests_ps, begin_ps, "level before the session"),
        amplitudes.zero(recording, begin_ps, raised_ps, "level at intensity zero"),
        amplitudes.by_hand(0, [pulse for pulse in pulses if pulse.start_ps < down_ps], code(step_ua // level_ua),
                           begin_ps),
        witnessed.simply("a step of 2 mA at once", "refused", refused or "done", refused == "step_too_large",
                         "it was taken, or refused for another reason"),
        amplitudes.reaches(0, [pulse for pulse in pulses if pulse.start_ps < down_ps], held_ps, 0,
                           code(top_ua // level_ua), "level after the last step"),
        amplitudes.reaches(0, pulses, down_ps, REST_PS, code(step_ua // level_ua), "level after a step down"),
        amplitudes.within(recording, 0, pulses),
        amplitudes.zero(recording, stopped_ps + REST_PS, after_ps, "level after stop"),
        amplitudes.zero(recording, rests_ps, after_ps, "level of the unused channel", unused),
    ]  # fmt: skip
    return [bench.kept(found)]


def ramps(bench: Bench) -> list[Found]:
    """Ramps and plateau of both channels, at intensities that stay the same."""
    found = Found("ramps", "Both channels with ramps: every pulse's level against what is prescribed")
    work_ms, up_ms, down_ms, rest_ms = (500, 200, 150, 100) if bench.quick else (4_000, 1_500, 1_000, 1_000)
    data = plain("ramps", (0, 1), rate_mhz=50_000, width_us=200, work_ms=work_ms, rest_ms=rest_ms,
                 ramp_up_ms=up_ms, ramp_down_ms=down_ms)  # fmt: skip
    steps = (3, 2) if bench.quick else (10, 6)
    currents_ua = {index: count * session.STEP_MAX_UA for index, count in enumerate(steps)}
    codes = bench.codes()
    level_ua = bench.stage["full_scale_ua"] // bench.stage["levels"]
    bench.record(levels=True)
    bench.begin(data, 0)
    bench.raise_to(currents_ua)
    # From here on nobody changes anything: what was queued before has gone by then.
    bench.device.wait(AFTER_S)
    begin_ps = bench.now_ps()
    bench.device.wait((work_ms + rest_ms + (100 if bench.quick else work_ms)) / 1000)
    end_ps = bench.now_ps()
    bench.device.stop()
    bench.judged(data, begin_ps, end_ps, found)
    for index, ua in currents_ua.items():
        pairs = found.report.pairs.get(index, []) if found.report else []
        code = codes[index]
        found.claims += amplitudes.as_set(bench.recording, index, pairs, ua // level_ua, code)
        found.claims.append(amplitudes.within(bench.recording, index, [pulse for pulse, _ in pairs]))
    return [bench.kept(found)]


def pause_and_stop(bench: Bench) -> list[Found]:
    """Pause, go on, stop: the running pulse ends, and nothing comes after it."""
    found = Found("pause and stop", "A pause, and a stop")
    data = plain("pause", rate_mhz=200_000, width_us=500)
    bench.record()
    begin_ps = bench.begin(data)
    bench.device.wait(0.1)
    bench.device.pause()
    paused_ps = bench.now_ps()
    bench.device.wait(AFTER_S)
    on_ps = bench.now_ps()
    bench.device.start()
    bench.device.wait(0.1)
    bench.device.stop()
    stopped_ps = bench.now_ps()
    bench.let_pass(AFTER_S)
    end_ps = bench.now_ps()
    bench.let_pass(0.03)
    recording = bench.recording
    found.claims += [
        witnessed.no_more_pulses(recording, paused_ps, on_ps, "pulses while paused"),
        _pulses(bench, on_ps, stopped_ps, "goes on after a pause"),
        witnessed.no_more_pulses(recording, stopped_ps, end_ps, "pulses after stop"),
        witnessed.whole(recording, begin_ps, end_ps, "the running pulse ends whole"),
        witnessed.falls(recording, "enable", stopped_ps, REST_PS, end_ps, "enable after stop"),
        witnessed.wave_ends(recording, stopped_ps, REST_PS, "pump after stop"),
    ]  # fmt: skip
    return [bench.kept(found, paused_ps)]


def _pulses(bench: Bench, begin_ps: int, end_ps: int, name: str) -> Claim:
    """That phases begin between two instants."""
    came = any(
        level and begin_ps < ps <= end_ps
        for role in witnessed.phases_of(bench.recording)
        for ps, level in bench.recording.edges(role)
    )
    return witnessed.simply(name, "pulses", "pulses" if came else "none", came, "no pulse came")


def _trip(bench: Bench, line: str, fault: int) -> list[Found]:
    found = Found(line, f"The witness pulls {line} while pulses run")
    bench.record()
    bench.begin(plain(line, rate_mhz=200_000, width_us=500))
    bench.device.wait(0.08)
    begin_ps = bench.now_ps()
    bench.witness.pull(line)
    bench.let_pass(AFTER_S)
    status = bench.device.status()
    end_ps = bench.now_ps()
    bench.witness.pull()
    bench.let_pass(0.03)
    recording = bench.recording
    fell_ps = recording.first("interlock", 0, begin_ps, end_ps)
    if fell_ps is None:
        found.claims.append(
            witnessed.simply(f"{line} falls", "the line falls", "it stays high", False, "is its wire there?")
        )
        bench.device.stop()
        return [bench.kept(found)]
    name = f"{line} to enable off, without the CPU"
    found.claims += [
        witnessed.falls(recording, "enable", fell_ps, GUARD_PS, end_ps, name),
        witnessed.wave_ends(recording, fell_ps, REST_PS, f"pump after {line}"),
        witnessed.no_more_pulses(recording, fell_ps + REST_PS, end_ps, f"pulses after {line}"),
        witnessed.simply(f"fault after {line}", faults.name(fault), faults.name(status["fault"]),
                         status["state"] == session.FAULT and status["fault"] == fault, "another fault, or none"),
        witnessed.lamps(recording, fell_ps + REST_PS, end_ps, ("fault", "buzzer"), f"lamps after {line}",
                        blink=True),
    ]  # fmt: skip
    bench.clear()
    return [bench.kept(found, fell_ps)]


def interlock(bench: Bench) -> list[Found]:
    """The over-current comparator's part of the interlock."""
    return _trip(bench, "interlock", faults.OVER_CURRENT)


def emergency_stop(bench: Bench) -> list[Found]:
    """The emergency stop's loop, and with it the interlock."""
    return _trip(bench, "stop_loop", faults.EMERGENCY_STOP)


def host_gone(bench: Bench) -> list[Found]:
    """The host says nothing more: the session fades and ends by itself, and the lease is not renewed after that."""
    found = Found("host gone", "The host says nothing more while pulses run")
    bench.record()
    bench.begin(plain("host gone", rate_mhz=20_000, width_us=200))
    last_ps = bench.now_ps()
    bench.let_pass((session.HOST_LOST_MS + session.FADE_MS) / 1000 + 2 * AFTER_S)
    end_ps = bench.now_ps()
    bench.let_pass(0.03)
    recording = bench.recording
    found.claims += [
        _pulses(bench, last_ps, last_ps + PS_PER_S, "pulses until the host is missed"),
        witnessed.no_more_pulses(recording, last_ps + LOST_PS + REST_PS, end_ps, "pulses without a host"),
        witnessed.falls(recording, "enable", last_ps, LOST_PS + REST_PS, end_ps, "enable without a host"),
        witnessed.wave_ends(recording, last_ps, LOST_PS + REST_PS, "pump without a host"),
    ]  # fmt: skip
    bench.clear()
    return [bench.kept(found, last_ps + LOST_PS)]


def boot(bench: Bench) -> list[Found]:
    """From reset until the firmware answers nothing moves."""
    found = Found("boot", "A reset at rest, and the board comes up")
    bench.record()
    begin_ps = bench.now_ps()
    bench.reset()
    came = bench.back()
    end_ps = bench.now_ps()
    bench.let_pass(AFTER_S)
    roles = (*witnessed.phases_of(bench.recording), *OUTPUTS)
    found.claims += [
        witnessed.simply("it comes back after a reset", "yes", "yes" if came else "no", came, "no port came"),
        witnessed.stays_low(bench.recording, roles, begin_ps, end_ps, "outputs while it boots"),
        witnessed.lamps(bench.recording, end_ps, end_ps + AFTER_PS, ("ready",), "lamps in idle"),
    ]
    return [bench.kept(found, begin_ps)]


def reset_in_phase(bench: Bench) -> list[Found]:
    """A reset while a phase is on; tried until one was hit."""
    found = Found("reset in mid-phase", "The witness pulls RUN while a phase is on")
    for _ in range(MID_PHASE_TRIES):
        bench.record()
        bench.begin(plain("reset", rate_mhz=300_000, width_us=1_000, gap_us=0))
        bench.device.wait(0.05)
        begin_ps = bench.now_ps()
        bench.reset()
        came = bench.back()
        end_ps = bench.now_ps()
        bench.let_pass(0.03)
        recording = bench.recording
        fell_ps = recording.first("enable", 0, begin_ps, end_ps)
        hit = fell_ps is not None and any(
            abs(ps - fell_ps) <= PS_PER_US and not level
            for role in witnessed.phases_of(recording)
            for ps, level in recording.edges(role)
        )
        if hit or fell_ps is None or not came:
            break
    name = "a phase was on when the reset came"
    claim = Claim(name, None, "yes", "yes" if hit else "no", "", PASSED, 1)
    found.claims.append(claim if hit else witnessed.unclear(claim, f"not hit in {MID_PHASE_TRIES} tries"))
    state = bench.device.status()["state"] if came else "gone"
    since_ps = fell_ps if fell_ps is not None else begin_ps
    roles = (*witnessed.phases_of(recording), *OUTPUTS)
    found.claims += [
        witnessed.simply("the reset takes the enable", "low", "low" if fell_ps is not None else "high",
                         fell_ps is not None, "it stayed high"),
        witnessed.stays_low(recording, roles, since_ps + PS_PER_US, end_ps, "outputs after the reset"),
        witnessed.simply("it comes back in no session", session.IDLE, state, state in (session.IDLE, session.FAULT),
                         "a session"),
    ]  # fmt: skip
    bench.clear()
    return [bench.kept(found, since_ps)]


_WITH_A_PHASE = """
import rp2
from machine import Pin
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def wave():
    set(pins, 1)[4]
    set(pins, 0)[4]
rp2.PIO(0).remove_program()
Pin({phase}, Pin.OUT, value=1)
rp2.StateMachine(0, wave, freq=1000000, set_base=Pin({pump})).active(1)
"""


def soft_reset(bench: Bench) -> list[Found]:
    """In a session Ctrl-C and Ctrl-D are bytes like any other. At the prompt a phase is put high and the pump waves,
    with the enable low; a soft reset, which leaves pins as they are, must end both."""
    found = Found("soft reset", "Ctrl-C and Ctrl-D in a session; a soft reset with a phase high")
    bench.record()
    bench.begin(plain("soft", rate_mhz=100_000, width_us=200))
    bench.port.write(b"\x03\x04\x03\r\n")
    bench.device.wait(0.06)
    state = bench.device.status()["state"]
    try:
        bench.device.request("maintenance")
        refused = ""
    except DeviceRefused as refusal:
        refused = refusal.error
    bench.device.stop()
    gpios = bench.witness.identity["gpios"]
    bench.device.request("maintenance")
    prompt = RawPrompt(bench.port)
    prompt.run(_WITH_A_PHASE.format(phase=gpios["phase_a_0"], pump=gpios["pump"]))
    bench.let_pass(0.02)
    high_ps = bench.now_ps()
    prompt.soft_reset()
    bench.let_pass(0.3)
    while bench.port.read(0.02):  # what the prompt still had to say
        pass
    bench.port.close()
    came = bench.back()
    end_ps = bench.now_ps()
    bench.let_pass(0.03)
    recording = bench.recording
    still_ps = max((wave.end_ps for wave in recording.waves), default=0)
    was_high = recording.level("phase_a_0", high_ps) == 1
    found.claims += [
        witnessed.simply("Ctrl-C and Ctrl-D in a session", session.RUNNING, str(state), state == session.RUNNING,
                         "the session ended"),
        witnessed.simply("maintenance in a session", "refused", refused or "done", bool(refused), "it was taken"),
        witnessed.simply("a phase is high before the soft reset", "high", "high" if was_high else "low",
                         was_high and still_ps > high_ps, "the pump stood still" if was_high else "it was not"),
        witnessed.falls(recording, "phase_a_0", still_ps, REST_PS, end_ps, "phase after the pump stood still"),
        witnessed.stays_low(recording, ("enable",), high_ps, end_ps, "enable over the soft reset"),
        witnessed.stays_low(recording, ("pump",), still_ps + 1, end_ps, "pump after the soft reset"),
        witnessed.simply("it comes back", "yes", "yes" if came else "no", came, "it did not answer"),
    ]  # fmt: skip
    return [bench.kept(found, still_ps)]


def bootsel(bench: Bench) -> list[Found]:
    """The way into BOOTSEL, where images are flashed, and back by a reset; nothing is written."""
    found = Found("flashing", "BOOTSEL: refused while pulses run; at rest nothing moves, there and back")
    bench.record()
    bench.begin(plain("flashing", rate_mhz=100_000, width_us=200))
    try:
        bench.device.request("bootloader")
        refused = ""
    except DeviceRefused as refusal:
        refused = refusal.error
    bench.device.stop()
    bench.let_pass(AFTER_S)
    begin_ps = bench.now_ps()
    bench.device.request("bootloader")
    bench.let_pass(0.3)
    bench.reset()
    came = bench.back()
    end_ps = bench.now_ps()
    bench.let_pass(0.03)
    roles = (*witnessed.phases_of(bench.recording), *OUTPUTS)
    found.claims += [
        witnessed.simply("bootloader in a session", "refused", refused or "done", bool(refused), "it was taken"),
        witnessed.stays_low(bench.recording, roles, begin_ps, end_ps, "outputs through BOOTSEL"),
        witnessed.simply("it comes back", "yes", "yes" if came else "no", came, "it did not answer"),
    ]
    return [bench.kept(found, begin_ps)]


LIST: tuple[Callable[[Bench], list[Found]], ...] = (
    boot, programmes, ends_of_ranges, two_channels, traffic, levels_by_hand, ramps, pause_and_stop,
    interlock, emergency_stop, host_gone,
    reset_in_phase, soft_reset, bootsel,
)  # fmt: skip
