"""Django-oauth-toolkit. Its settings are the first argument, its clients the second, both JSON."""

import datetime
import json
import signal
import socketserver
import sys
import tempfile
import wsgiref.simple_server

import django
from django.conf import settings

folder = tempfile.TemporaryDirectory(prefix="oauth-toolkit")
signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # which removes it

settings.configure(
    DEBUG=False,
    SECRET_KEY="of a test",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": folder.name + "/db",
            "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
        }
    },
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # as fast as a test's may be
    OAUTH2_PROVIDER={"SCOPES": {"read": "reading", "introspection": "asking"}, **json.loads(sys.argv[1])},
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpResponse, JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils import timezone  # noqa: E402
from oauth2_provider.models import AccessToken, Application, RefreshToken  # noqa: E402
from oauth2_provider.oauth2_backends import get_oauthlib_core  # noqa: E402
from oauth2_provider.views.generic import ProtectedResourceView  # noqa: E402
from oauthlib.common import generate_token  # noqa: E402


def me(request):
    """Answers as Django REST framework does; the toolkit's own views answer 403."""
    valid, _ = get_oauthlib_core().verify_request(request, scopes=[])
    return HttpResponse("{}", status=200 if valid else 401)


def seed(request):
    """The first tokens of a chain, without a browser."""
    common = {
        "user": User.objects.get(),
        "application": Application.objects.get(client_id=request.GET["client_id"]),
    }
    access = AccessToken.objects.create(
        token=generate_token(), scope="read", expires=timezone.now() + datetime.timedelta(hours=1), **common
    )
    refresh = RefreshToken.objects.create(token=generate_token(), access_token=access, **common)
    return JsonResponse({"access_token": access.token, "refresh_token": refresh.token})


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("seed", seed),
    path("me", me),
    path("closed", ProtectedResourceView.as_view()),
]

call_command("migrate", verbosity=0)
User.objects.create_user("somebody")
for client in json.loads(sys.argv[2]):
    Application.objects.create(client_type=Application.CLIENT_CONFIDENTIAL, **client)


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True
    request_queue_size = 50


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass


server = Server(("127.0.0.1", 0), Quiet)
server.set_app(WSGIHandler())
print("Running on http://127.0.0.1:%d" % server.server_port, file=sys.stderr, flush=True)
server.serve_forever()
