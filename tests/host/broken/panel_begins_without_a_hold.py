# A panel that begins at a press, however short.
from nmes.core import dialogue

dialogue.HOLD_MS = 1
