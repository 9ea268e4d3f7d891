"""The programs at the other end of the cable: the session's host, and one that watches."""

import binascii
from collections import OrderedDict

from nmes.core import checklist, frame

HOST_US = 5_000  # they look so often
RESEND_US = 300_000
TRIES = 5
KEEPALIVE_US = 500_000
WATCH_US = 1_000_000
IDENTIFY = [0, "identify", {}]


def request(command, arguments, seq, number):
    """The line of a request. `number` is what `identify` has answered as this host's, where hosts have numbers."""
    message = OrderedDict([("seq", seq), ("cmd", command)])  # first, as the host tools write it
    message.update(arguments)
    if number is not None and command != "identify":
        message["host"] = number
    return frame.encode(message)


def shown(arguments):
    return {key: value for key, value in arguments.items() if key in ("channel", "current_ua", "rate_mhz", "width_us")}


class Host:
    """Sends the plan's commands, one after the other, as a person would with the host tools."""

    def __init__(self, world, script):
        self._world = world
        self._number = None
        self.dead = False
        self._script = [IDENTIFY] + list(script)
        self._line = None
        self._sent_us = world.now_us
        self._due_us = world.now_us
        self._tries = 0
        self._seq = 100
        self._crc = 0
        self.recovering = False

    def first(self, step):
        """Before all that is planned, do this."""
        self._script.insert(0, step)

    def later(self, script):
        """Forget what was planned and do this."""
        if self.dead:
            script = []
        self._script = list(script)
        self._line = None
        self._due_us = self._world.now_us

    def step(self):
        now_us = self._world.now_us
        if self.dead:
            return
        if self._line is not None:
            if now_us - self._sent_us < RESEND_US:
                return
            self._tries += 1
            if self._tries < TRIES:
                self._send()
                return
            self._line = None
        if self._script and now_us >= self._due_us + 1_000 * self._script[0][0]:
            _, command, arguments = self._script.pop(0)
            self._begin(command, arguments)
        elif now_us - self._sent_us >= KEEPALIVE_US:
            self._begin("keepalive", {})

    def _begin(self, command, arguments):
        world = self._world
        self._seq += 1
        if command == "raw":  # a line with a good CRC that the host tools would not send
            envelope = str(self._seq) if self._number is None else '%d, "host": %d' % (self._seq, self._number)
            text = arguments["text"].replace("SEQ", envelope).encode()
            self._line = b"%s %08x\n" % (text, binascii.crc32(text) & 0xFFFFFFFF)
        else:
            if command == "arm":
                arguments = {"programme_crc": self._crc}
            elif command == "acknowledge":
                arguments = {"checklist": checklist.VERSION, "items": len(checklist.ITEMS)}
            self._line = request(command, arguments, self._seq, self._number)
        self._command = command
        self._tries = 0
        world.note("sent", self._seq, command, shown(arguments))
        self._send()

    def _send(self):
        self._sent_us = self._world.now_us
        self._world.cable.host_says(self._line)

    def hear(self, message):
        if self.dead:
            return
        if message.get("seq") == self._seq and "ok" in message and self._line is not None:
            self._line = None
            if self._command != "keepalive":
                self._due_us = self._world.now_us
            self._crc = message.get("programme_crc", self._crc)
            self._number = message.get("host", self._number)
            if message.get("error") == "unknown_host":
                self.first(IDENTIFY)
            self._world.note("answered", self._seq, self._command, message["ok"], message.get("error", ""))
        fault = message.get("fault")
        if fault and "state" in message and "at_ms" not in message and not self.recovering:
            self.recovering = True
            again = self._world.plan["recover"]
            if again:
                self.later([[again[0][0], "clear", {"fault": fault}]] + again[1:])


class Watcher:
    """A second program on the same port: `identify` and `status` once a second, under numbers of its own; and once, if
    the plan says so, a deed that only the session's host may do."""

    def __init__(self, world, hosts, seq, deed, deed_us):
        self._world = world
        self._hosts = hosts
        self._seq = seq
        self._command = ""
        self._number = None
        self._deed = deed
        self._deed_us = deed_us
        self._due_us = world.now_us

    def step(self):
        world = self._world
        if world.now_us < self._due_us:
            return
        self._send("identify", {})
        self._due_us = world.now_us + WATCH_US

    def _next(self):
        """What it asks when it has been told who is there."""
        world = self._world
        if not self._deed or world.now_us < self._deed_us:
            return "status", {}
        deed, self._deed = self._deed, ""
        channel = world.plan["programme"]["channels"][0]
        phase = channel.get("phases", world.plan["programme"].get("phases"))[0]
        index = channel["channel"]
        arguments = {
            "intensity": {"channel": index, "current_ua": self._hosts.asked_ua(index) + 1_000},
            "adjust": {"channel": index, "rate_mhz": phase["rate_mhz"], "width_us": max(50, phase["width_us"] - 5)},
        }
        return deed, arguments.get(deed, {})

    def _send(self, command, arguments):
        self._seq += 1
        self._command = command
        self._world.note("other_sent", self._seq, command, shown(arguments))
        self._world.cable.host_says(request(command, arguments, self._seq, self._number))

    def hear(self, message):
        if message.get("seq") != self._seq or "ok" not in message:
            return
        self._world.note("other_answered", self._seq, self._command, message["ok"], message.get("error", ""))
        self._number = message.get("host", self._number)
        if self._command == "identify":
            self._send(*self._next())


class Hosts:
    """All programs on the port; each hears what the device says."""

    def __init__(self, world):
        self._world = world
        self._received = b""
        self._look_us = 0
        self._watcher = None
        self.host = Host(world, world.plan["script"])

    def watched(self, *arguments):
        """From now on there is a second program, a Watcher."""
        self._watcher = Watcher(self._world, self, *arguments)

    def next_us(self):
        """When they look next."""
        return self._look_us

    def look(self):
        """Hear what has come, and send what is due."""
        self._look_us = self._world.now_us + HOST_US
        *lines, self._received = (self._received + self._world.cable.heard()).split(b"\n")
        for line in lines:
            try:
                message = frame.decode(line)
            except frame.BadFrame:
                continue
            self.host.hear(message)
            if self._watcher:
                self._watcher.hear(message)
        self.host.step()
        if self._watcher:
            self._watcher.step()

    def asked_ua(self, channel):
        """What the session's host has asked for last."""
        asked = [note[4] for note in self._world.notes if note[1] == "sent" and note[3] == "intensity"]
        return ([0] + [what["current_ua"] for what in asked if what["channel"] == channel])[-1]
