"""A bad web server for tests/test_fetch.lua: cuts, refuses, changes its files.

    python3 fetch_server.py FOLDER PORT_FILE

Serves FOLDER/NAME under /BEHAVIOUR/NAME on a free loopback port, which it writes to PORT_FILE. Ends when its
standard input does.
"""
import hashlib
import os
import sys
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

folder, port_file = sys.argv[1:3]
asked = {}
dated = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def send_endless(self):
        self.send_response(200)
        self.send_header("Content-Length", str(10 ** 12))
        self.end_headers()
        while self.command == "GET":
            self.wfile.write(b"0" * 65536)

    def send(self, data, etag, cut=None, ranges=True, check_if_range=True, pause=0, halves=False,
             length=True, headers=None):
        start, status = 0, 200
        wanted = self.headers.get("Range", "")
        same = self.headers.get("If-Range") in (None, '"%s"' % etag) or not check_if_range
        if ranges and wanted.startswith("bytes=") and same:
            start, status = int(wanted[6:].split("-")[0]), 206
            if start >= len(data):
                self.send_response(416)
                self.send_header("Content-Range", "bytes */%d" % len(data))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        self.send_response(status)
        if etag:
            self.send_header("ETag", '"%s"' % etag)
        if status == 206:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(data) - 1, len(data)))
        if self.path in dated:
            self.send_header("Last-Modified", dated[self.path])
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        if length:
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if self.command == "HEAD":
            self.close_connection = not length
            return
        body = data[start:]
        if halves:
            self.wfile.write(body[:len(body) // 2])
            self.wfile.flush()
            time.sleep(1)
            body = body[len(body) // 2:]
        self.wfile.write(body if cut is None else body[:cut])
        self.wfile.flush()
        if pause:
            time.sleep(pause)
        if cut is not None and cut < len(body):
            self.close_connection = True
            self.connection.shutdown(2)

    def error(self, status, **headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", "5")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"sorry")

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        behaviour, name = self.path.lstrip("/").split("/", 1)
        asked[self.path] = asked.get(self.path, 0) + 1
        count = asked[self.path]
        path = os.path.join(folder, name)
        head = self.command == "HEAD"
        if behaviour == "count":
            text = str(asked.get("/" + name, 0)).encode()
            return self.send(text, "c")
        if not os.path.exists(path):
            return self.error(404)
        data = open(path, "rb").read()
        other = bytes(reversed(data))
        etag = hashlib.md5(data).hexdigest()
        if behaviour == "cut":  # 40000 bytes at a time
            return self.send(data, etag, cut=40000)
        if behaviour == "once":  # cut the first time only
            return self.send(data, etag, cut=30000 if count == 1 else None)
        if behaviour == "whole":  # cut twice, no ranges
            return self.send(data, etag, cut=50000 if count <= 2 else None, ranges=False)
        if behaviour == "never":  # cut at the same place for ever
            return self.send(data, etag, cut=20000, ranges=False)
        if behaviour == "change":  # another file after the first request
            return self.send(data, "v1", cut=30000) if count == 1 else self.send(other, "v2")
        if behaviour == "lie":  # the same, but answers the range of the new file
            return self.send(data, "v1", cut=30000) if count == 1 else self.send(other, "v2", check_if_range=False)
        if behaviour == "weak":  # another file after the first request, by a tag that does not tell them apart
            return self.send(data if count == 1 else other, None, cut=30000 if count == 1 else None, headers={"ETag": 'W/"1"'})
        if behaviour == "flaky":
            return self.error(503, Retry_After="0") if count <= 2 else self.send(data, etag)
        if behaviour == "wrong":
            return self.send(other, etag)
        if behaviour == "stall":
            return self.send(data, etag, cut=1000, pause=60 if count == 1 else 0) if count == 1 else self.send(data, etag)
        if behaviour == "slow":  # stops for a while in the middle the first time
            return self.send(data, etag, cut=60000 if count == 1 else None, pause=10 if count == 1 else 0)
        if behaviour == "halves":  # the second half a second later
            return self.send(data, etag, halves=True)
        if behaviour == "plain":
            return self.send(data, etag)
        if behaviour == "dated":  # with a date; no tag that could be compared
            dated[self.path] = formatdate(os.path.getmtime(path), usegmt=True)
            return self.send(data, etag)
        if behaviour == "nohead":
            return self.error(405) if head else self.send(data, etag)
        if behaviour == "hangup":  # at HEAD
            if head:
                self.close_connection = True
                return self.connection.shutdown(2)
            return self.send(data, etag)
        if behaviour == "nolength":  # at HEAD
            return self.send(data, etag, length=not head)
        if behaviour in ("unsized", "short"):  # no size is said, so that the end of the connection is the end of the file
            self.close_connection = True
            return self.send(data if behaviour == "unsized" else data[:len(data) // 2], etag, ranges=False, length=False)
        if behaviour == "bare":  # nothing by which a file could be known again; cut the first time, another file then
            return self.send(data if count == 1 else other, None, cut=30000 if count == 1 else None)
        if behaviour == "empty":
            return self.send(b"", etag)
        if behaviour == "endless":  # no HEAD, no ranges
            return self.error(405) if head else self.send_endless()
        if behaviour == "page":
            return self.send(b"<!doctype html><title>Sign in</title>", "p", headers={"Content-Type": "text/html; charset=utf-8"})
        if behaviour.isdigit():  # a status
            return self.error(int(behaviour))
        if behaviour == "silent":
            return time.sleep(60)
        if behaviour == "loop":
            return self.error(302, Location=self.path)
        if behaviour == "tofile":
            return self.error(302, Location="file:///etc/hostname")
        return self.error(404)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
server.handle_error = lambda request, address: None
threading.Thread(target=server.serve_forever, daemon=True).start()
with open(port_file + ".tmp", "w") as file:
    file.write(str(server.server_address[1]))
os.rename(port_file + ".tmp", port_file)
sys.stdin.read()
os._exit(0)
