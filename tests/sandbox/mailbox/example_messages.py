"""An example message, and how to send it to the sandbox's mail server."""

import smtplib
from email.message import EmailMessage


def invitation(to: str = "zoe@learner.example", subject: str = "Your bksb account") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "college@college.example"
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = "Mon, 23 Nov 2026 07:30:00 +0000"
    message["Message-ID"] = "<abc@college.example>"
    message.set_content("Welcome, Zoë.\n")
    message.add_alternative("<p>Welcome, <b>Zoë</b>.</p><script>alert(1)</script>", subtype="html")
    return message


def send(port: int, message: EmailMessage, to: list[str] | None = None) -> dict[str, tuple[int, bytes]]:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
        return smtp.send_message(message, to_addrs=to)
