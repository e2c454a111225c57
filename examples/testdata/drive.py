"""Does with the example what it is told, a line of JSON each."""

import io
import json
import queue
import sys
import time
import traceback
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from access_token import AccessToken, NoToken, urlopen

ahead = 0
options = json.loads(sys.argv[2])
reports = queue.Queue()
token = AccessToken(sys.argv[1], now=lambda: time.time() + ahead, on_rejected=reports.put if "spread" in options else None, **options)
last = None


def chunks(text):
    for c in text:
        yield c.encode()


def request(url, data=None):
    return urllib.request.Request(url, data=data, headers={"X-Kept": "kept"}, method="POST" if data else "GET")


# What can be sent, by the name that a test gives it: the arguments of urlopen.
sends = {
    "bytes": lambda url, text: ((request(url, text.encode()),), {}),
    "a bytearray": lambda url, text: ((request(url, bytearray(text.encode())),), {}),
    "a view": lambda url, text: ((request(url, memoryview(text.encode())),), {}),
    "no body": lambda url, text: ((request(url),), {}),
    "an address": lambda url, text: ((url,), {}),
    "data beside it": lambda url, text: ((request(url), text.encode()), {}),
    "data by name": lambda url, text: ((request(url),), {"data": text.encode()}),
    "once: a file": lambda url, text: ((request(url, io.BytesIO(text.encode())),), {}),
    "once: a generator": lambda url, text: ((request(url, chunks(text)),), {}),
    "once: a list": lambda url, text: ((request(url, list(chunks(text))),), {}),
    "once: a file by name": lambda url, text: ((request(url),), {"data": io.BytesIO(text.encode())}),
}

for line in sys.stdin:
    order = json.loads(line)
    said = {}
    try:
        if order["do"] == "advance":
            ahead += order["seconds"]
        elif order["do"] == "get":
            last = token.get()
            said["authorization"] = last.authorization
            said["instance"] = last.reply.get("instance_url", "")
            assert last.authorization.split()[1] not in repr(last) and (not last.reply or "planted" not in repr(last))
        elif order["do"] == "renew":
            renewed = token.renew(last)
            said["authorization"] = renewed.authorization if renewed else "none"
        elif order["do"] == "get many":
            with ThreadPoolExecutor(20) as pool:
                said["authorization"] = " ".join({t.authorization for t in pool.map(lambda _: token.get(), range(20))})
        elif order["do"] == "renew many":
            with ThreadPoolExecutor(20) as pool:
                renewed = pool.map(lambda _: token.renew(last), range(20))
                said["authorization"] = " ".join({t.authorization if t else "none" for t in renewed})
        elif order["do"] == "kinds":
            said["kinds"] = list(sends)
        elif order["do"] == "send":
            args, named = sends[order["kind"]](order["url"], order["body"])
            with urlopen(token, *args, **named) as response:
                said["status"] = response.status
        elif order["do"] == "rejected":
            said["rejected"] = reports.get()
    except NoToken as error:
        said["error"] = str(error)
        said["trace"] = traceback.format_exc()
    except urllib.error.HTTPError as error:
        said["status"] = error.code
    print(json.dumps(said), flush=True)
