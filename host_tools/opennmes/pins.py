"""What each pin of a board is for, and why it is this one. The numbers stand in boards/*/board.py alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from nmes.core import calibration

OUT, IN, BOTH, ANALOGUE = "output", "input", "both", "analogue"
FIRST_ADC_PIN = 26  # ADC 0
_PWM_SLICES = 8  # GP0 and 1 are slice 0, GP16 and 17 again (RP2040 datasheet, 4.5.2)

# By the name in a channel's row of board.py: direction, what it is, why this pin.
_OF_A_CHANNEL = {
    "phase_a": (OUT, "phase A: one diagonal of the H-bridge", "a neighbour of phase_b: one PIO instruction sets both"),
    "phase_b": (OUT, "phase B: the other diagonal", "a neighbour of phase_a: one PIO instruction sets both"),
    "level_a": (OUT, "amplitude of phase A, as PWM", "{pwm}: one write sets the amplitudes of both phases"),
    "level_b": (OUT, "amplitude of phase B, as PWM", "{pwm}: one write sets the amplitudes of both phases"),
}
# And by the names of the other pins.
_OF_THE_BOARD = {
    "sense_current": (ANALOGUE, "what flows through the load", "{adc}: sampled in each phase without the CPU"),
    "sense_voltage": (
        ANALOGUE, "the voltage of the channel in phase", "{adc}: the last free input, so both channels share it"
    ),
    "enable": (OUT, "static permission of the output stage", "any pin; the guard watches the outputs and drops it"),
    "pump": (OUT, "dynamic permission: a square wave; still is off", "any pin; a state machine makes the wave"),
    "interlock": (IN, "high is safe: emergency stop and over-current", "any pin; the guard reads it without the CPU"),
    "stop_loop": (IN, "high is closed: the emergency stop alone", "any pin; it tells the causes of interlock apart"),
    "lamp": (OUT, "yellow lamp: output is on", "{led}"),
    "ready": (OUT, "green lamp: ready; blinks while armed or paused", "any pin"),
    "fault": (OUT, "red lamp: blinks the number of the fault", "any pin"),
    "buzzer": (OUT, "a buzzer with its own oscillator", "any pin"),
    "hand_switch": (
        IN, "switch to ground: its person starts a contraction, on a stage with a biofeedback input",
        "any pin; beside the buttons, and like them held high by its pull-up",
    ),
    "trigger_input": (
        IN, "a train begins at its rising edge, on a stage with a biofeedback input",
        "any pin; its pull-down holds it low; channel 1 is not there, and this was its level",
    ),
    "sync_output": (
        OUT, "high while phase A of channel 0 is, on a stage with a biofeedback input",
        "any pin that no stage switches a phase with; channel 1 is not there, and this was its level",
    ),
    "held_low": (OUT, "low, always: a channel that this stage does not have", "a phase of another stage"),
    "supply": (ANALOGUE, "the board's supply", "{adc}: the board itself puts a third of VSYS there"),
    "radio_power": (OUT, "power of the radio on the board: low, off", "the board's own wire"),
    "radio_select": (OUT, "select of the radio: high, silent", "the board's own wire; so it leaves supply alone"),
}  # fmt: skip
_BUTTON = "any pin; its pull-up holds it high while nobody presses, and the row lies far from the stage's pins"
_OF_THE_PANEL = {
    "start": (IN, "button to ground: start, pause, yes", _BUTTON),
    "up": (IN, "button to ground: more", _BUTTON),
    "down": (IN, "button to ground: less", _BUTTON),
    "stop": (IN, "button to ground: stop, no", _BUTTON),
    "programme": (IN, "button to ground: the next programme, or the other channel", _BUTTON),
}
_OF_THE_DISPLAY = {
    "sda": (BOTH, "data of the display", "I2C {i2c}: a pair that nothing else needs"),
    "scl": (OUT, "clock of the display", "I2C {i2c}: a pair that nothing else needs"),
}
_LED = 25


_NO_LABORATORY = "no trigger input and no sync output: two channels leave no pin, and no state machine of PIO"


def _laboratory(pins: dict[str, Any]) -> str:
    if "trigger_input" not in pins:
        return "trigger input, sync output"  # the virtual board has them without a pin
    return f"trigger input on GP{pins['trigger_input']}, sync output on GP{pins['sync_output']}"


def functions() -> set[str]:
    """What the pins of a board may be called in its table, but for those of a channel's row and the buttons."""
    return set(_OF_THE_BOARD)


