"""What the host tools talk through: a serial port, or something that behaves like one."""
