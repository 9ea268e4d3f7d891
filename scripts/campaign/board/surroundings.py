"""What is around the chip: the loads, the stage with its sense, the emergency stop. It stays when the power goes."""

from nmes.hal import virtual

ADC_MOST = 4_095
NOISE = 3  # counts: 0, 1 or 2 less than one
# The stage that is really there, whatever the firmware takes it for.
REAL = {
    "measures": True,
    "full_scale_ua": 100_000,
    "levels": 1_000,
    "compliance_mv": 80_000,
    "sense_zero": 2_048,
    "sense_ua_per_count": 55,
    "sense_mv_per_count": 45,
}


class Load(virtual.Load):
    """The load, and what the stage and its sense make of it."""

    def __init__(self, world, ohm):
        super().__init__(REAL, ohm)
        self._world = world
        self._zero = REAL["sense_zero"]
        self._die = 1
        self.strong = 1_000  # delivered, per 1000 of what was set
        self.weak_b = 1_000
        self.stuck = None  # what the ADC says of every current
        self.drift = None  # (since us, counts a second)
        self.rest = 0  # counts, between pulses
        self.real = [0, 0]

    @property
    def ohm(self):
        return self._ohm

    @ohm.setter
    def ohm(self, ohm):
        self._ohm = ohm

    @property
    def zero(self):  # of the record's last field: the current between the pulses
        return self._read(self._zero + self.rest)

    @zero.setter
    def zero(self, counts):
        pass

    def _read(self, counts):
        if self.stuck is not None:
            return self.stuck
        if self.drift:
            counts += (self._world.now_us - self.drift[0]) * self.drift[1] // 1_000_000
        self._die = (self._die * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        return max(0, min(ADC_MOST, counts + (self._die >> 8) % NOISE - 1))

    def sense(self, level, sign, seen, current, voltage):
        stage = self._stage
        set_ua = stage["full_scale_ua"] * level // stage["levels"] * self.strong // 1_000
        if sign < 0:
            set_ua = set_ua * self.weak_b // 1_000
        uv = min(set_ua * self._ohm, 1_000 * stage["compliance_mv"])
        is_ua = min(set_ua, uv // self._ohm) if self._ohm else set_ua
        self.real[0 if sign > 0 else 1] = is_ua
        seen[current] = self._read(self._zero + sign * round(is_ua / stage["sense_ua_per_count"]))
        seen[voltage] = self._zero + sign * round(uv / 1_000 / stage["sense_mv_per_count"])


class Pins:
    """Stands where the virtual board's pulse log does."""

    def __init__(self, world):
        self._world = world

    def write(self, row):
        start, width_a, gap, width_b, level_a, level_b, channel = [int(field) for field in row.split(",")]
        real = self._world.hal.channels[channel]._load.real
        self._world.pulses.append((start, width_a, gap, width_b, real[0], real[1], channel, level_a, level_b))

    def flush(self):
        pass


class Surroundings:
    """What a board finds wherever it comes up: `loads` by channel, temperature in tenths of a degree, supply in mV."""

    def __init__(self):
        self.loads = []
        self.temperature = 250
        self.supply = 5_000
        self.reads_low = False  # the enable pin is read back as low
        self.safe = True
        self.opened = False  # or was since it was last forgotten: the pin's own latch

    def connect(self, world, channels):
        """Every channel of a HAL gets its load, and where its pulses are noted."""
        while len(self.loads) < len(channels):
            self.loads.append(Load(world, world.plan["load_ohm"]))
        for channel, load in zip(channels, self.loads):
            channel._load, channel._log = load, Pins(world)