def lacks(board: dict[str, Any]) -> list[str]:
    """What a board does not have that others do, by name."""
    pins = board["pins"]
    names = {"supply": "supply sense", "lamp": "lamp for output on", "buzzer": "buzzer"}
    if board["hal"] == "virtual":
        return ["any hardware"]
    return [
        *(words for name, words in names.items() if name not in pins),
        *(["buttons", "display"] if "panel" not in pins else []),
    ]


@dataclass(frozen=True)
class Pin:
    """One pin: `channel` is None for those that no channel has alone."""

    gpio: int
    function: str
    channel: int | None
    direction: str
    what: str
    why: str

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def pins_of(board: dict[str, Any]) -> list[Pin]:
    """Every pin that a board uses, by its number."""
    found = []
    table = board["pins"]
    for index, row in enumerate(table["channels"]):
        found += [_pin(gpio, name, index, _OF_A_CHANNEL[name]) for name, gpio in row.items()]
    for name, gpios in table.items():
        if name == "channels":
            continue
        if name == "panel":
            found += [_pin(gpio, button, None, _OF_THE_PANEL[button]) for button, gpio in gpios.items()]
            continue
        several = isinstance(gpios, tuple)
        for index, gpio in enumerate(gpios if several else (gpios,)):
            of_a_channel = several and name != "held_low"
            found.append(_pin(gpio, name, index if of_a_channel else None, _OF_THE_BOARD[name]))
    display = board.get("display", {})
    found += [_pin(display[name], name, None, words) for name, words in _OF_THE_DISPLAY.items() if name in display]
    return sorted(found, key=lambda pin: pin.gpio)


def _pin(gpio: int, function: str, channel: int | None, words: tuple[str, str, str]) -> Pin:
    direction, what, why = words
    why = why.format(
        pwm=f"output {'AB'[gpio % 2]} of PWM slice {gpio // 2 % _PWM_SLICES}",
        i2c=gpio // 2 % 2,
        adc=f"ADC {gpio - FIRST_ADC_PIN}",
        led="the lamp that is on the board" if gpio == _LED else "any pin",
    )
    return Pin(gpio, function, channel, direction, what, why)


def abilities(board: dict[str, Any], stage: dict[str, Any]) -> list[tuple[str, str]]:
    """What a board with its output stage can do, as names and words."""
    pins = board["pins"]
    low, high = board["supply_mv"]
    cold, warm = board["temperature_dc"]
    ceiling_ua = min(board["max_current_ua"], stage["full_scale_ua"])
    for_people = stage["for_people"] and not board.get("dummy_only")
    rows = [
        ("chip", f"{board['mcu'].upper()}, {board['cpu_hz'] / 1e6:g} MHz"),
        ("channels", str(min(len(pins["channels"]), stage["channels"]))),
        (
            "current",
            f"up to {ceiling_ua / 1000:g} mA, in steps of {calibration.level_ua(stage) / 1000:g} mA",
        ),
        ("output stage", f"{stage['name']}, up to {stage['compliance_mv'] / 1000:g} V"),
        ("for", "every prescription" if for_people else "resistors alone: nobody may be connected"),
        ("supply", f"{low / 1000:g} to {high / 1000:g} V, {'measured' if 'supply' in pins else 'not measured'}"),
        ("temperature", f"{cold / 10:g} to {warm / 10:g} degrees Celsius, of the chip"),
    ]
    listens = stage.get("signal_most_mv")
    bounds = f"0 to {(listens or 0) / 1000:g} V in the place of a channel's current sense, and a hand switch"
    rows.append(("contractions", f"on time, or started by their person: {bounds}" if listens else "on time alone"))
    rows.append(("laboratory", _laboratory(pins) if listens else _NO_LABORATORY))
    lamps = [name for name in ("lamp", "ready", "fault", "buzzer") if name in pins]
    rows.append(("lamps", ", ".join(lamps) if lamps else "none"))
    rows.append(("panel", "buttons, and a display if there is one" if "panel" in pins else "none: it needs a host"))
    rows.append(("lacks", ", ".join(lacks(board)) or "nothing"))
    return rows
