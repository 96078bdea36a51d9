"""The level parser, with every published text of bksb and with arbitrary text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bksb.errors import ConfigurationError
from bksb.level_words import OUR_WORDS
from bksb.rules.levels import LEVEL_NAMES, SCALE, read_diagnostic, read_initial, read_v5, read_vocabulary

OURS = read_vocabulary(("ours", OUR_WORDS.read_bytes()))


def tables_with(content: str):
    """The default tables and a site's file with this content."""
    return read_vocabulary(("ours", OUR_WORDS.read_bytes()), ("config/levels.toml", content.encode()))


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
        ("Below Entry Level 2", "E1"),
        ("Entry-Level 2", "E2"),
        ("below  level_3", "L2"),
        ("Working at Level 1", "L1"),
        ("L2", "L2"),
    ],
)
def test_an_initial_result_is_read_as_subject_and_level(subject_text, level_text, code):
    reading = read_initial(f"{subject_text} {level_text}", "", "", OURS)
    assert reading.level_code == code
    assert reading.subject == {"Mathematics": "Maths"}.get(subject_text, subject_text)
    assert reading.recognised
    assert reading.level_order == SCALE.index(code)


def test_the_subject_comes_from_the_assessment_when_the_result_names_none():
    assert read_initial("Below Level 1", "Maths Initial Assessment", "ENG", OURS).subject == "Maths"
    assert read_initial("Level 1", "", "ENG_NEW", OURS).subject == "English"
    assert read_initial("Level 1", "", "OZ_DIGI", OURS).subject == "ICT"
    assert read_initial("Level 1", "Initial Assessment", "", OURS).subject == "Unknown"


@pytest.mark.parametrize("text", ["GCSE English", "GCSE Maths", "Functional Skills"])
def test_a_screening_is_recognised_without_a_level(text):
    reading = read_initial(text, "", "", OURS)
    assert (reading.level_code, reading.level_order, reading.recognised) == (None, None, True)


@pytest.mark.parametrize("subject", ["Maths", "English"])
@pytest.mark.parametrize(
    "level",
    [
        "ACSF Pre Level 1",
        "ACSF L1",
        "ACSF L2",
        "ACSF L5",
        "EXIT LEVEL 2 (Working at Level 3)",
        "ACSF EXIT LEVEL 2 (Working at Level 3)",
        "EXIT LEVEL 3 (Working at Level 4)",
    ],
)
def test_an_australian_level_is_recognised_without_a_level(subject, level):
    reading = read_initial(f"{subject} {level}", "", "", OURS)
    assert (reading.subject, reading.level_code, reading.recognised) == (subject, None, True)


@pytest.mark.parametrize(
    ("course_subject", "subject"), [("OZ_MATHS", "Maths"), ("OZ_ENG", "English"), ("OZ_DIGI", "ICT")]
)
def test_a_level_of_an_australian_course_is_not_mistaken_for_a_british_one(course_subject, subject):
    reading = read_initial("L1", "", course_subject, OURS)
    assert (reading.subject, reading.level_code, reading.recognised) == (subject, None, True)
    assert read_initial("L1", "ACSF Assessment", "", OURS).level_code is None
    assert read_diagnostic("71%", "L1 Diagnostic", course_subject, OURS).level_code is None
    assert not read_initial("Entry 3", "", course_subject, OURS).recognised


@pytest.mark.parametrize(
    "text", ["", "See tutor", "English Level 9", "Level 1 Level 2", "English Level 12", "Level -1", "L1+", "71%"]
)
def test_a_text_that_is_not_in_the_tables_is_never_guessed(text):
    reading = read_initial(text, "", "", OURS)
    assert reading.level_code is None
    assert not reading.recognised


@pytest.mark.parametrize(("text", "percent"), [("71", 71), ("71%", 71), ("71.5 %", 71.5), ("0", 0), ("100%", 100)])
def test_a_diagnostic_is_a_percentage_at_the_level_in_its_name(text, percent):
    reading = read_diagnostic(text, "Maths L1 Diagnostic", "MATHS", OURS)
    assert (reading.subject, reading.level_code, reading.percent, reading.recognised) == ("Maths", "L1", percent, True)


@pytest.mark.parametrize("text", ["", "101", "250%", "-3", "absent", "71/100"])
def test_a_diagnostic_without_a_percentage_is_not_recognised(text):
    reading = read_diagnostic(text, "English E2 Diagnostic", "ENG", OURS)
    assert (reading.percent, reading.recognised, reading.level_code) == (None, False, "E2")


