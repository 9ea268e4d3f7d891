# A firmware that was given the facts of another stage, half as strong: what a file on its file system once did.
from stages import reference

reference.STAGE = dict(reference.STAGE, full_scale_ua=50_000, sense_ua_per_count=27)
