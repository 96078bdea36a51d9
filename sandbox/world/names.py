"""Names that are obviously invented, and shaped like real names that break software."""

import random
import re
import unicodedata

GIVEN = (
    "Ada-Mock",
    "Aisha",
    "Bartosz",
    "Chloë",
    "Dafydd",
    "Ebony",
    "Faux",
    "Gwenllian",
    "Hyacinth",
    "Ignotus",
    "Jean-Sample",
    "Kezia",
    "Łucja",
    "Mockingly",
    "Nadia",
    "Óisín",
    "Pretenda",
    "Quentina",
    "Róisín",
    "Siân",
    "Tamsin",
    "Umair",
    "Vesper",
    "Wilhelmina",
    "Xanthe",
    "Yusuf",
    "Zoë",
    "Anh Thư",
    "D'Andre",
    "Mary Ann",
    "Søren",
    "Ayşegül",
)
FAMILY = (
    "Sample",
    "Placeholder",
    "O'Example",
    "McMock",
    "Testerton",
    "Fauxley-Smythe",
    "Pretendham",
    "Fictionwright",
    "D'Sandbox",
    "van der Probe",
    "de la Muestra",
    "Müstermann",
    "Przykładowska",
    "Nwexample",
    "Exempleau",
    "Ficțiune",
    "Ní Shampla",
    "Ap Enghraifft",
    "Ørnprøve",
    "Quillfeather",
    "Brambleworth",
    "Thistlemock",
    "Underspecified",
    "Demoson",
    "Invento",
    "Imaginova",
    "Synthwell",
    "Ó Samplaigh",
    "Al-Mithal",
    "Tester-Jones",
    "Loremley",
    "Ipsumson",
)
APOSTROPHE = (("D'Arcy", "O'Example"), ("Shan\u2019elle", "O\u2019Sampleton"))
ACCENTED = (("Zoë", "Müstermann"), ("Łucja", "Przykładowska"), ("Ștefan", "Ficțiune"))
DOUBLE = (("Mary Ann", "Fauxley-Smythe"), ("Jean-Sample", "de la Muestra Placeholder"))
NON_LATIN = (("Пример", "Вымышленный"), ("测试", "示例"), ("مثال", "اختبار"), ("Παράδειγμα", "Δοκιμής"))
VERY_LONG = ((" ".join(["Wolfeschlegelsteinhausenmock"] * 3), "-".join(["Placeholderworthington"] * 5)),)
DOMAINS = ("learner.example", "college.example", "mail.example")


def invent_name(rng: random.Random) -> tuple[str, str]:
    """Invent a given name and a family name."""
    return rng.choice(GIVEN), rng.choice(FAMILY)


def invent_email(given: str, family: str, number: int, rng: random.Random) -> str:
    """Return an address in plain ASCII at a reserved domain. `number` makes it unique."""
    ascii_name = unicodedata.normalize("NFKD", f"{given}.{family}").encode("ascii", "ignore").decode().lower()
    local = re.sub(r"[^a-z0-9.]+", "", ascii_name).strip(".")[:40] or "learner"
    return f"{local}.{number}@{rng.choice(DOMAINS)}"
