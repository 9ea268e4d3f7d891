"""The firmware of the witness: a second board that records what the pins of the first one do.

It shares nothing with what it judges but the table of pins of the board that is judged (boards/*/board.py).
"""
