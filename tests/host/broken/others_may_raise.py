# A firmware that takes what any program asks for its owner's word.
from nmes import link

answer = link.Link._answer


def from_anybody(self, *asked):
    session, host = self._supervisor.session, asked[-1]
    owner = getattr(session, "owner", None)
    if owner is not None and host:
        session.owner = host.number
    said = answer(self, *asked)
    if owner is not None and session.owner is not None:
        session.owner = owner
    return said


link.Link._answer = from_anybody
