# A firmware that delivers a level more than was set.
from nmes.core import session

set_level = session.Session.set_level


def one_more(self, lane, level, ratio):
    set_level(self, lane, level + 1 if level else 0, ratio)
    lane.level = level


session.Session.set_level = one_more
