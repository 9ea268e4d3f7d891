"""OpenNMES: the firmware of a neuromuscular electrical stimulator. A research instrument, not a medical device."""

VERSION = "0.1.0"
