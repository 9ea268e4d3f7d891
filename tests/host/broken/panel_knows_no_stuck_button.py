# A panel that minds no button that is pressed for ever.
from nmes.core import buttons

buttons.STUCK_MS = buttons.STUCK_START_MS = 1_000_000_000
