"""CSV files of person_id and username: the forms that are accepted, and the lines that are rejected."""

from __future__ import annotations

import pytest

from bksb.errors import ConfigurationError
from bksb.rules.account_file import AccountLine, RejectedLine, read_account_file


def read(text: str) -> tuple[list[tuple[int, str, str]], list[str]]:
    lines, rejected = read_account_file(text.encode())
    return [(line.number, line.person_id, line.username) for line in lines], [str(one) for one in rejected]


@pytest.mark.parametrize(
    "text",
    [
        "person_id,username\nP1,ada\nP2,ben\n",
        "\ufeffperson_id,username\nP1,ada\nP2,ben\n",
        "person_id,username\r\nP1,ada\r\nP2,ben",
        "person_id,username\rP1,ada\rP2,ben\r",
        '"person_id","username"\n"P1","ada"\n"P2","ben"\n',
        " Person_ID , USERNAME \n P1 , ada \n P2 ,\tben\n",
        "note,username,,person_id\nx,ada,,P1\n,ben,y,P2\n",
        "person_id,username\nP1,ada,,\nP2,ben,\n",
        '\ufeff"person_id",username\nP1,ada\nP2,ben\n',
    ],
)
def test_a_file_is_read_in_every_usual_form(text):
    assert read(text) == ([(2, "P1", "ada"), (3, "P2", "ben")], [])


def test_blank_lines_are_skipped_and_the_others_keep_their_numbers():
    text = "\n\nperson_id,username\n\nP1,ada\n  \n,,\n\nP2,ben\n\n"
    assert read(text) == ([(5, "P1", "ada"), (9, "P2", "ben")], [])


@pytest.mark.parametrize("username", ['a "b", c', "0012", "o'neil@x.example", "a+b%20/c", "Zoë 例", "x" * 256])
def test_a_username_is_returned_as_written(username):
    quoted = '"' + username.replace('"', '""') + '"'
    assert read(f"person_id,username\nP1,{quoted}\n") == ([(2, "P1", username)], [])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n \n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b",,\n,,\n", "has no lines below a header"),
        (b"person_id,username\n\n", "has no lines below a header"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00", "is not text"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", r"is not UTF-8 text \(line 1\)"),
        ("person_id,username\nP1,zoë\n".encode("latin-1"), r"is not UTF-8 text \(line 2\)"),
        ("person_id,username\nP1,ada\n".encode("utf-16"), "is not UTF-8 text"),
        ("person_id,username\nP1,ada\n".encode("utf-16-le"), "is not text"),
        (b"person_id;username\nP1;ada\n", "has no column person_id"),
        (b"P1,ada\nP2,ben\n", "has no column person_id"),
        (b"person_id,user\nP1,ada\n", "has no column username"),
        (b"person_id,username,Username\nP1,ada,ben\n", "more than one column username"),
        (b'person_id,username\nP1,ada\nP2,"ben\nP3,cy\n', "is not valid CSV in line 3: check its quotes"),
        (b'person_id,username\nP1,"ada"x\n', "is not valid CSV in line 2"),
        (b"person_id,username\nP1," + b"x" * 200_000, "is not valid CSV in line 2"),
    ],
)
def test_an_unreadable_file_is_rejected_without_showing_its_contents(content, says):
    with pytest.raises(ConfigurationError, match=says) as caught:
        read_account_file(content)
    said = str(caught.value)
    assert said.endswith("Nothing was changed.")
    assert not [word for word in ("P1", "ben", "zo", "PNG") if word in said]
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("P1,", "line 2, P1: the username is missing"),
        ("P1", "line 2, P1: the username is missing"),
        ("P1,   ", "line 2, P1: the username is missing"),
        (",ada", "line 2: the person_id is missing"),
        (
            "P1,Smith, Ada",
            "line 2, P1: it has more fields than the header: put a value that contains a comma in quotes",
        ),
        (
            'P1,"ada\nP2,ben"',
            "line 2, P1: a value contains a line break or another control character: check the quotes",
        ),
    ],
)
def test_an_unusable_line_is_reported_and_the_others_are_read(line, says):
    lines, rejected = read(f"person_id,username\n{line}\nP9,ann\n")
    assert [one[1:] for one in lines] == [("P9", "ann")]
    assert rejected == [says]


def test_a_repeated_line_counts_once():
    assert read("person_id,username\nP1,ada\nP2,ben\nP1,ada\nP1,ADA\n") == ([(2, "P1", "ada"), (3, "P2", "ben")], [])


def test_lines_that_contradict_each_other_are_all_rejected():
    lines, rejected = read("person_id,username\nP1,ada\nP2,ben\nP3,Straße\nP1,cy\nP4,STRASSE\nP5,dan\nP6,dan\nP7,Dan\n")
    assert lines == [(3, "P2", "ben")]
    assert rejected == [
        "line 2, P1: line 5 has another username for this person: keep the right one",
        "line 4, P3: line 6 has this username for another person: keep the right one",
        "line 5, P1: line 2 has another username for this person: keep the right one",
        "line 6, P4: line 4 has this username for another person: keep the right one",
        "line 7, P5: lines 8, 9 have this username for another person: keep the right one",
        "line 8, P6: lines 7, 9 have this username for another person: keep the right one",
        "line 9, P7: lines 7, 8 have this username for another person: keep the right one",
    ]


@pytest.mark.parametrize("thing", ["Ada Lovelace", "ada@home.example", "Lovelace", "x" * 80 + "1", "Zoë1"])
def test_a_value_that_is_not_an_id_is_not_shown_as_one(thing):
    assert str(RejectedLine(3, thing, "why")) == "line 3: why"
    assert thing not in repr(RejectedLine(3, thing, "why"))


@pytest.mark.parametrize("person_id", ["P000123", "4711", "a/b-1.2_c"])
def test_an_id_is_shown(person_id):
    assert str(RejectedLine(3, person_id, "why")) == f"line 3, {person_id}: why"


def test_no_username_is_in_the_repr_of_a_line():
    ((line,), _) = read_account_file(b"person_id,username\nP1,unmistakeable\n")
    assert "unmistakeable" not in repr(line)


def test_a_rejected_line_has_the_id_and_the_reason_but_not_the_username():
    rejected = AccountLine(3, "P1", "unmistakeable").rejected("correct it")
    assert (rejected.number, rejected.person_id, rejected.reason) == (3, "P1", "correct it")
    assert "unmistakeable" not in repr(rejected)
