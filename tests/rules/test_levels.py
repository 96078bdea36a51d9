"""The level parser, over every string of public evidence and over arbitrary text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bksb.levels import LEVEL_NAMES, SCALE, read_diagnostic, read_initial


@pytest.mark.parametrize("subject_text", ["English", "Maths", "Mathematics", "ICT"])
@pytest.mark.parametrize(
    ("level_text", "code"),
    [
        ("Entry 1", "E1"),
        ("Entry 2", "E2"),
        ("Entry 3", "E3"),
        ("Level 1", "L1"),
        ("Level 2", "L2"),
        ("Level 3", "L3"),
        ("Pre-Entry", "PRE"),
        ("pre entry", "PRE"),
        ("Below Entry 3", "E2"),
        ("Below Level 1", "E3"),
        ("Below Entry 1", "PRE"),
        ("L2", "L2"),
    ],
)
def test_an_initial_result_is_read_as_subject_and_level(subject_text, level_text, code):
    reading = read_initial(f"{subject_text} {level_text}", "", "")
    assert reading.level_code == code
    assert reading.subject == {"Mathematics": "Maths"}.get(subject_text, subject_text)
    assert reading.recognised
    assert reading.level_order == SCALE.index(code)


def test_the_subject_comes_from_the_assessment_when_the_result_names_none():
    assert read_initial("Below Level 1", "Maths Initial Assessment", "ENG").subject == "Maths"
    assert read_initial("Level 1", "", "ENG_NEW").subject == "English"
    assert read_initial("Level 1", "", "OZ_DIGI").subject == "ICT"
    assert read_initial("Level 1", "Initial Assessment", "").subject == "Unknown"


@pytest.mark.parametrize("text", ["GCSE English", "GCSE Maths", "Functional Skills"])
def test_a_screening_is_known_but_names_no_level(text):
    reading = read_initial(text, "", "")
    assert (reading.level_code, reading.level_order, reading.recognised) == (None, None, True)


@pytest.mark.parametrize("text", ["", "See tutor", "English Level 9", "Level 1 Level 2", "English Level 12", "71%"])
def test_a_text_that_is_not_in_the_tables_is_never_guessed(text):
    reading = read_initial(text, "", "")
    assert reading.level_code is None
    assert not reading.recognised


@pytest.mark.parametrize(("text", "percent"), [("71", 71), ("71%", 71), ("71.5 %", 71.5), ("0", 0), ("100%", 100)])
def test_a_diagnostic_is_a_percentage_at_the_level_in_its_name(text, percent):
    reading = read_diagnostic(text, "Maths L1 Diagnostic", "MATHS")
    assert (reading.subject, reading.level_code, reading.percent, reading.recognised) == ("Maths", "L1", percent, True)


@pytest.mark.parametrize("text", ["", "101", "250%", "-3", "absent", "71/100"])
def test_a_diagnostic_that_is_no_percentage_has_none(text):
    reading = read_diagnostic(text, "English E2 Diagnostic", "ENG")
    assert (reading.percent, reading.recognised, reading.level_code) == (None, False, "E2")


@given(st.text(), st.text(), st.text())
def test_any_text_at_all_gives_a_reading_on_the_scale(result, name, subject):
    for read in (read_initial, read_diagnostic):
        reading = read(result, name, subject)
        assert reading.level_code is None or reading.level_code in SCALE
        assert reading.percent is None or 0 <= reading.percent <= 100
        assert reading.subject


def test_every_level_has_a_name():
    assert tuple(LEVEL_NAMES) == SCALE
