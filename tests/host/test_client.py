"""The device at the other end: as pairs of bytes, and by rule."""

from __future__ import annotations

import itertools

import pytest
from mpremote.transport_serial import SerialTransport
from ports_for_tests import IDENTITY, RulePort, ScriptedPort, line, ok, refused

from nmes.core import programme, session
from opennmes.cli import main
from opennmes.device import patience, prompt
from opennmes.device.client import KEEPALIVE_S, PATIENCE_S, Device, DeviceRefused, LinkError, Message
from opennmes.ports.errors import PortError

IDENTIFY = line(seq=1, cmd="identify")
STATUS = line(seq=1, cmd="status")
HOST = IDENTITY["host"]
# What `connect` sends and hears; the next number is 2.
CONNECT = ((b"\r\n", b""), (IDENTIFY, ok(1, **IDENTITY)))


def running(port: RulePort) -> Device:
    device = Device(port)
    device.connect()
    device.arm(1)
    device.start()
    return device


# ---- connecting ----


def test_connect_says_who_is_there() -> None:
    with ScriptedPort((b"\r\n", b""), (IDENTIFY, ok(1, **IDENTITY))) as port:
        assert Device(port).connect() == IDENTITY


@pytest.mark.parametrize(
    ("other", "says"),
    [({"table": 1}, "another command table"), ({"protocol": 99}, "another command table"), ({"checklist": 99}, "99")],
)
def test_firmware_of_another_kind_is_told_apart(other: dict[str, int], says: str) -> None:
    port = ScriptedPort((b"\r\n", b""), (IDENTIFY, ok(1, **{**IDENTITY, **other})))
    with pytest.raises(LinkError, match=says) as caught:
        Device(port).connect()
    assert (
        f"`nmes flash --port {port.name}` (in a checkout after `make setup`) has it run the firmware that belongs"
        in str(caught.value)
    )


@pytest.mark.parametrize(
    "said",
    [
        b"\r\n>>> ",
        b'>>> {"seq": 1, "cmd": "identify"} 0123\r\nTraceback (most recent call last):\r\n',
        b"raw REPL; CTRL-B to exit\r\n>",
    ],
)
def test_the_micropython_prompt_is_recognised(said: bytes) -> None:
    port = ScriptedPort((b"\r\n", said), (IDENTIFY, b""))
    with pytest.raises(LinkError, match="at the MicroPython prompt"):
        Device(port).connect()
    assert port.seconds < 1


def test_silence_ends_after_a_bounded_time_with_few_lines() -> None:
    port = RulePort()
    port.rules["identify"] = lambda request: None
    with pytest.raises(LinkError, match="nothing answered within 20 s"):
        Device(port).connect()
    assert port.seconds == pytest.approx(PATIENCE_S)
    assert 3 <= len(port.sent) <= 8


