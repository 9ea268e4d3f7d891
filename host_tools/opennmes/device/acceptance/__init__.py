"""The acceptance list: what a board has to do on real pins, seen by a witness, from the wires to the report."""
