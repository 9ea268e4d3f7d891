# A firmware that takes what any program asks for its owner's word.
from nmes import link

answer = link.Link._answer


def from_anybody(self, name, request, host):
    session = self._supervisor.session
    owner = session.owner
    if owner is not None and host:
        session.owner = host.number
    said = answer(self, name, request, host)
    if owner is not None and session.owner is not None:
        session.owner = owner
    return said


link.Link._answer = from_anybody
