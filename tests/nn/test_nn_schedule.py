"""Noise schedules: printed values, indices from 1, respacing."""

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from asdbook.errors import BadInput, UnknownName
from asdbook.nn.diffusion import SCHEDULES, Schedule

STEPS = (50, 100, 200, 300, 500)
# abar at STEPS for T = 500, as printed in the methods notes.
PRINTED = {
    "linear": ("0.9475", "0.8125", "0.44228", "0.1611", "0.006353"),
    "linear-rescaled": ("0.8978", "0.6597", "0.1948", "0.02556", "3.8e-05"),
    "linear-short": ("0.9711", "0.8974", "0.6601", "0.3979", "0.0794"),
    "cosine": ("0.9721", "0.8987", "0.6475", "0.3408", "9.7e-09"),
}
FIRST_NOISIER_THAN_SIGNAL = {"linear": 185, "linear-rescaled": 130, "linear-short": 260, "cosine": 249}


def printed_like(value: float, printed: str) -> str:
    digits = len(printed.split("e")[0].replace(".", "").lstrip("0"))
    return f"{float(f'{value:.{digits - 1}e}'):g}"


@pytest.mark.parametrize("kind", SCHEDULES)
def test_values_are_the_printed_ones(kind):
    schedule = Schedule.build(500, kind)
    assert [printed_like(float(schedule.abar[t]), p) for t, p in zip(STEPS, PRINTED[kind])] == [
        f"{float(p):g}" for p in PRINTED[kind]
    ]
    snr = schedule.abar / (1 - schedule.abar)
    assert int((snr < 1).nonzero()[0]) == FIRST_NOISIER_THAN_SIGNAL[kind]


def test_linear_is_exact_and_the_default():
    schedule = Schedule.build()
    assert (schedule.kind, schedule.steps) == ("linear", 500)
    assert float(schedule.abar[200]) == pytest.approx(0.442284884870158, rel=1e-14)
    assert float(schedule.abar[500]) == pytest.approx(0.0063527107970150608, rel=1e-12)
    assert float(schedule.beta[1]) == pytest.approx(1e-4) and float(schedule.beta[500]) == pytest.approx(0.02)
    assert float(Schedule.build(200).abar[200]) == pytest.approx(0.1322, abs=5e-5)


def test_rescaled_steps_grow_as_they_get_fewer():
    for steps in (250, 1000):
        beta = Schedule.build(steps, "linear-rescaled").beta
        assert float(beta[1]) == pytest.approx(0.1 / steps) and float(beta[-1]) == pytest.approx(20 / steps)


def test_tables_are_the_product_counted_from_one():
    schedule, abar = Schedule.build(30, "cosine"), 1.0
    assert schedule.abar.dtype == schedule.beta.dtype == torch.float64
    assert schedule.beta[0] == 0 and schedule.abar[0] == 1
    for t in range(1, 31):
        abar *= 1 - float(schedule.beta[t])
        assert float(schedule.abar[t]) == pytest.approx(abar, rel=1e-12)
        assert float(schedule.alpha[t]) == 1 - float(schedule.beta[t])
    assert torch.equal(schedule.told, torch.arange(31))


@given(st.integers(1, 1200), st.sampled_from(sorted(SCHEDULES)))
@example(1, "linear-rescaled")
@example(1, "cosine")
def test_every_schedule_loses_signal_step_by_step(steps, kind):
    schedule = Schedule.build(steps, kind)
    assert len(schedule.abar) == len(schedule.beta) == steps + 1
    assert bool((schedule.abar.diff() < 0).all()) and float(schedule.abar[-1]) > 0
    assert float(schedule.beta.max()) <= 0.999


@given(st.data())
def test_respaced_keeps_noise_levels_and_what_the_denoiser_is_told(data):
    last = data.draw(st.integers(1, 600))
    steps = data.draw(st.integers(1, last))
    schedule = Schedule.build(last, "linear-short")
    fewer = schedule.respaced(steps)
    assert fewer.steps == steps and int(fewer.told[-1]) == last and int(fewer.told[0]) == 0
    assert bool((fewer.told.diff() > 0).all())
    assert steps == 1 or int(fewer.told[1]) == 1
    assert torch.equal(fewer.abar, schedule.abar[fewer.told])
    torch.testing.assert_close(fewer.alpha.cumprod(0), fewer.abar, rtol=1e-10, atol=0)
    if steps > 1:
        even = 1 + (last - 1) / (steps - 1) * torch.arange(steps).double()
        assert float((fewer.told[1:] - even).abs().max()) <= 0.5 + 1e-9


def test_all_steps_respaced_is_the_schedule():
    schedule = Schedule.build(60)
    torch.testing.assert_close(schedule.respaced(60).beta, schedule.beta, rtol=1e-9, atol=0)


def test_bad_input_is_refused():
    with pytest.raises(UnknownName, match="did you mean 'cosine'"):
        Schedule.build(500, "cosin")
    for steps in (0, -3):
        with pytest.raises(BadInput, match="at least 1"):
            Schedule.build(steps)
    for steps in (0, 11):
        with pytest.raises(BadInput, match=f"diffusion step {steps}: this schedule has the steps 1 to 10"):
            Schedule.build(10).respaced(steps)
