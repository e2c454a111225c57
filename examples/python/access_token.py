"""Read the access token that token-refresh publishes in Secrets Manager.

    token = AccessToken("token-refresh/hesabe/default/access")
    request = urllib.request.Request("https://merchantapi.hesabe.com/api/…")
    with urlopen(token, request, timeout=10) as response:
        …

Needs boto3, and for its role the managed policy of the stack's output HesabeAccessReader.
Make one AccessToken a secret and share it: it is safe for threads. Copy this file.
"""

import copy
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
    attempt_id: str  # names the attempt that got it; empty: not known
    reply: dict = dataclasses.field(repr=False)  # the fields of the provider's reply that the credentials publish

    @classmethod
    def parse(cls, text):
        try:
            document = json.loads(text)
            return cls(
                authorization=f"{_word(document.get('token_type') or 'Bearer')} {_word(document['access_token'])}",
                expires_at=_seconds(document["access_expires_at"]),
                refresh_at=_seconds(document["refresh_at"]),
                attempt_id=document["attempt_id"] if isinstance(document.get("attempt_id"), str) else "",
                reply=document["reply"] if isinstance(document.get("reply"), dict) else {},
            )
        except Exception:  # its text may quote the token
            raise NoToken("the secret does not hold an access token as token-refresh writes it") from None


def _word(text):
    """Return text without white space around it. A header's word is visible ASCII."""
    text = text.strip()
    if not text or not all("!" <= c <= "~" for c in text):
        raise ValueError
    return text


def _seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


_rejected = set()  # the secrets and attempts that on_rejected was called for in this process


class AccessToken:
    """Keeps the token until its refresh is due, and never to its last min_life seconds.

    When the refresh is late, or a read fails, it hands out the held token for as long as
    that has min_life left, and reads again each 5 to 10 seconds.

    on_rejected is called in a thread of its own, with the attempt id of a token that the
    provider refused although it is the one published: it was revoked before its time. Put
    the event "Token Rejected" on the bus there, and the refresh function replaces the
    token (docs/events.md has the call). It is called once for each id in this process, after
    up to spread seconds at random, and not if another token is published by then.
    """

    def __init__(self, secret_id, *, min_life=30, gap=2, spread=10, on_rejected=None, client=None, now=time.time):
        self._secret_id = secret_id
        self._min_life = min_life
        self._gap = gap  # how long renew() goes on reading while a refresh is due
        self._spread = spread
        self._on_rejected = on_rejected
        self._client = client or boto3.client(
            "secretsmanager", config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 3})
        )
        self._now = now
        self._lock = threading.Lock()  # held while reading: all others wait for the one read
        self._held = None
        self._since = 0  # when that was read first
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
            end, wait, known = time.monotonic() + self._gap, 0.1, False
            while True:
                with self._lock:
                    if self._held == refused:
                        if self._now() < self._unchanged_until:
                            return None  # a 401 for another reason, as it seems
                        known = self._read()
                    if self._error:
                        raise self._error
                    if self._held != refused:
                        return self._held
                    left = end - time.monotonic()
                    if left <= 0 or self._now() < refused.refresh_at - 10:  # 10: clocks differ
                        self._unchanged_until = self._now() + random.uniform(5, 10)
                        if known:
                            self._reject(refused.attempt_id)
                        return None
                time.sleep(min(left, wait * random.uniform(0.5, 1.5)))
                wait *= 2

    def _reject(self, attempt_id):
        """Call on_rejected in a while, once for each attempt. The caller holds the lock."""
        rejection = (self._secret_id, attempt_id)
        if self._on_rejected is None or not attempt_id or rejection in _rejected:
            return
        _rejected.add(rejection)

        def late():
            with self._lock:
                self._read()
                still = self._held is not None and self._held.attempt_id == attempt_id
            if still:
                self._on_rejected(attempt_id)

        # The function takes no rejection of a token that it published less than 10 s ago.
        wait = max(random.uniform(0, self._spread), self._since + 12 - self._now())
        timer = threading.Timer(wait, late)
        timer.daemon = True
        timer.start()

    def _read(self):
        """Read what is published; False if that failed. The caller holds the lock."""
        failure = None
        try:
            response = self._client.get_secret_value(SecretId=self._secret_id, VersionStage="AWSCURRENT")
            published = Published.parse(response.get("SecretString"))
            if published != self._held:
                self._held, self._since, self._unchanged_until = published, self._now(), 0
        except Exception as error:
            failure = error
        now = self._now()
        end = self._held.expires_at - self._min_life if self._held else 0
        if now <= end:
            self._error = None
            fresh = not failure and self._held.refresh_at > now
            self._until = min(end, self._held.refresh_at if fresh else now + random.uniform(5, 10))
            return failure is None
        self._until = now + random.uniform(1, 2)
        reason = failure or f"the token expires in {self._held.expires_at - now:.0f} s, and none newer is published"
        self._error = NoToken(f"access token of {self._secret_id}: {reason}")
        return failure is None


def urlopen(token, request, data=None, **options):
    """urllib.request.urlopen with the token; after a 401 once more, with the next token.

    Call it with requests to the token's provider alone. A redirect does not take the
    token along. Only a body of bytes is sent again: a file or an iterable may be used up,
    and the 401 is raised.
    """
    if isinstance(request, str):
        request = urllib.request.Request(request)
    if data is not None:
        request = copy.copy(request)
        request.data = data
    published = token.get()
    try:
        return _send(published, request, options)
    except urllib.error.HTTPError as error:
        if error.code != 401 or error.url != request.full_url:  # a redirect led to where no token went
            raise
        try:
            again = token.renew(published)
        except NoToken:
            again = None
        if again is None or not isinstance(request.data, (bytes, bytearray, memoryview, type(None))):
            raise  # the 401
        error.close()
    return _send(again, request, options)


def _send(published, request, options):
    carrier = copy.copy(request)  # the caller's shows no token, and no length of an earlier try
    carrier.unredirected_hdrs = {**request.unredirected_hdrs, "Authorization": published.authorization}
    return urllib.request.urlopen(carrier, **options)
