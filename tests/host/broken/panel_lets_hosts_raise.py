# A firmware that takes a host's word for the panel's while the session is the panel's.
from nmes import link
from nmes.core.session import LOCAL

answer = link.Link._answer


def from_anybody(self, name, request, host):
    session = self._supervisor.session
    if session.owner != LOCAL or not host:
        return answer(self, name, request, host)
    guests, self.guests = self.guests, None
    session.owner = host.number
    said = answer(self, name, request, host)
    self.guests = guests
    if session.owner is not None:
        session.owner = LOCAL
    return said


link.Link._answer = from_anybody
