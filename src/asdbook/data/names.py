"""Official clip names of DCASE Task 2, 2020 to 2025 (2026 writes as 2025): parse, build, read attributes.

Grammars (methods/data.md section 1):

    2020        normal_id_00_00000000.wav
                id_01_00000000.wav                                      evaluation, label hidden
    2021        section_00_source_train_normal_0000_<attributes>.wav
                section_00_source_test_normal_0000.wav
                section_03_source_test_0000.wav                         evaluation, label hidden
    2022 on     section_00_source_train_normal_0000_<attributes>.wav    train and test
                section_00_0000.wav                                     evaluation, domain and label hidden

Standard library alone: the simulator builds its names here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from asdbook.errors import BadInput

DOMAINS = ("source", "target")
SPLITS = ("train", "test")
LABELS = ("normal", "anomaly")
NO_ATTRIBUTE = "noAttribute"
"""What 2024 and later write in place of attributes that are kept secret."""
FREE_KEY = "attribute"
"""Key under which `attributes_of` puts a free-form string that is no list of key_value pairs."""

YearStyle = Literal["2020", "2021", "2022"]


@dataclass(frozen=True)
class ClipName:
    """What one official file name says; None where it says nothing.

    Attributes:
        section: "00" to "05" (2021 on).
        id: machine ID such as "00" (2020).
        domain: "source" or "target" (2021 on, unless hidden).
        split: "train" or "test" where the name has it, "supplemental" for 2025's extra clips.
        label: "normal" or "anomaly", unless hidden.
        index: running number; the base is irregular (methods/data.md section 1), so use it for nothing.
        attributes: the raw string after the number: None where the name has no place for it, "" for a bare
            trailing underscore, "noAttribute" where the organisers conceal it.
        year_style: "2020", "2021" (only 2021 writes so) or "2022" (2022 on, and 2021's training).
    """

    section: str | None
    id: str | None
    domain: str | None
    split: str | None
    label: str | None
    index: int
    attributes: str | None
    year_style: YearStyle


# Digits are ASCII and at most 12: a running number has 4 or 8, and int() refuses thousands.
_INDEX = r"(?P<index>[0-9]{1,12})"
_SECTION = r"section_(?P<section>[0-9]{2})_"
_DOMAIN = r"(?P<domain>source|target)_"
_SPLIT = r"(?:(?P<split>train|test)_)"
_LABEL = r"(?P<label>normal|anomaly)_"
_ATTRIBUTES = r"(?:_(?P<attributes>.*))?"

_GRAMMARS: tuple[tuple[re.Pattern[str], YearStyle], ...] = (
    (re.compile(rf"(?:{_LABEL})?id_(?P<id>[0-9]{{2}})_(?P<index>[0-9]{{8}})\.wav"), "2020"),
    # 2021's tests have no place for attributes; with one, or in training, the name is read as 2022's.
    (re.compile(rf"{_SECTION}{_DOMAIN}(?P<split>test)_(?:{_LABEL})?{_INDEX}\.wav"), "2021"),
    # The split is optional: RoboticArm's published names of 2024 lack it.
    (re.compile(rf"{_SECTION}{_DOMAIN}{_SPLIT}?{_LABEL}{_INDEX}{_ATTRIBUTES}\.wav"), "2022"),
    # Hidden evaluation names; the README's form has "test_", the files do not.
    (re.compile(rf"{_SECTION}(?:(?P<split>test)_)?{_INDEX}\.wav"), "2022"),
)
# 2025's clean machine sound or noise alone: neither training nor test.
_SUPPLEMENTAL = re.compile(rf"{_SECTION}(?:machine|noise)_{_INDEX}{_ATTRIBUTES}\.wav")


def parse(filename: str) -> ClipName:
    """Reads an official name (a path is cut to its last part).

    Raises:
        BadInput: the name follows none of the official grammars.
    """
    base = filename.replace("\\", "/").rsplit("/", 1)[-1]
    for pattern, style in _GRAMMARS:
        match = pattern.fullmatch(base)
        if match:
            return _clip_name(match.groupdict(), style)
    match = _SUPPLEMENTAL.fullmatch(base)
    if match:
        return _clip_name({**match.groupdict(), "split": "supplemental"}, "2022")
    shown = base if len(base) <= 120 else base[:117] + "..."
    raise BadInput(
        f"file name {shown!r} is outside the official grammar: expected such as normal_id_00_00000000.wav "
        "(2020) or section_00_source_train_normal_0000_<attributes>.wav (2021 on)"
    )


def _clip_name(found: Mapping[str, str | None], style: YearStyle) -> ClipName:
    return ClipName(
        section=found.get("section"),
        id=found.get("id"),
        domain=found.get("domain"),
        split=found.get("split"),
        label=found.get("label"),
        index=int(found["index"] or 0),
        attributes=found.get("attributes"),
        year_style=style,
    )


# --- builders ---------------------------------------------------------------------------------------------


def name_2020(label: str, id: str, index: int) -> str:
    """2020 development and additional training: `normal_id_00_00000000.wav`."""
    return f"{_one_of('label', label, LABELS)}_id_{_two_digits('id', id)}_{_number(index, 8)}.wav"


def hidden_name_2020(id: str, index: int) -> str:
    """2020 evaluation: `id_01_00000000.wav` (label hidden)."""
    return f"id_{_two_digits('id', id)}_{_number(index, 8)}.wav"


def name_2021(section: str, domain: str, split: str, label: str, index: int, attributes: str = "") -> str:
    """2021: training names carry a free-form attribute string, test names none."""
    if split == "test" and attributes:
        raise BadInput(f"2021 test names have no attributes, got {attributes!r}: leave it out")
    stem = _section_stem(section, domain, split, label, index)
    return f"{stem}.wav" if split == "test" else f"{stem}_{attributes_text(attributes)}.wav"


def hidden_name_2021(section: str, domain: str, index: int) -> str:
    """2021 evaluation: `section_03_source_test_0000.wav` (domain visible, label hidden)."""
    domain = _one_of("domain", domain, DOMAINS)
    return f"section_{_two_digits('section', section)}_{domain}_test_{_number(index, 4)}.wav"


def name_2023(
    section: str,
    domain: str,
    split: str,
    label: str,
    index: int,
    attributes: str | Mapping[str, object] = NO_ATTRIBUTE,
) -> str:
    """2022 on: `section_00_source_train_normal_0000_car_B1_spd_31V_mic_1.wav`.

    Args:
        section: two digits.
        domain: "source" or "target".
        split: "train" or "test".
        label: "normal" or "anomaly".
        index: running number from 0, written with at least four digits.
        attributes: key-value pairs, or the string that the name shall carry.

    Raises:
        BadInput: a part that the grammar cannot hold.
    """
    return f"{_section_stem(section, domain, split, label, index)}_{attributes_text(attributes)}.wav"


def hidden_name_2023(section: str, index: int) -> str:
    """2022 on, evaluation: `section_00_0000.wav` (domain and label hidden)."""
    return f"section_{_two_digits('section', section)}_{_number(index, 4)}.wav"


def attributes_text(attributes: str | Mapping[str, object]) -> str:
    """`{"car": "B1", "spd": "31V"}` as `car_B1_spd_31V`; a string is checked and returned; {} is noAttribute.

    Raises:
        BadInput: a character that would break the name or leave its folder.
    """
    if not isinstance(attributes, str):
        text = "_".join(f"{key}_{value}" for key, value in attributes.items()) or NO_ATTRIBUTE
    else:
        text = attributes
    if re.search(r"[/\\\x00\r\n]", text):
        raise BadInput(f"attributes {text!r} cannot stand in a file name: leave out slashes and line breaks")
    return text


def _section_stem(section: str, domain: str, split: str, label: str, index: int) -> str:
    parts = [
        _two_digits("section", section),
        _one_of("domain", domain, DOMAINS),
        _one_of("split", split, SPLITS),
        _one_of("label", label, LABELS),
        _number(index, 4),
    ]
    return "section_" + "_".join(parts)


def _one_of(kind: str, value: str, valid: tuple[str, ...]) -> str:
    if value not in valid:
        raise BadInput(f"{kind} {value!r} of a clip name: choose from {', '.join(valid)}")
    return value


def _two_digits(kind: str, value: str) -> str:
    if not re.fullmatch(r"[0-9]{2}", value):
        raise BadInput(f"{kind} {value!r} of a clip name: expected two digits such as '00'")
    return value


def _number(index: int, width: int) -> str:
    # 2020 has exactly eight digits; the others grow from four, and parse takes up to twelve.
    limit = 10**8 if width == 8 else 10**12
    if not 0 <= index < limit:
        raise BadInput(f"index {index} of a clip name: expected 0 to {limit - 1}")
    return f"{index:0{width}d}"


# --- attributes -------------------------------------------------------------------------------------------

# Keys seen in the official sets (methods/data.md section 2). They only decide where pairing alone is
# ambiguous: a value with an underscore, a key with an underscore, key and value written together.
_KEYS = frozenset(
    """ac bkg Bckg car f-n fl grind grindstone id len loc m-n mdl mic mic_pos n n-lv noise nos panel pat plate
    pow pro res spd speed v1pat v2pat vel vol volt weight wt""".split()  # noqa: SIM905 - a list is unreadable
)
_COMPOUND_KEYS = frozenset(key for key in _KEYS if "_" in key)
# RoboticArm and BrushlessMotor of 2024 write weight15_BckgF and spd1000_BckgA.
_GLUED = re.compile(r"(weight|Bckg|spd)([0-9]+|[A-Z])")


def attributes_of(text: str | None, free_form: bool = False) -> dict[str, str]:
    """Attribute string as key -> value, in the order of the name.

    Pairs are joined by `_`. Keys may hold `_` (`mic_pos`), values `-`, `.` and, before a known key or at the
    end, `_` (`wt_50_damage1`). A string that is no list of pairs (2021: `A1Spd6Mic1`,
    `0_g_25_mm_2000_mV_none`) is one label: `{"attribute": text}`.

    Args:
        text: as in `ClipName.attributes`; None, "" and "noAttribute" give {}.
        free_form: take the string as one label whatever it looks like (the rule of 2021).
    """
    text = (text or "").strip("_")
    if text in ("", NO_ATTRIBUTE):
        return {}
    pairs = None if free_form else _pairs([part for part in text.split("_") if part])
    return {FREE_KEY: text} if pairs is None else pairs


def _pairs(parts: list[str]) -> dict[str, str] | None:
    """Tokens as pairs, or None where they are none."""
    pairs: dict[str, str] = {}
    last = ""
    i = 0
    while i < len(parts):
        glued = _GLUED.fullmatch(parts[i])
        following = parts[i + 1] if i + 1 < len(parts) else None
        if following is not None and f"{parts[i]}_{following}" in _COMPOUND_KEYS and i + 2 < len(parts):
            key, value, used = f"{parts[i]}_{following}", parts[i + 2], 3
        elif glued:
            key, value, used = glued[1], glued[2], 1
        elif last in _KEYS and parts[i] not in _KEYS and (following is None or following in _KEYS):
            pairs[last] += f"_{parts[i]}"  # the value itself had an underscore: car_A1_M_mic_1
            i += 1
            continue
        elif following is None or not parts[i][0].isalpha():
            return None
        else:
            key, value, used = parts[i], following, 2
        if key in pairs:
            return None
        pairs[key] = value
        last = key
        i += used
    return pairs
