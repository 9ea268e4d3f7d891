"""The device at the other end of a port: finding it, flashing it, speaking with it, and what it keeps."""
