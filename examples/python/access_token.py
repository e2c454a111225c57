"""Read the access token that token-refresh publishes in Secrets Manager.

    token = AccessToken("token-refresh/hesabe/default/access")
    request = urllib.request.Request("https://merchantapi.hesabe.com/api/…")
    with urlopen(token, request, timeout=10) as response:
        …

Needs boto3, and for its role the managed policy of the stack's output HesabeAccessReader.
Make one AccessToken a secret and share it: it is safe for threads. Copy this file.
"""

import dataclasses
import datetime
import json
import random
import threading
import time
import urllib.error
import urllib.request

import boto3
from botocore.config import Config


class NoToken(Exception):
    """There is no token with enough life left. The text says why."""


@dataclasses.dataclass(frozen=True)
class Published:
    """A token as it is published. Times are seconds since the epoch."""

    authorization: str = dataclasses.field(repr=False)  # the header's value
    expires_at: float
    refresh_at: float

    @classmethod
    def parse(cls, text):
        try:
            document = json.loads(text)
            return cls(
                authorization=f"{document.get('token_type') or 'Bearer'} {document['access_token']}",
                expires_at=_seconds(document["access_expires_at"]),
                refresh_at=_seconds(document["refresh_at"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise NoToken("the secret does not hold an access token as token-refresh writes it") from None


def _seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class AccessToken:
    """Keeps the token until its refresh is due, and never to its last min_life seconds.

    When the refresh is late, or a read fails, it hands out the held token for as long as
    that has min_life left, and reads again each 5 to 10 seconds.
    """

    def __init__(self, secret_id, *, min_life=30, gap=2, client=None, now=time.time):
        self._secret_id = secret_id
        self._min_life = min_life
        self._gap = gap  # how long renew() goes on reading while a refresh is due
        self._client = client or boto3.client(
            "secretsmanager", config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 3})
        )
        self._now = now
        self._lock = threading.Lock()  # held while reading: all others wait for the one read
        self._held = None
        self._error = None
        self._until = 0  # when to read again
        self._renewing = threading.Lock()  # held by who looks for a successor
        self._unchanged_until = 0  # until when nobody looks for one again

    def get(self):
        """Return a token with min_life left, or raise NoToken."""
        with self._lock:
            if self._now() >= self._until:
                self._read()
            if self._error:
                raise self._error
            return self._held

    def renew(self, refused):
        """Return another token than refused, which the provider answered with a 401, or None.

        Hesabe revokes the old token before the new one is published: while the refresh is
        due this goes on reading for gap seconds.
        """
        with self._renewing:
            end, wait = time.monotonic() + self._gap, 0.1
            while True:
                with self._lock:
                    if self._held == refused:
                        if self._now() < self._unchanged_until:
                            return None  # a 401 for another reason, as it seems
                        self._read()
                    if self._error:
                        raise self._error
                    if self._held != refused:
                        return self._held
                    left = end - time.monotonic()
                    if left <= 0 or self._now() < refused.refresh_at - 10:  # 10: clocks differ
                        self._unchanged_until = self._now() + random.uniform(5, 10)
                        return None
                time.sleep(min(left, wait * random.uniform(0.5, 1.5)))
                wait *= 2

    def _read(self):
        """Read what is published. The caller holds the lock."""
        failure = None
        try:
            response = self._client.get_secret_value(SecretId=self._secret_id, VersionStage="AWSCURRENT")
            published = Published.parse(response.get("SecretString"))
            if published != self._held:
                self._held, self._unchanged_until = published, 0
        except Exception as error:
            failure = error
        now = self._now()
        end = self._held.expires_at - self._min_life if self._held else 0
        if now <= end:
            self._error = None
            fresh = not failure and self._held.refresh_at > now
            self._until = min(end, self._held.refresh_at if fresh else now + random.uniform(5, 10))
            return
        self._until = now + random.uniform(1, 2)
        if failure is None:
            failure = f"the token expires in {self._held.expires_at - now:.0f} s, and none newer is published"
        self._error = NoToken(f"access token of {self._secret_id}: {failure}")


def urlopen(token, request, **options):
    """urllib.request.urlopen with the token; after a 401 once more, with the next token.

    Call it with requests to the token's provider alone. A redirect does not take the
    token along. The request's data must be bytes, or it is not sent again.
    """
    published = token.get()
    try:
        return _send(published, request, options)
    except urllib.error.HTTPError as error:
        if error.code != 401:
            raise
        try:
            again = token.renew(published)
        except NoToken:
            again = None
        if again is None or not isinstance(request.data, (bytes, type(None))):
            raise  # the 401
        error.close()
    return _send(again, request, options)


def _send(published, request, options):
    request.add_unredirected_header("Authorization", published.authorization)
    return urllib.request.urlopen(request, **options)
