import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard import mail

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("", mail.MailServer()),
        ("smtp://mail.example.com", mail.MailServer("mail.example.com", 25)),
        ("smtp://u:p%40ss@mail:2525/?tls=1", mail.MailServer("mail", 2525, "u", "p@ss", use_tls=True)),
        ("smtp://mail/?tls=1", mail.MailServer("mail", 587, use_tls=True)),
        ("smtps://u:p@mail", mail.MailServer("mail", 465, "u", "p", use_ssl=True)),
    ],
)
def test_the_mail_server_is_read_from_one_address(url, server):
    assert mail.parse(url) == server


@pytest.mark.parametrize(
    "url", ["mail:25", "http://u:secretword@mail", "smtp://u:secretword@mail:x", "smtp://?tls=yes"]
)
def test_a_wrong_address_names_the_variable_and_not_the_password(url):
    with pytest.raises(ImproperlyConfigured, match=r"^EMAIL_URL ") as refused:
        mail.parse(url)
    assert "secretword" not in str(refused.value)