@given(st.text(), st.text(), st.text())
def test_any_text_gives_a_reading_on_the_scale(result, name, subject):
    for read in (read_initial, read_diagnostic, read_v5):
        reading = read(result, name, subject, OURS)
        assert reading.level_code is None or reading.level_code in SCALE
        assert reading.percent is None or 0 <= reading.percent <= 100
        assert reading.subject


def test_every_level_has_a_name():
    assert tuple(LEVEL_NAMES) == SCALE


@pytest.mark.parametrize(
    ("ability", "subject", "code", "percent", "recognised"),
    [
        ("Level 1", "English", "L1", None, True),
        ("English Entry 3", "English", "E3", None, True),
        ("Working at Entry 2", "English", "E2", None, True),
        ("GCSE Maths", "Maths", None, None, True),
        ("71%", "English", None, 71, True),
        ("", "English", None, None, True),
        (" ", "English", None, None, True),
        ("Emerging", "English", None, None, False),
        ("250%", "English", None, None, False),
    ],
)
def test_a_v5_ability_is_a_level_a_percentage_or_neither(ability, subject, code, percent, recognised):
    reading = read_v5(ability, "Maths, English and Reading", "ENG_NEW", OURS)
    assert (reading.subject, reading.level_code, reading.percent, reading.recognised) == (
        subject,
        code,
        percent,
        recognised,
    )


@pytest.mark.parametrize(
    "text", ["level 1 " * 20_000, " " * 100_000, "9" * 100_000, "-" * 100_000, "a-" * 50_000], ids=lambda text: text[:8]
)
def test_a_very_long_text_is_read_quickly(text):
    for read in (read_initial, read_diagnostic, read_v5):
        assert read(text, text, text, OURS).level_code is None


def test_the_words_of_a_site_override_the_defaults():
    tables = tables_with(
        """
        [subjects]
        English = ["Saesneg"]
        ESOL = ["esol"]
        [scales]
        SQA = ["SQA"]
        [levels]
        E3 = ["ACSF L2", "SQA 3"]
        L1 = ["Working towards Level 2"]
        NONE = ["See tutor", "Below Level 1"]
        """
    )
    assert read_initial("Saesneg Level 1", "", "", tables).subject == "English"
    assert read_initial("ESOL Working Towards Level 2", "", "", tables).level_code == "L1"
    assert read_initial("Maths ACSF L2", "", "", tables).level_code == "E3"
    assert read_initial("L2", "", "OZ_ENG", tables).level_code == "E3"
    assert read_initial("Maths 3", "SQA Initial Assessment", "", tables).level_code == "E3"
    assert read_initial("Maths L2", "", "", tables).level_code == "L2"
    for known in ("See tutor", "English Below Level 1"):
        reading = read_initial(known, "", "", tables)
        assert (reading.level_code, reading.recognised) == (None, True)
    assert not read_initial("See tutor", "", "", OURS).recognised


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[levels]\nL4 = ['Level 4']", "has the level L4 under .levels., which must be one of PRE, E1"),
        ("[levels]\nL1 = ['One']\nL2 = ['one']", "has 'one' twice under .levels.: for L1 and for L2"),
        ("[levels]\nNONE = ['Pre-A']\nL2 = ['pre a']", "has 'pre a' twice under .levels.: for NONE and for L2"),
        ("[levels]\nL1 = ['Maths One']", "names the subject Maths"),
        (
            "[levels]\nL1 = 'One'",
            "has a wrong entry .Expected `array`, got `str` - at `\\$.levels.*a list of texts",
        ),
        ("[levels]\nL1 = [1]", "has a wrong entry .Expected `str`, got `int` - at `\\$.levels"),
        ("[levels]\nL1 = [' ']", "has a wrong entry .*at `\\$.levels"),
        ("levels = ['Level 1']", "has a wrong entry .Expected `object`, got `array` - at `\\$.levels"),
        ("[level]\nL1 = ['One']", "has a wrong entry .Object contains unknown field `level`"),
        ("[subjects]\nESOL = ['E S']", "has 'E S' for ESOL under .subjects., which must be a single word"),
        ("[subjects]\nESOL = ['es']\nWelsh = ['ES']", "has 'ES' twice under .subjects.: for ESOL and for Welsh"),
        ("[subjects]\n'' = ['es']", "has a wrong entry .*at `key` in `\\$.subjects"),
        ("[scales]\nSQA = ['']", "has a wrong entry .*at `\\$.scales"),
        ('[levels]\nL1 = ["One]\n', "cannot be read: .*line 2"),
        ("[levels]\nL1 = ['One']\nL1 = ['1']\n", "cannot be read: .*line 3"),
    ],
)
def test_a_mistake_in_a_sites_file_is_described(content, told):
    with pytest.raises(ConfigurationError, match=rf"^config/levels\.toml .*{told}"):
        tables_with(content)
