"""What hypothesis makes of a phase, for the references that have to try the same."""

from hypothesis import strategies as st

# The fields of a phase whose rate and width change.
changes = st.builds(
    lambda change, rate, width, ms: {"change": change, "rate_to_mhz": rate, "width_to_us": width, "change_ms": ms},
    st.sampled_from(["sweep", "alternate"]),
    st.one_of(st.just(0), st.integers(1_000, 150_000)),
    st.integers(50, 500),
    st.integers(100, 2_000),
)
