# A trigger that one look at the input is enough for.
from nmes.core import biofeedback

biofeedback.SAMPLES = 1
