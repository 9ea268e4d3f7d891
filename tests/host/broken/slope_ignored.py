# A firmware that takes any step of the intensity, as soon as it likes.
from nmes.core import session

session.STEP_MAX_UA = 1_000_000
session.STEP_EVERY_MS = 0
