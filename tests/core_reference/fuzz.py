"""Lines that nobody should send, for the link in any state, and what must hold after each of them.

Every line is made from a seed: one that fails can be made again. `Junk` are lines made blindly; `Guided` keeps those of
its lines that reached code which no line before had reached, and makes the next ones of them.
"""

from __future__ import annotations

import binascii
import json
import random
import sys
from collections.abc import Iterator
from typing import Any

from bench_hal import Linked
from test_link import ARGUMENTS, CHECKED, in_state
from test_link_calibration import ROWS

from nmes import calibrated, link, prescriptions
from nmes.core import calibration, commands, document, frame, hosts, lock, settings
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING
from nmes.hal.common import LAYOUT

STATES = (IDLE, ARMED, RUNNING, PAUSED, FAULT)
# What a line can reach, and what `guided` is guided by.
_LOOKED_AT = {
    part.__file__
    for part in (
        link, commands, frame, hosts, document, prescriptions, settings, calibration, calibrated, lock
    )
}  # fmt: skip
_TEXT = json.dumps({"title": "x", "about": {}}).encode()
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 255, 256, 1_000, 3_839, 3_840, 2**30, 2**31, 2**62, -(2**70), 0.5, -0.0, 1e300,
    "", "x", "0" * 64, "AAAA", "====", "\ud800", "\u9aa8" * 70, "stop", [], [[]], {}, {"a": {}}, {"about": 1},
    {"buzzer_volume": 3}, {"device_name": "x" * 33}, ARGUMENTS["load"]["programme"], document.piece(_TEXT),
    document.digest(_TEXT), len(_TEXT), *CHECKED.values(), lock.LOST, 999_999_999, ROWS, {"0": {}, "1": []},
)  # fmt: skip
KEY = 64 * "0"  # of a locked bench; a stranger has others
_PIECES = (b"\x00", b'"', b"}", b"[[[[", b"\\u0000", b"1e9", b"-", b" ", b"\xff", b"\r")


class Watched(Linked):
    """A board in a state, with what it writes to flash counted and every pulse that it is given."""

    @classmethod
    def in_state(cls, state: str, *, locked: bool = False) -> Linked:
        bench = in_state(state)
        bench.writes = 0
        if locked:  # as if it had been so before
            bench.store.put("lock", {"key": KEY, "counter": 7})
            bench.store.due = False

        def counted(act: Any) -> Any:
            def counts(*arguments: Any) -> Any:
                bench.writes += 1
                return act(*arguments)

            return counts

        bench.hal.write_slot = counted(bench.hal.write_slot)
        bench.hal.flash.writeblocks = counted(bench.hal.flash.writeblocks)
        bench.hal.flash.ioctl = counted(bench.hal.flash.ioctl)
        bench.hal.permit = counted(bench.hal.permit)
        bench.hal.put = counted(bench.hal.put)
        return bench


def whole(bench: Linked) -> dict[str, Any]:
    session = bench.session
    return {
        "state": session.state,
        "fault": session.fault,
        "owner": session.owner,
        "programme": (session.programme_crc, session.limit_ua, session.own_most_ua),
        "acknowledged": session.acknowledged,
        "queued": session.queued,
        "cancelled": session.cancelled,
        "intensities": [lane.intensity_ua for lane in session.lanes],
        "phases": [(lane.feed.phase.rate_mhz, lane.feed.phase.width_us) for lane in session.lanes if lane.feed.phase],
        "permitted": bench.hal._permitted,
        "leaving": (bench.link.wants_prompt, bench.link.wants_bootloader),
        "settings": bench.supervisor.settings(),
        "lock": bench.store.get("lock"),
        "clock": bench.supervisor.clock._zero_s,
        "calibration": (bench.supervisor.calibrated.answer(), [each.__dict__ for each in bench.session.calibrations]),
        "writes": bench.writes,
    }


# What a stop or a pause may change, whoever asks for it.
_TAKEN_AWAY = {"state", "owner", "acknowledged", "cancelled", "intensities", "permitted"}


def framed(text: bytes) -> bytes:
    return b"%s %08x\n" % (text, binascii.crc32(text))


