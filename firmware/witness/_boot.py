# Frozen in place of the port's own, which would make a file system: the witness keeps nothing, and only what is frozen
# runs.
import sys

sys.path[:] = [".frozen"]