def test_who_asks_for_patience_waits_as_much_longer_and_is_told_how_long_it_was(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(patience, "_times", 1.0)  # so that it is put back
    monkeypatch.setenv("NMES_PATIENCE", "2.5")
    assert main(["programmes", "--json"]) == 0
    port = RulePort()
    port.rules["identify"] = lambda request: None
    with pytest.raises(LinkError, match="nothing answered within 50 s"):
        Device(port).connect()
    assert port.seconds == pytest.approx(2.5 * PATIENCE_S)
    assert main(["--patience", "1", "programmes", "--json"]) == 0
    assert patience.stretched(PATIENCE_S) == PATIENCE_S


def test_a_stop_that_was_lost_is_sent_again_at_once_however_patient_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_times", 100.0)
    port = RulePort()
    device = Device(port)
    device.connect()
    asked_s: list[float] = []

    def stop(request: Message) -> bytes | None:
        asked_s.append(port.now_s())
        return ok(request["seq"], state=session.IDLE) if len(asked_s) == 3 else None

    port.rules["stop"] = stop
    device.request("stop")
    assert len(asked_s) == 3 and asked_s[-1] - asked_s[0] < 2


def test_what_is_not_ours_is_quoted() -> None:
    port = RulePort()
    port.rules["identify"] = lambda request: b"\x00\xffok T:21.5 /0.0\r\n"
    with pytest.raises(LinkError, match=r"is not OpenNMES .*T:21\.5"):
        Device(port).connect()


def test_an_echo_is_no_answer() -> None:
    port = RulePort()
    port.rules["identify"] = lambda request: line(**request)
    with pytest.raises(LinkError, match="nothing answered within 20 s"):
        Device(port).connect()


# ---- what lines go through ----


def test_a_lost_answer_makes_the_same_line_go_again() -> None:
    with ScriptedPort((STATUS, b""), (STATUS, ok(1, state="IDLE"))) as port:
        assert Device(port).status() == {"state": "IDLE"}


def test_a_damaged_answer_makes_the_same_line_go_again() -> None:
    damaged = ok(1, state="IDLE").replace(b"IDLE", b"IDLF")
    with ScriptedPort((STATUS, damaged), (STATUS, ok(1, state="IDLE"))) as port:
        assert Device(port).status() == {"state": "IDLE"}


@pytest.mark.parametrize("error", ["bad_crc", "no_crc", "too_long", "not_json"])
def test_a_request_that_arrived_damaged_goes_again_at_once(error: str) -> None:
    with ScriptedPort((STATUS, refused(None, error)), (STATUS, ok(1, state="IDLE"))) as port:
        assert Device(port).status() == {"state": "IDLE"}
        assert port.seconds == 0


@pytest.mark.parametrize("before", [1, 3, 20, 200])
def test_noise_between_our_lines_is_no_damage_of_ours(before: int) -> None:
    # The device says of each line of noise that it is none; our own lines are answered, now and then late.
    port = RulePort()
    noise = b"".join(refused(None, error) for error in ("no_crc", "bad_crc", "bad_seq", "too_long")) * before
    port.rules["status"] = lambda request: noise + (ok(request["seq"], state="IDLE") if port.seconds > 3 else b"")
    device = Device(port)
    for _ in range(10):
        assert device.status() == {"state": "IDLE"}
    assert len(port.sent) < 30


def test_noise_and_a_device_that_says_nothing_else_is_not_blamed_on_the_cable() -> None:
    port = RulePort()
    device = Device(port)
    device.connect()
    said = iter([refused(None, "no_crc")])
    port.rules["status"] = lambda request: next(said, None)
    with pytest.raises(LinkError, match="no longer answers") as caught:
        device.status()
    assert "cable" not in str(caught.value)


def test_a_line_that_always_arrives_damaged_is_given_up() -> None:
    port = RulePort()
    port.rules["status"] = lambda request: refused(None, "bad_crc")
    with pytest.raises(LinkError, match="another cable"):
        Device(port).status()


@pytest.mark.parametrize("size", [1, 7, 30, 1000])
def test_an_answer_in_pieces_after_noise(size: int) -> None:
    said = b"\x80noise\n" + ok(1, state="IDLE")
    with ScriptedPort((STATUS, b"")) as port:
        device = Device(port)
        port.incoming = [said[at : at + size] for at in range(0, len(said), size)]
        assert device.status() == {"state": "IDLE"}


def test_answers_that_come_twice_or_late_are_not_taken_for_the_next() -> None:
    second = line(seq=2, cmd="status")
    script = (STATUS, ok(1, state="IDLE") * 2), (second, ok(1, state="IDLE") + ok(2, state="FAULT"))
    with ScriptedPort(*script) as port:
        device = Device(port)
        assert device.status()["state"] == "IDLE"
        assert device.status()["state"] == "FAULT"


def test_what_the_device_says_of_an_older_line_of_ours_is_not_taken_for_the_answer() -> None:
    with ScriptedPort((STATUS, refused(0, "old_seq") + ok(1, state="IDLE"))) as port:
        assert Device(port).status() == {"state": "IDLE"}


def test_a_host_is_told_when_the_session_is_another_s() -> None:
    start = line(seq=2, cmd="start", host=HOST)
    with ScriptedPort(*CONNECT, (start, refused(2, "not_owner"))) as port:
        device = Device(port)
        device.connect()
        with pytest.raises(DeviceRefused, match="another host") as caught:
            device.start()
    assert caught.value.error == "not_owner"


def test_every_request_carries_the_number_that_the_device_gave_us() -> None:
    status = line(seq=2, cmd="status", host=HOST)
    with ScriptedPort(*CONNECT, (status, ok(2, state="IDLE"))) as port:
        device = Device(port)
        device.connect()
        device.status()


def test_a_request_that_needs_a_number_gets_one_first() -> None:
    with ScriptedPort(*CONNECT, (line(seq=2, cmd="start", host=HOST), ok(2, state="RUNNING"))) as port:
        Device(port).start()


def test_a_host_that_the_device_has_forgotten_identifies_again_and_asks_again() -> None:
    again = line(seq=3, cmd="identify"), ok(3, **{**IDENTITY, "host": 13})
    script = (
        *CONNECT,
        (line(seq=2, cmd="clear", host=HOST, fault=3), refused(2, "unknown_host")),
        (b"\r\n", b""),
        again,
        (line(seq=4, cmd="clear", host=13, fault=3), ok(4, state="IDLE")),
    )
    with ScriptedPort(*script) as port:
        device = Device(port)
        device.connect()
        assert device.request("clear", fault=3) == {"state": "IDLE"}


def test_a_device_that_never_knows_us_is_reported() -> None:
    port = RulePort()
    port.rules["clear"] = lambda request: refused(request["seq"], "unknown_host")
    with pytest.raises(DeviceRefused, match="identify"):
        Device(port).request("clear", fault=3)
    assert port.commands() == ["identify", "clear", "identify", "clear"]


def test_another_host_s_numbers_are_not_used_again() -> None:
    port = RulePort()
    port.seconds = 1000.0
    before = Device(port)
    for _ in range(20):
        before.status()
    port.seconds += 0.1  # no program begins sooner after another
    assert Device(port).exchange.seq > before.exchange.seq


def test_a_refusal_has_its_reasons() -> None:
    reasons = [{"code": "c", "parameter": "p", "asked": 1, "bound": 2, "source": "s", "phase": None}]
    with ScriptedPort((STATUS, refused(1, "refused", reasons))) as port, pytest.raises(DeviceRefused) as caught:
        Device(port).status()
    assert (caught.value.command, caught.value.error, caught.value.reasons) == ("status", "refused", reasons)


@pytest.mark.parametrize(
    ("reason", "notes"),
    [
        (
            {
                "code": "above_limit",
                "parameter": "current_ua",
                "asked": 2_500,
                "bound": 2_000,
                "source": "s",
                "phase": None,
            },
            ["- intensity is 2.5 mA; at most 2 mA is allowed (s)"],
        ),
        ({"code": "of another version"}, None),
        (7, None),
    ],
)
def test_a_traceback_of_a_refusal_shows_its_reasons_in_words(reason: object, notes: list[str] | None) -> None:
    with ScriptedPort((STATUS, refused(1, "refused", [reason]))) as port, pytest.raises(DeviceRefused) as caught:
        Device(port).status()
    assert getattr(caught.value, "__notes__", None) == notes


def test_events_are_kept_and_handed_on() -> None:
    heard: list[dict[str, object]] = []
    rows = [{"channel": 0, "intensity_ua": 3_000}]
    event = line(event="status", state="RUNNING", channels=rows)
    with ScriptedPort((STATUS, event + ok(1, fault=0))) as port:
        device = Device(port, on_event=heard.append)
        device.status()
    assert (device.state, device.intensity_ua) == ("RUNNING", 3_000)
    assert heard == list(device.events) == [{"event": "status", "state": "RUNNING", "channels": rows}]


def test_a_programme_that_fits_no_line() -> None:
    with pytest.raises(LinkError, match="longer than"):
        Device(RulePort()).load({"title": "x" * 5000})


def test_a_device_that_keeps_another_programme_is_not_used() -> None:
    port = RulePort()
    data = {"title": "x"}
    port.rules["load"] = lambda request: ok(request["seq"], programme_crc=programme.crc(data) ^ 1)
    with pytest.raises(LinkError, match="another programme"):
        Device(port).load(data)


# ---- a session ----


def test_a_session_is_kept_alive_while_waiting() -> None:
    port = RulePort()
    device = running(port)
    begin_s = port.seconds
    device.wait(10)
    times = [seconds for seconds, command in port.sent if command == "keepalive"]
    assert port.seconds - begin_s == pytest.approx(10)
    assert all(later - sooner <= KEEPALIVE_S + 0.001 for sooner, later in itertools.pairwise([begin_s, *times]))
    assert KEEPALIVE_S * 3 <= session.HOST_LOST_MS / 1000


def test_a_wait_ends_where_a_difference_of_times_rounds_to_nothing() -> None:
    # Half a second after it the sum of both is reached, and the difference of both is less.
    renewed_s = 0.6862866638113579
    assert (renewed_s + 0.5) - renewed_s < 0.5
    port = RulePort()
    device = running(port)
    port.seconds = renewed_s
    device.request("keepalive")
    read, reads = port.read, 0

    def counted(timeout_s: float) -> bytes:
        nonlocal reads
        reads += 1
        assert reads < 100, "time stands still"
        return read(timeout_s)

    port.read = counted  # type: ignore[method-assign]
    device.wait(3)
    assert port.commands().count("keepalive") >= 6


def test_nothing_is_kept_alive_in_idle() -> None:
    port = RulePort()
    device = Device(port)
    device.connect()
    device.wait(10)
    assert "keepalive" not in port.commands()


def test_a_session_that_ends_while_waiting_is_noticed() -> None:
    port = RulePort()
    device = running(port)
    port.state = session.IDLE
    port.rules["keepalive"] = lambda request: refused(request["seq"], "wrong_state")
    device.wait(3)
    assert device.state == session.IDLE
    assert port.commands().count("keepalive") == 1


@pytest.mark.parametrize("target_ua", [0, 700, 1_000, 12_500, 40_000])
def test_the_intensity_goes_up_as_the_device_allows(target_ua: int) -> None:
    port = RulePort()
    device = running(port)
    device.raise_to(target_ua)
    assert port.intensity_ua == device.intensity_ua == target_ua
    levels = [0] + [current_ua for _, current_ua in port.steps]
    assert all(0 < higher - lower <= session.STEP_MAX_UA for lower, higher in itertools.pairwise(levels))
    times = [seconds for seconds, _ in port.steps]
    assert all(later - sooner >= session.STEP_EVERY_MS / 1000 for sooner, later in itertools.pairwise(times))


def test_a_device_whose_clock_is_behind_is_asked_again() -> None:
    port = RulePort()
    device = running(port)

    def slowly(request: Message) -> bytes:
        """Its seconds are two of ours."""
        if port.steps and port.seconds - port.steps[-1][0] < 2 * session.STEP_EVERY_MS / 1000:
            return refused(request["seq"], "refused", [{"code": "step_too_soon"}])
        return port._answer(request)

    port.rules["intensity"] = slowly
    device.raise_to(3_000)
    assert [current_ua for _, current_ua in port.steps] == [1_000, 2_000, 3_000]
    port.rules["intensity"] = lambda request: refused(request["seq"], "refused", [{"code": "above_limit"}])
    with pytest.raises(DeviceRefused):
        device.raise_to(4_000)


def test_the_intensity_goes_down_in_one_step() -> None:
    port = RulePort()
    device = running(port)
    device.raise_to(5_000)
    port.steps.clear()
    device.raise_to(2_000)
    assert [current_ua for _, current_ua in port.steps] == [2_000]


def test_raising_ends_when_the_session_does() -> None:
    port = RulePort()
    device = running(port)
    device.on_event = lambda event: None
    port.rules["intensity"] = lambda request: (
        ok(request["seq"], current_ua=request["current_ua"]) + line(event="status", state="FAULT", intensity_ua=0)
    )
    device.raise_to(10_000)
    assert device.state == session.FAULT
    assert port.commands().count("intensity") == 1


# ---- rate and width ----


def test_adjust_asks_for_both_and_hands_on_what_was_done() -> None:
    asked = line(seq=2, cmd="adjust", host=HOST, channel=1, rate_mhz=40_000, width_us=200)
    done = {"channel": 1, "phase": "work", "rate_mhz": 40_000, "width_us": 200, "from_pulse": 17}
    with ScriptedPort(*CONNECT, (asked, ok(2, **done))) as port:
        assert Device(port).adjust(40_000, 200, channel=1) == done


def test_a_lost_answer_to_adjust_makes_the_same_line_go_again() -> None:
    asked = line(seq=2, cmd="adjust", host=HOST, channel=0, rate_mhz=40_000, width_us=200)
    with ScriptedPort(*CONNECT, (asked, b""), (asked, ok(2, from_pulse=17))) as port:
        assert Device(port).adjust(40_000, 200)["from_pulse"] == 17


# ---- the ways out ----


def test_leaving_stops_a_session_and_closes_the_port() -> None:
    port = RulePort()
    with running(port):
        pass
    assert port.commands()[-1] == "stop"
    assert port.closed


def test_who_only_looks_at_another_s_session_neither_stops_it_nor_keeps_it_alive() -> None:
    port = RulePort()
    port.state = session.RUNNING
    with Device(port) as device:
        device.connect()
        device.request("self_test")
        assert device.state == session.RUNNING
        device.wait(5)
    assert port.commands() == ["identify", "self_test"]


def test_an_arm_refused_because_of_another_s_session_leaves_that_alone() -> None:
    port = RulePort()
    port.state = session.RUNNING
    port.rules["arm"] = lambda request: line(event="status", state="RUNNING") + refused(request["seq"], "not_owner")
    with pytest.raises(DeviceRefused), Device(port) as device:
        device.connect()
        device.arm(1)
    assert port.commands() == ["identify", "arm"]


def test_a_session_that_is_over_is_not_ours_any_more_when_another_has_one() -> None:
    port = RulePort()
    with running(port) as device:
        port.incoming += [line(event="status", state=each) for each in (session.IDLE, session.RUNNING)]
        device.wait(5)
        assert device.state == session.RUNNING
    assert port.commands() == ["identify", "arm", "start"]


def test_reading_keeps_our_own_session_alive_and_a_line_sent_again_does_not_count() -> None:
    port = RulePort()
    device = running(port)
    answers = iter([None, None])
    port.rules["status"] = lambda request: next(answers, ok(request["seq"]))
    begin_s = port.seconds
    device.status()
    assert port.seconds - begin_s >= 3 * KEEPALIVE_S
    device.wait(0.001)
    assert port.commands()[-1] == "keepalive"


def test_leaving_without_a_session_stops_nothing() -> None:
    port = RulePort()
    with Device(port) as device:
        device.connect()
    assert port.commands() == ["identify"]
    assert port.closed


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("bug"), LinkError("x")])
def test_whatever_ends_a_session_stops_it(error: BaseException) -> None:
    port = RulePort()
    with pytest.raises(type(error)), running(port):
        raise error
    assert port.commands()[-1] == "stop"
    assert port.closed