class Maker:
    """Makes lines for a bench. `ours`: some carry the number of the host that the bench knows, and new numbers."""

    def __init__(self, dice: random.Random, bench: Linked) -> None:
        self.dice = dice
        self.bench = bench

    def message(self, *, ours: bool) -> dict[str, Any]:
        dice = self.dice
        name = dice.choice(sorted(commands.COMMANDS))
        made: dict[str, Any] = {"cmd": name if dice.random() < 0.97 else dice.choice(_VALUES)}
        self.bench.seq += 1
        made["seq"] = self.bench.seq if ours or dice.random() < 0.5 else dice.choice(_VALUES)
        made["host"] = self.bench.owner if ours else dice.choice((None, 0, 1, True, "1", frame.HOST_MAX, -1, 2**40, []))
        right = ARGUMENTS.get(name, {})
        for key, (kind, least, most) in commands.COMMANDS[name].arguments.items():
            how = dice.random()
            if how < 0.35:
                made[key] = right.get(key, {} if kind == "object" else least)
            elif how < 0.6 and kind == "int":
                made[key] = dice.choice((least, most, least - 1, most + 1, dice.randint(least, most)))
            elif how < 0.95:
                made[key] = dice.choice(_VALUES)
        if dice.random() < 0.15:
            made["counter"], made["signature"] = self.seal(name, made)
        if dice.random() < 0.15:
            made[dice.choice(("x", "", "seq ", "Cmd", "\u00fc"))] = dice.choice(_VALUES)
        return made

    def seal(self, name: str, made: dict[str, Any]) -> tuple[Any, Any]:
        """A counter, and what nobody who has not the key can do better."""
        dice = self.dice
        counter = dice.choice((8, 9, dice.choice(_VALUES)))
        how = dice.random()
        if how < 0.5 and counter in (8, 9):
            # For another device, with another key, or for another command.
            uid, key, other = dice.choice((("other", KEY, name), ("virtual", 64 * "1", name), ("virtual", KEY, "x")))
            try:
                arguments = {argument: made.get(argument) for argument in commands.COMMANDS[name].arguments}
                return counter, lock.signature(key, uid, counter, other, arguments)
            except Exception:  # what cannot be signed
                return counter, 64 * "f"
        return counter, dice.choice((64 * "0", dice.choice(_VALUES)))

    def line(self, *, ours: bool) -> bytes:
        dice = self.dice
        how = dice.random()
        if how < 0.08:
            return bytes(dice.choices(range(256), k=dice.randint(0, 60))).replace(b"\x03", b"x") + b"\n"
        if how < 0.1:
            return (
                bytes([dice.choice(b'{}[]":,0aZ ')]) * dice.choice((255, 256, 257, 4_095, 4_096, 4_097, 9_000)) + b"\n"
            )
        text = json.dumps(self.message(ours=ours), separators=(",", ":"), ensure_ascii=dice.random() < 0.5)
        data = text.encode(errors="surrogatepass")
        if how < 0.3:
            return self.bent(framed(data))
        if how < 0.45:
            return framed(self.bent(data).replace(b"\n", b" "))
        return framed(data)

    def bent(self, data: bytes) -> bytes:
        """With a few bits, bytes or pieces changed; never Ctrl-C, which means something."""
        dice, made = self.dice, bytearray(data)
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(made)) if made else 0
            how = dice.randrange(4)
            if how == 0 and made:
                made[at] ^= 1 << dice.randrange(8)
            elif how == 1:
                del made[at : at + dice.randint(1, 9)]
            elif how == 2:
                made[at:at] = dice.choice(_PIECES)
            else:
                made[at:at] = made[at : at + dice.randint(1, 40)]
        return bytes(made).replace(b"\x03", b"x").rstrip(b"\n") + b"\n"


def judge(bench: Linked, line: bytes, *, ours: bool) -> tuple[bool, list[dict[str, Any]]]:
    """Send a line. Returns whether the bench is still of use, in its state and not on its way out, and the answers.
    Raises AssertionError when what came of it must not."""
    before = whole(bench)
    del bench.answers[:]
    bench.bytes(line)
    answers = [frame.decode(answer) for answer in bench.answers]
    said = [answer for answer in answers if "ok" in answer]
    after = whole(bench)
    changed = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
    assert all(answer.get("error") != "internal" for answer in said), said
    assert after["fault"] == before["fault"] or (ours and not after["fault"]), changed
    if not changed:
        return True, said
    assert any(answer["ok"] for answer in said), f"no answer says what has changed: {changed}"
    if not ours:
        # Nobody's number: only what takes output away is carried out.
        assert set(changed) <= _TAKEN_AWAY and after["state"] in (PAUSED, IDLE) and not after["permitted"], changed
    # Nothing energises: permission is only there when it was, or the owner has started its session.
    assert not after["permitted"] or before["permitted"] or (ours and after["state"] == RUNNING), changed
    return after["state"] == before["state"] and not bench.link.wants_prompt, said


