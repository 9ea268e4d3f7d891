# A firmware that delivers a level more than was set.
from nmes.core import session

next_level = session.Session.next_level


def one_more(self, now_ms, lane=None):
    level = next_level(self, now_ms, lane)
    return level + 1 if level else 0


session.Session.next_level = one_more
