# A firmware that does not mind that nobody is there.
from nmes.core import session

session.HOST_LOST_MS = 1_000_000_000
