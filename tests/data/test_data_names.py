"""Names: golden examples of every year (methods/data.md section 1), round trips, and any text at all."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asdbook.data import names
from asdbook.data.names import ClipName, attributes_of, attributes_text, parse
from asdbook.errors import BadInput

# name -> section, id, domain, split, label, index, attributes, style
GOLDEN: dict[str, tuple[object, ...]] = {
    "normal_id_00_00000000.wav": (None, "00", None, None, "normal", 0, None, "2020"),
    "anomaly_id_06_00000360.wav": (None, "06", None, None, "anomaly", 360, None, "2020"),
    "id_01_00000000.wav": (None, "01", None, None, None, 0, None, "2020"),
    "section_00_source_train_normal_0000_strength_1_ambient.wav": (
        *("00", None, "source", "train", "normal", 0, "strength_1_ambient", "2022"),
    ),
    "section_02_target_train_normal_0002_A1Spd6Mic1.wav": (
        *("02", None, "target", "train", "normal", 2, "A1Spd6Mic1", "2022"),
    ),
    "section_00_source_test_normal_0000.wav": ("00", None, "source", "test", "normal", 0, None, "2021"),
    "section_01_target_test_anomaly_0099.wav": ("01", None, "target", "test", "anomaly", 99, None, "2021"),
    "section_03_source_test_0000.wav": ("03", None, "source", "test", None, 0, None, "2021"),
    "section_05_source_train_normal_0989_car_B1_spd_28V_mic_1_noise_1.wav": (
        *("05", None, "source", "train", "normal", 989, "car_B1_spd_28V_mic_1_noise_1", "2022"),
    ),
    "section_00_target_test_anomaly_0049_m-n_Z.wav": (
        *("00", None, "target", "test", "anomaly", 49, "m-n_Z", "2022"),
    ),
    "section_00_0000.wav": ("00", None, None, None, None, 0, None, "2022"),
    "section_00_0200.wav": ("00", None, None, None, None, 200, None, "2022"),
    "section_00_test_0000.wav": ("00", None, None, "test", None, 0, None, "2022"),
    "section_00_source_train_normal_0990_noAttribute.wav": (
        *("00", None, "source", "train", "normal", 990, "noAttribute", "2022"),
    ),
    "section_00_source_train_normal_0000_.wav": ("00", None, "source", "train", "normal", 0, "", "2022"),
    "section_00_source_test_anomaly_0001_ac_0.03_.wav": (
        *("00", None, "source", "test", "anomaly", 1, "ac_0.03_", "2022"),
    ),
    # RoboticArm of 2024 lacks the split
    "section_00_source_normal_0035_weight15_BckgF.wav": (
        *("00", None, "source", None, "normal", 35, "weight15_BckgF", "2022"),
    ),
    "section_00_source_train_normal_2012_mic_1_mic_pos_2_grind_3_bkg_A.wav": (
        *("00", None, "source", "train", "normal", 2012, "mic_1_mic_pos_2_grind_3_bkg_A", "2022"),
    ),
    "section_00_machine_0001_.wav": ("00", None, None, "supplemental", None, 1, "", "2022"),
    "section_00_noise_0100_.wav": ("00", None, None, "supplemental", None, 100, "", "2022"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_names(name: str) -> None:
    assert parse(name) == ClipName(*GOLDEN[name])  # type: ignore[arg-type]
    assert parse(f"dev_data/raw/fan/train/{name}") == parse(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".wav",
        "clip.wav",
        "normal_id_0_00000000.wav",
        "normal_id_00_0000.wav",
        "normal_id_00_00000000.flac",
        "normal_id_00_00000000.wav.part",
        "broken_id_00_00000000.wav",
        "section_0_source_train_normal_0000_x.wav",
        "section_00_middle_train_normal_0000_x.wav",
        "section_00_source_valid_normal_0000_x.wav",
        "section_00_source_train_0000_x.wav",
        "section_00_source_train_normal_zero_x.wav",
        "section_00_source_train_normal_0000x.wav",
        "section_00_0000_x.wav",
        "section_00_source_train_normal_٣٣٣٣_x.wav",  # digits that int() would take
        "section_00_source_train_normal_0000_x\n.wav",
        "section_00_" + "1" * 5000 + ".wav",  # more digits than int() takes
    ],
)
def test_names_outside_the_grammar(name: str) -> None:
    with pytest.raises(BadInput, match="outside the official grammar: expected such as") as caught:
        parse(name)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400


@given(st.text())
@example("section_00_source_train_normal_0000_.wav\n")
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for name in (text, f"section_00_source_train_normal_0000_{text}.wav", f"section_{text}.wav", f"id_{text}.wav"):
        try:
            found = parse(name)
        except BadInput as error:
            assert len(str(error).splitlines()) == 1
        else:
            assert isinstance(found.index, int)


@given(st.text() | st.none(), st.booleans())
def test_any_text_has_attributes(text: str | None, free_form: bool) -> None:
    found = attributes_of(text, free_form)
    assert all(isinstance(key, str) and key and value for key, value in found.items())
    if free_form:
        assert set(found) <= {names.FREE_KEY}


two_digits = st.integers(0, 99).map("{:02d}".format)
domains = st.sampled_from(names.DOMAINS)
splits = st.sampled_from(names.SPLITS)
labels = st.sampled_from(names.LABELS)
attribute_texts = st.text(st.characters(exclude_characters="/\\\x00\r\n", exclude_categories=["Cs"]), max_size=40)


@given(labels, two_digits, st.integers(0, 10**8 - 1))
def test_round_trip_2020(label: str, id: str, index: int) -> None:
    assert parse(names.name_2020(label, id, index)) == ClipName(
        None, id, None, None, label, index, None, "2020"
    )
    assert parse(names.hidden_name_2020(id, index)) == ClipName(None, id, None, None, None, index, None, "2020")


@given(two_digits, domains, splits, labels, st.integers(0, 10**12 - 1), attribute_texts)
def test_round_trip_2021(section: str, domain: str, split: str, label: str, index: int, text: str) -> None:
    test = split == "test"
    name = names.name_2021(section, domain, split, label, index, "" if test else text)
    style = "2021" if test else "2022"
    attributes = None if test else text
    assert parse(name) == ClipName(section, None, domain, split, label, index, attributes, style)
    hidden = parse(names.hidden_name_2021(section, domain, index))
    assert hidden == ClipName(section, None, domain, "test", None, index, None, "2021")


@given(two_digits, domains, splits, labels, st.integers(0, 10**12 - 1), attribute_texts)
@example("00", "source", "train", "normal", 0, "noAttribute")
@example("00", "source", "test", "anomaly", 7, "")
def test_round_trip_2022_on(section: str, domain: str, split: str, label: str, index: int, text: str) -> None:
    name = names.name_2023(section, domain, split, label, index, text)
    assert parse(name) == ClipName(section, None, domain, split, label, index, text, "2022")
    hidden = parse(names.hidden_name_2023(section, index))
    assert hidden == ClipName(section, None, None, None, None, index, None, "2022")


def test_numbers_have_the_official_width() -> None:
    assert names.name_2020("anomaly", "02", 7) == "anomaly_id_02_00000007.wav"
    built = names.name_2023("00", "target", "train", "normal", 12, {"car": "B1", "spd": "31V", "mic": 1})
    assert built == "section_00_target_train_normal_0012_car_B1_spd_31V_mic_1.wav"
    assert names.name_2023("00", "source", "test", "normal", 0).endswith("_0000_noAttribute.wav")
    assert names.name_2021("01", "source", "test", "normal", 3) == "section_01_source_test_normal_0003.wav"


@pytest.mark.parametrize(
    "build",
    [
        lambda: names.name_2020("broken", "00", 0),
        lambda: names.name_2020("normal", "0", 0),
        lambda: names.name_2020("normal", "00", 10**8),
        lambda: names.name_2020("normal", "00", -1),
        lambda: names.name_2021("00", "source", "test", "normal", 0, "n_A"),
        lambda: names.name_2023("00", "middle", "train", "normal", 0),
        lambda: names.name_2023("00", "source", "valid", "normal", 0),
        lambda: names.name_2023("00", "source", "train", "normal", 0, "../../x"),
        lambda: names.name_2023("00", "source", "train", "normal", 0, {"a": "b\nc"}),
    ],
)
def test_builders_refuse_what_the_grammar_cannot_hold(build) -> None:
    with pytest.raises(BadInput):
        build()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("car_B1_spd_31V_mic_1", {"car": "B1", "spd": "31V", "mic": "1"}),
        ("pro_A_vel_4_loc_D", {"pro": "A", "vel": "4", "loc": "D"}),
        ("m-n_W", {"m-n": "W"}),
        ("ac_0.03", {"ac": "0.03"}),
        ("ac_0.03_", {"ac": "0.03"}),
        ("v1pat_A_v2pat_none", {"v1pat": "A", "v2pat": "none"}),
        ("grindstone_1_plate_3", {"grindstone": "1", "plate": "3"}),
        ("weight15_BckgF", {"weight": "15", "Bckg": "F"}),
        ("weight_15_Bckg_F", {"weight": "15", "Bckg": "F"}),
        ("spd1000_BckgA", {"spd": "1000", "Bckg": "A"}),
        ("mic_1_mic_pos_2_grind_3_bkg_A", {"mic": "1", "mic_pos": "2", "grind": "3", "bkg": "A"}),
        ("pro_A_wt_50_damage1", {"pro": "A", "wt": "50_damage1"}),  # leaks the label: never a feature
        ("car_A1_M_mic_1", {"car": "A1_M", "mic": "1"}),
        ("load_3_temp_-4.5", {"load": "3", "temp": "-4.5"}),
        ("noAttribute", {}),
        ("", {}),
        (None, {}),
        # 2021: free-form, one label
        ("0_g_25_mm_2000_mV_none", {"attribute": "0_g_25_mm_2000_mV_none"}),
        ("strength_1_ambient", {"attribute": "strength_1_ambient"}),
        ("A1Spd6Mic1", {"attribute": "A1Spd6Mic1"}),
        ("n_A_n_B", {"attribute": "n_A_n_B"}),  # one key twice is no list of pairs
    ],
)
def test_attributes(text: str | None, expected: dict[str, str]) -> None:
    found = attributes_of(text)
    assert found == expected
    assert list(found) == list(expected)


def test_attributes_of_2021_stay_one_label() -> None:
    assert attributes_of("pat_00", free_form=True) == {"attribute": "pat_00"}


keys = st.from_regex(r"[a-z][a-z-]{0,6}", fullmatch=True).filter(lambda k: k not in ("weight", "spd"))
# a value that is itself an official key ("n") reads as one where a value may hold an underscore
values = st.from_regex(r"[A-Za-z0-9.-]{1,5}", fullmatch=True).filter(lambda v: v not in names._KEYS)


@given(st.dictionaries(keys, values, min_size=1, max_size=4))
def test_attribute_pairs_round_trip(pairs: dict[str, str]) -> None:
    # "mic_pos" is an official key of two words, so "mic: pos" cannot be written
    if "mic" not in pairs:
        assert attributes_of(attributes_text(pairs)) == pairs


def test_names_need_the_standard_library_alone() -> None:
    code = (
        "import sys, asdbook.data.names, asdbook.data.years, asdbook.data\n"
        "print([m for m in ('torch', 'pandas', 'numpy', 'scipy', 'soundfile') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
