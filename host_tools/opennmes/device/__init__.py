"""Who is on the other end: flashing, keeping in step, speaking."""
