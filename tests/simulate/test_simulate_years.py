"""What the three built-in sets have that the others have not: IDs, hidden attributes, additional machines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from asdbook.data.names import parse
from asdbook.simulate import PRESETS, Spec, describe, generate, plan, render
from asdbook.simulate.copies import Tolerance
from asdbook.simulate.layouts_2024 import ADDITIONAL_2024
from asdbook.simulate.seeds import stream

OLD = Spec("synthetic-2020", 100, "smoke")
HIDDEN = Spec("synthetic-2024", 100, "smoke")
EVERY = [(preset, machine) for preset in PRESETS for machine in PRESETS[preset].machines]
VISIBLE_2024 = ("ToyCar", "bearing", "fan", "valve")


# --- 2020 -------------------------------------------------------------------------------------------------


def test_2020_has_its_ids_and_no_domains() -> None:
    ids = {machine: OLD.parts(machine) for machine in OLD.names}
    assert sum(map(len, ids.values())) == 23
    assert ids["fan"] == ("00", "02", "04", "06") and ids["ToyCar"] == ("01", "02", "03", "04")
    assert ids["ToyConveyor"] == ("01", "02", "03")
    for block in generate(replace(OLD, machines=("pump",)), workers=1):
        for name, truth in zip(block.names, block.truth):
            clip = parse(name)
            assert (clip.id, clip.domain, clip.label, clip.attributes) == (block.part, None, block.label, None)
            assert name.split("/")[:2] == ["pump", block.split]
            assert truth["attributes"] == {} and truth["part"] == truth["individual"] == block.part


def test_2020_quick_has_100_training_clips_and_50_of_each_label_an_id() -> None:
    blocks = plan(Spec("synthetic-2020", profile="quick", machines=("valve",)))
    count: dict[tuple[str, str, str], int] = {}
    for block in blocks:
        key = (block.role, block.part, block.label)
        count[key] = count.get(key, 0) + block.count
    for part in ("00", "02", "04", "06"):
        assert [count[r, part, label] for r, label in (("train", "normal"), ("test", "normal"), ("test", "anomaly"))] \
            == [100, 50, 50]  # fmt: skip


@pytest.mark.parametrize("machine", PRESETS["synthetic-2020"].machines)
def test_muted_machines_of_2020_keep_their_id_to_themselves(machine: str) -> None:
    """The noise of a clip is that of the same site and microphone, whatever the ID."""
    a, b, *_ = OLD.parts(machine)
    spectra = []
    for part in (a, b):
        block = render(replace(OLD, mute=True), machine, "audit", part, "normal", 40)
        x = block.audio / 10 ** (np.array([t["gain_db"] for t in block.truth])[:, None] / 20)
        x = x * np.sqrt(1 + 10 ** (np.array([t["snr_db"] for t in block.truth])[:, None] / 10))
        power = np.abs(np.fft.rfft(x[:, :15_872].reshape(-1, 512) * np.hanning(512))) ** 2
        spectra.append(10 * np.log10(power.reshape(40, -1, 257).mean(axis=1)[:, 2:240]))
    difference = spectra[0].mean(axis=0) - spectra[1].mean(axis=0)
    error = np.sqrt(sum(s.var(axis=0) / len(s) for s in spectra))
    assert np.sqrt(np.mean((difference / error) ** 2)) < 2.2  # 1 on average; neighbouring bins move together


def test_premise_ids_makes_all_copies_alike_and_nothing_else() -> None:
    alike = replace(OLD, premise_off=("ids",))
    plain, off = (render(s, "fan", "train", "02", "normal") for s in (OLD, alike))
    assert plain.names == off.names and not np.array_equal(plain.audio, off.audio)
    for field in ("snr_db", "gain_db", "heard", "noise"):
        assert [t[field] for t in plain.truth] == [t[field] for t in off.truth]
    quiet = [render(replace(s, mute=True), "fan", "train", "02", "normal").audio for s in (OLD, alike)]
    assert np.array_equal(*quiet)
    design = PRESETS["synthetic-2020"].machines["fan"].design
    one, other = (design(stream("design"), Tolerance(stream("copy", k), 0.0)) for k in (1, 2))
    assert repr(one) == repr(other)


# --- 2024 -------------------------------------------------------------------------------------------------


def test_2024_hides_attributes_of_three_machines_and_of_the_additional_ones() -> None:
    hidden = {m for m, fact in describe("synthetic-2024").items() if fact["hidden"]}
    assert hidden == {"ToyTrain", "gearbox", "slider", *ADDITIONAL_2024}
    for machine in HIDDEN.names:
        block = render(HIDDEN, machine, "train", "source", "normal")
        shown = {parse(name).attributes for name in block.names}
        assert (shown == {"noAttribute"}) == (machine in hidden)
        assert all(len(t["heard"]) >= 1 and bool(t["attributes"]) == (machine in VISIBLE_2024) for t in block.truth)


def test_additional_machines_have_training_clips_alone() -> None:
    roles = {m: {b.role for b in plan(HIDDEN) if b.machine == m} for m in HIDDEN.names}
    assert [m for m, r in roles.items() if r == {"train"}] == list(ADDITIONAL_2024)
    assert {m for m, fact in describe("synthetic-2024").items() if fact["train_only"]} == set(ADDITIONAL_2024)


def test_2024_is_drawn_anew() -> None:
    old, new = (render(Spec(p, 100, "smoke"), "fan", "train", "source", "normal").audio for p in PRESETS if "20" in p
                and p != "synthetic-2020")  # fmt: skip
    c = np.corrcoef(np.concatenate([old, new]).astype(float))
    assert np.abs(c[: len(old), len(old) :]).max() < 0.5


def test_two_valves_sound_in_the_target_and_one_in_the_source() -> None:
    layout = PRESETS["synthetic-2024"].machines["valve"].layout
    assert all(layout.meaning(v, "source").also is None for v in layout.combinations("source"))
    both = [layout.meaning(v, "target") for v in layout.combinations("target")]
    assert all(p.also is not None and {p.individual, p.also.individual} == {"v1pat", "v2pat"} for p in both)
    from asdbook.simulate.clips import Where, machine_sound
    from asdbook.simulate.take import Take, rendered_length

    n = rendered_length(16_000)
    where = Where("synthetic-2024", 100, "valve")

    def streams(purpose: str) -> np.random.Generator:
        return stream("two valves", purpose)

    together = machine_sound(where, Take(n, n - 16_000, both[0], streams))
    first = machine_sound(where, Take(n, n - 16_000, replace(both[0], also=None), streams))
    second = machine_sound(where, Take(n, n - 16_000, both[0].also, lambda p: streams(f"beside {p}")))
    assert np.allclose(together, first + second, atol=1e-5)
    assert np.sqrt(np.mean(second**2)) > 0.2 * np.sqrt(np.mean(first**2))


# --- all --------------------------------------------------------------------------------------------------


def test_premise_text_changes_words_and_no_sound() -> None:
    for preset in PRESETS:
        spec = Spec(preset, 100, "smoke")
        words: dict[bool, set[tuple[str, ...]]] = {True: set(), False: set()}
        for machine in spec.names:
            plain, off = (
                render(s, machine, "train", spec.parts(machine)[0], "normal", 2)
                for s in (spec, replace(spec, premise_off=("text",)))
            )
            assert np.array_equal(plain.audio, off.audio)
            words[False].add(tuple(plain.truth[0]["noise"]))
            words[True].add(tuple(off.truth[0]["noise"]))
        assert words[True] != words[False]


@pytest.mark.parametrize(("preset", "machine"), EVERY)
def test_every_machine_renders_whole_clips_and_bit_equal_twins(preset: str, machine: str) -> None:
    spec = Spec(preset, 100, "smoke")
    for part in spec.parts(machine)[:2]:
        count = len(spec.faults_of(machine))
        loud = render(replace(spec, severity=1.0), machine, "audit", part, "anomaly", count)
        quiet = render(replace(spec, severity=0.0), machine, "audit", part, "anomaly", count)
        assert {t["fault"] for t in loud.truth} == set(spec.faults_of(machine))
        for fault in spec.faults_of(machine):
            other = replace(spec, severity=0.0, faults=(fault,), machines=(machine,))
            assert np.array_equal(render(other, machine, "audit", part, "anomaly", count).audio, quiet.audio)
        for one, twin, truth in zip(loud.audio, quiet.audio, loud.truth):
            assert np.abs(one.astype(int)).max() < 32_767, truth["fault"]
            assert np.sqrt(np.mean((one.astype(float) - twin) ** 2)) > 5, truth["fault"]  # audible: -76 dBFS


def test_every_operating_point_enters_the_reference_level() -> None:
    from asdbook.simulate.clips import Where, reference

    where = Where("synthetic-2024", 110, "BrushlessMotor")
    layout = ADDITIONAL_2024["BrushlessMotor"]
    points = [tuple(v.items()) for v in layout.combinations("source") if v["Bckg"] == "A"]
    each = np.array([reference(where, "00", values) for values in points])
    assert reference(where, "00") == pytest.approx(np.sqrt(np.mean(each**2)), rel=0.1)


def test_copies_that_are_alike_have_one_reference_level() -> None:
    from asdbook.simulate.clips import Where, reference

    for spread, count in ((0.0, 1), (1.0, 4)):
        where = Where("synthetic-2020", 110, "fan", spread)
        assert len({reference(where, part) for part in OLD.parts("fan")}) == count


@pytest.mark.parametrize("machine", ["ToyTrain", "valve", "slider"])
def test_premise_shift_lets_the_target_hear_all_that_the_source_hears(machine: str) -> None:
    from asdbook.simulate.assign import lots

    spec = Spec("synthetic-2024", 110, "quick", premise_off=("shift",))
    source = [tuple(v.values()) for v in spec.machine(machine).layout.combinations("source")]
    heard = [tuple(lot.values.values()) for lot in lots(spec, machine, "test", "target", "normal", 50)]
    count = [heard.count(values) for values in source]
    assert max(count) - min(count) <= 1
    anomalous = [tuple(lot.values.values()) for lot in lots(spec, machine, "test", "target", "anomaly", 50)]
    assert heard == anomalous