def blind(seed: int, lines: int, state: str, *, ours: bool, locked: bool = False) -> int:
    """Send so many lines. Returns how many of them were carried out."""
    dice = random.Random(f"{seed} {state} {ours}" + " locked" * locked)
    bench = Watched.in_state(state, locked=locked)
    maker = Maker(dice, bench)
    carried_out = 0
    for _ in range(lines):
        line = maker.line(ours=ours)
        try:
            same, said = judge(bench, line, ours=ours)
        except Exception as error:
            raise AssertionError(f"seed {seed}, {state}, ours {ours}: {line!r}: {error!r}") from error
        carried_out += any(answer["ok"] for answer in said)
        if locked:
            assert bench.store.get("lock") == {"key": KEY, "counter": 7}, f"seed {seed}, {state}: {line!r}"
            assert bench.supervisor.settings() == settings.factory(), f"seed {seed}, {state}: {line!r}"
            assert not bench.link.wants_prompt, f"seed {seed}, {state}: {line!r}"
            bench.hal.pass_ms(dice.choice((0, 0, 0, 100_000)))  # the wait after a wrong signature
        if not same:
            bench = maker.bench = Watched.in_state(state, locked=locked)
    if locked:  # a session's record is written by whoever runs what was signed
        flash = bench.hal.flash.sectors.items()
        kept = [bytes(sector) for number, sector in flash if number not in LAYOUT["sessions"]]
        assert not any(sector.strip(b"\xff") for sector in kept)
        assert bench.supervisor.records.taken() == 0
    assert bench.said("status")["ok"]
    return carried_out


class Reached:
    """The lines of code that the link's modules ran."""

    def __init__(self) -> None:
        self.lines: set[tuple[str, int]] = set()

    def __enter__(self) -> Reached:
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _call(self, called: Any, event: str, _: object) -> Any:
        return self._line if called.f_code.co_filename in _LOOKED_AT else None

    def _line(self, called: Any, event: str, _: object) -> Any:
        self.lines.add((called.f_code.co_filename, called.f_lineno))
        return self._line


def guided(seed: int, lines: int, state: str, *, locked: bool = False) -> tuple[set[tuple[str, int]], int]:
    """Send so many lines, made of those that reached something new. Returns the lines of code that were reached, and
    how many of them by the first lines alone."""
    dice = random.Random(f"guided {seed} {state}" + " locked" * locked)
    bench = Watched.in_state(state, locked=locked)
    maker = Maker(dice, bench)
    corpus: list[bytes] = []
    reached: set[tuple[str, int]] = set()
    at_first = 0
    for number in range(lines):
        if corpus and dice.random() < 0.6:
            line = maker.bent(dice.choice(corpus)[:-10])[:-1]
            line = framed(renumbered(line, bench)) if dice.random() < 0.8 else line + b"\n"
        else:
            line = maker.line(ours=True)
        with Reached() as now:
            same, _ = judge(bench, line, ours=True)
        if now.lines - reached:
            reached |= now.lines
            corpus.append(line)
        if locked:
            bench.hal.pass_ms(dice.choice((0, 0, 0, 100_000)))  # the wait after a wrong signature
        if not same:
            bench = maker.bench = Watched.in_state(state, locked=locked)
        if number == lines // 20:
            at_first = len(reached)
    return reached, at_first


def renumbered(text: bytes, bench: Linked) -> bytes:
    """The same request with the number that the device waits for, where that can be told."""
    begin = text.find(b'"seq":')
    if begin < 0:
        return text
    end = begin + 6
    while text[end : end + 1].isdigit():
        end += 1
    bench.seq += 1
    return text[: begin + 6] + str(bench.seq).encode() + text[end:]


def shares(lines: int) -> Iterator[tuple[str, bool, int]]:
    """(state, whose, how many lines) of a run of so many."""
    for state in STATES:
        for ours in (False, True):
            yield state, ours, lines // (2 * len(STATES))
