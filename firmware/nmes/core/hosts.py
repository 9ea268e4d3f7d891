"""The hosts that a device remembers: by a number that it gave them, each with the last request that it took of them."""

from nmes.core import frame

HOSTS_MOST = 4


class Host:
    """One host. `seq` is the highest number that it has used."""

    def __init__(self, number, seq):
        self.number = number
        self.seq = seq
        self._seal = None
        self._answer = b""

    def answered(self, seal, answer):
        """`answer` is what the line with the CRC-32 `seal` got, should it come again."""
        self._seal = seal
        self._answer = answer

    def answer_again(self, seal):
        """What this very line got, when it was the last of those; else None."""
        return self._answer if seal == self._seal else None


class Hosts:
    """The last HOSTS_MOST of them."""

    def __init__(self):
        self._known = []  # who was heard longest ago comes first
        self._count = 0

    def identify(self, random, seq, kept):
        """A new host that has used the number `seq`. `random` is a whole number that nobody can foresee. Those whose
        numbers are in `kept` are never forgotten for it."""
        if len(self._known) >= HOSTS_MOST:
            for host in self._known:
                if host.number not in kept:
                    self._known.remove(host)
                    break
        # With the count in it even a source that says the same each time never makes a number twice.
        number = None
        while not number or self._of(number):
            self._count += 1
            number = (random ^ self._count) & frame.HOST_MAX
        self._known.append(Host(number, seq))
        return number

    def find(self, number):
        """The host with this number, or None: whatever `number` is."""
        host = self._of(number)
        if host:
            self._known.remove(host)
            self._known.append(host)
        return host

    def _of(self, number):
        if type(number) is not int:  # True and 1.0 are equal to 1
            return None
        for host in self._known:
            if host.number == number:
                return host
        return None
