"""nmes settings: what a device is set to; and set one of it."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from nmes.core import settings as declared
from nmes.core.command_words import SETTINGS
from opennmes.cli.kept import connected, warning
from opennmes.cli.keyfile import KeyFile, open_for_change
from opennmes.cli.numbers import current_ua, whole_number
from opennmes.cli.output import not_understood, only_once, out, print_json, print_table, reported, words
from opennmes.cli.ports import Port
from opennmes.device.client import LinkError
from opennmes.ports.interrupts import stop_on_signals

# As people write them: currents in mA.
NAMES = {name.removesuffix("_ua") + "_ma" if name.endswith("_ua") else name: name for name in declared.SETTINGS}
# What a device keeps and does not act on: said wherever it is set or shown, so that nobody relies on it.
NOT_USED = {
    "buzzer_volume": "not used yet: the buzzer is as loud as it is",
}


def settings(
    port: Port = None,
    name: Annotated[str | None, typer.Argument(help="One of them; without, all are said.", show_default=False)] = None,
    value: Annotated[
        str | None, typer.Argument(help="What it is to be; without, it is said.", show_default=False)
    ] = None,
    key: KeyFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Say what a device is set to, or set one of it and read it back. The person's own maximum of each channel
    (own_max_0_ma, own_max_1_ma) only tightens what a prescription allows.

    Example: nmes settings own_max_0_ma 20 --port virtual
    """
    if name is not None and name not in NAMES:
        not_understood(f"{name!r} is no setting; there are {', '.join(NAMES)}")
    wanted = None if name is None or value is None else _value(name, value)
    with reported(json, done=False, settings=None):
        stop_on_signals()
        with connected(port, to_write=wanted is not None) as (device, where):
            if name is not None and wanted is not None:
                open_for_change(device, where, key)
                device.request("set", settings={NAMES[name]: wanted})
            there: dict[str, Any] = device.request("settings")["settings"]
            if name is not None and wanted is not None and there.get(NAMES[name]) != wanted:
                raise LinkError(
                    f"{where}: the device says that {name} is {_shown(name, there)} and not what it was set to; "
                    "do not rely on it, and report this"
                )
        if wanted is not None and name in NOT_USED:
            warning(f"{name} is {NOT_USED[name]}")
        said = {key: there[NAMES[key]] for key in NAMES if name in (None, key)}
        only_once()
        if json:
            print_json({"done": True, "settings": {NAMES[key]: said[key] for key in said}, "set": wanted is not None})
        elif wanted is not None and name is not None:
            out.print(words(f"{name} is set to {_shown(name, there)}, and was read back"), soft_wrap=True)
        else:
            _print(said, there)


def _value(name: str, text: str) -> int | str:
    """What a text of the command line means for a setting. Its bounds are the device's to judge, and ours before."""
    kind, least, most, _ = declared.SETTINGS[NAMES[name]]
    if kind == "text":
        value: int | str = text
    elif name.endswith("_ma"):
        value = current_ua(name, text)
    else:
        value = whole_number(name, text)
    if declared.check({NAMES[name]: value}):
        bounds = f"{_ma(least)} to {_ma(most)} mA" if name.endswith("_ma") else f"{least} to {most}"
        bounds += " printable characters" if kind == "text" else ""
        not_understood(f"{name} is {text!r}; it has to be {bounds}")
    return value


def in_words(name: str) -> str:
    """What a setting, by its name on the link, means, and whether anything comes of it."""
    meaning: str = SETTINGS[name]
    return f"{meaning} ({NOT_USED[name]})" if name in NOT_USED else meaning


def _shown(name: str, there: dict[str, Any]) -> str:
    value = there.get(NAMES[name])
    return f"{_ma(value)} mA" if name.endswith("_ma") and isinstance(value, int) else str(value)


def _print(said: dict[str, Any], there: dict[str, Any]) -> None:
    table = Table(show_header=False)
    rows = [(key, _shown(key, there), in_words(NAMES[key])) for key in said]
    for row in rows:
        table.add_row(*map(words, row))
    with out:
        print_table(table, [(f"{key}: {value} ({text})", []) for key, value, text in rows])


def _ma(value_ua: int) -> str:
    return f"{value_ua / 1000:.6g}"