def test_a_lost_port_is_what_is_reported() -> None:
    port = RulePort()
    with pytest.raises(PortError, match="gone"), running(port) as device:
        port.gone = True
        device.wait(1)
    assert port.closed


def test_a_device_that_falls_silent_is_reported_soon() -> None:
    port = RulePort()
    with pytest.raises(LinkError, match="no longer answers"), running(port) as device:
        for command in ("keepalive", "stop"):
            port.rules[command] = lambda request: None
        device.wait(1)
    assert port.closed
    assert port.seconds < 60


def test_an_arm_whose_answer_was_lost_is_stopped() -> None:
    port = RulePort()
    port.rules["arm"] = lambda request: None
    with pytest.raises(LinkError), Device(port) as device:
        device.connect()
        device.arm(1)
    assert port.commands()[-1] == "stop"


def test_an_arm_that_was_refused_needs_no_stop() -> None:
    port = RulePort()
    port.rules["arm"] = lambda request: refused(request["seq"], "refused")
    with pytest.raises(DeviceRefused), Device(port) as device:
        device.connect()
        device.arm(1)
    assert "stop" not in port.commands()


def test_mpremote_s_own_waits_are_as_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[tuple[float, float | None]] = []

    def read_until(
        _: object, least: int, ending: bytes, timeout: float, consumer: object, overall: float | None
    ) -> bytes:
        waits.append((timeout, overall))
        return ending

    monkeypatch.setattr(SerialTransport, "__init__", lambda *_, **__: None)
    monkeypatch.setattr(SerialTransport, "read_until", read_until)
    monkeypatch.setattr(patience, "_times", 3.0)
    transport = prompt._transport("port")
    transport.read_until(1, b">")
    transport.read_until(1, b">", timeout_overall=15)
    transport.follow(60)
    assert waits == [(30, None), (30, 45), (180, None), (180, None)]
