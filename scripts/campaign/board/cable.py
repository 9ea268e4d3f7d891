"""The cable between the board and its hosts, and what happens to the bytes on it."""

from nmes.core import frame
from nmes.hal import virtual


class Cable:
    """Carries lines either way, damages the next one if it is told to, and notes what the device says."""

    def __init__(self, world):
        self._world = world
        self._to_device = b""
        self._taken = 0  # of it
        self._to_host = b""
        self._late = None  # a line that waits to be overtaken
        self._damage = []  # (direction, what, how many, at)
        self._pulled = False
        self._before_death = 0  # bytes on the line when its host died, that the device has not read yet
        self.echo = b""  # what a newline comes back as, where the port echoes

    # ---- what a fault does to it ----

    def damage(self, towards, kind, count, bit):
        """The next line towards "device" or "host" suffers this."""
        self._damage.append([towards, kind, count, bit])

    def pull(self):
        """Nothing goes through any more."""
        self._pulled = True
        self.abandon()

    def abandon(self):
        """Nobody sends any more: what is on its way still comes, and its end is noted."""
        self._before_death = len(self._to_device) - self._taken

    def forget(self):
        """The board is down: what was on its way to it is gone."""
        self._to_device = b""
        self._taken = 0
        self._late = None

    # ---- what goes through ----

    def host_says(self, line):
        sent = self._damaged("device", line)
        if self.echo:
            sent = (sent + sent).replace(b"\n", self.echo)
        self._to_device = self._to_device[self._taken :] + sent
        self._taken = 0
        if self._late:
            self._late[1] -= 1
            if not self._late[1]:
                self._to_device += self._late[0]
                self._late = None

    def device_says(self, line):
        note = self._world.note
        message = frame.decode(line)
        if "state" in message and "at_ms" not in message:  # the record of a fault tells of another time
            note("said", message["state"], message.get("fault", 0), message.get("ended", ""))
        if "largest_current_ua" in message:
            note("accepted", message["largest_current_ua"])
        if message.get("board"):
            note("identity", message["board"], message["uid"])
        if self.echo and not self._pulled:
            self._to_device += line.replace(b"\n", self.echo)
        self._to_host += self._damaged("host", line)

    def device_reads(self, into):
        """What has come for the device, as a HAL's `read` gives it. Notes when it was the last of a host that died."""
        count = virtual.read_until_end(self._to_device, self._taken, into)
        self._taken += count
        if self._before_death:
            self._before_death = max(0, self._before_death - count)
            if not self._before_death:
                self._world.note("drained")
        return count

    def heard(self):
        """What has come for the hosts since they were last asked."""
        taken, self._to_host = self._to_host, b""
        return taken

    def _damaged(self, towards, line):
        if self._pulled:
            return b""
        for damage in self._damage:
            if damage[0] != towards or not line:
                continue
            self._damage.remove(damage)
            _, kind, count, bit = damage
            at = bit * 7 % len(line)
            end = min(len(line), at + count)
            if kind == "link_lost":
                line = line[:at] + line[end:]
            elif kind == "link_doubled":
                line = line[:end] + line[at:end] + line[end:] if count < 200 else line + line
            elif kind == "link_flipped":
                flipped = bytearray(line)
                for i in range(at, end):
                    flipped[i] ^= 1 << bit % 8
                line = bytes(flipped)
            elif kind == "link_reordered":
                line = line[:at] + bytes(reversed(line[at:end])) + line[end:]
            elif kind == "link_overtaken":
                self._late = [line, 3]
                self._world.note("held", line.decode())
                line = b""
            break
        return line
