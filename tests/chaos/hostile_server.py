"""A web server whose every answer is drawn at random, for tests/chaos/transfer.lua.

    python3 hostile_server.py FILE PORT_FILE

GET /good/NAME gives FILE as it should be. GET /SEED/NAME: what the n-th request to this path gets is a function of SEED and n alone: right and
wrong statuses, lengths, ranges, tags, redirects, chunks; bodies that are cut, changed, too long, slow, or none. Ends when its standard input does.
"""
import os
import random
import socket
import struct
import sys
import threading
import time

path, port_file = sys.argv[1:3]
data = open(path, "rb").read()
asked, lock = {}, threading.Lock()
STATUSES = [204, 206, 301, 302, 303, 307, 308, 400, 401, 403, 404, 410, 416, 429, 500, 502, 503, 504, 599]
LOCATIONS = ["{self}", "{self}?{n}", "/good/{name}", "/{other}/{name}", "file:///etc/hostname", "ftp://127.0.0.1:1/x", "", "//", "http://[", "gopher://127.0.0.1/",
             "http://127.0.0.1:{port}/good/{name}", "https://127.0.0.1:{port}/good/{name}", "http://127.0.0.1:1/", "x" * 9000, "\x01\x02\xff"]


class Answer:
    """What one request gets."""

    def __init__(self, r, connection, seed, n, name, start):
        self.r, self.c, self.seed, self.n, self.name, self.start = r, connection, seed, n, name, start

    def put(self, data):
        self.c.sendall(data)

    def drip(self, data):
        """A few bytes at a time, at most two seconds, then perhaps nothing more for a while."""
        end, step, at = time.time() + 2, self.r.choice([1, 7, 100]), 0
        while at < len(data) and time.time() < end:
            self.put(data[at:at + step])
            at += step
            time.sleep(self.r.choice([0.01, 0.05, 0.2]))
        if at < len(data):
            time.sleep(self.r.choice([0, 2]))

    def location(self):
        where = self.r.choice(LOCATIONS)
        return where.format(self=self.path(), n=self.n, name=self.name, other=self.seed + 1000000, port=port)

    def path(self):
        return "/%d/%s" % (self.seed, self.name)

    def tag(self):
        return self.r.choice(['"%d"' % len(data), '"%d"' % len(data), '"other"', 'W/"1"', '"' + "e" * 5000 + '"', '"', "", '"%d"' % self.n, "\xff\xfe"])

    def body(self, status):
        r, whole = self.r, data[self.start:] if status == 206 else data
        kind = r.choice(["right"] * 6 + ["cut", "cut", "cut", "changed", "flipped", "longer", "empty", "much", "page"])
        if kind == "cut":
            return whole[:r.randrange(len(whole) + 1)]
        if kind == "changed":
            return bytes(reversed(whole))
        if kind == "flipped" and whole:
            at = r.randrange(len(whole))
            return whole[:at] + bytes([whole[at] ^ (1 << r.randrange(8))]) + whole[at + 1:]
        if kind == "longer":
            return whole + bytes(r.randrange(256) for _ in range(r.choice([1, 100, 5000])))
        if kind == "empty":
            return b""
        if kind == "much":
            return whole + b"\0" * r.choice([1 << 16, 1 << 22])
        if kind == "page":
            return b"<!doctype html><title>Sign in</title>"
        return whole

    def length(self, body):
        right = str(len(body))
        return self.r.choice([right] * 8 + [str(len(data)), str(len(body) + 1), str(max(0, len(body) - 1)), "0", "-1", "99999999999999999999", "1e3", "", "x",
                                            str(1 << 62), right + ", " + right, None, None])

    def range(self):
        size, r = len(data), self.r
        right = "bytes %d-%d/%d" % (self.start, size - 1, size)
        return r.choice([right] * 6 + ["bytes 0-%d/%d" % (size - 1, size), "bytes %d-%d/*" % (self.start, size - 1), "bytes %d-%d/%d" % (self.start + 1, size, size + 1),
                                       "bytes */%d" % size, "bytes -5--1/3", "bytes 99999999999999999999-1/2", "", "items 1-2/3", None])

    def chunked(self, body):
        r, out, at = self.r, b"", 0
        while at < len(body):
            step = r.choice([1000, 10000, 65536])
            piece = body[at:at + step]
            out += b"%x\r\n" % (len(piece) if r.random() < 0.98 else r.choice([0, 1 << 40, len(piece) + 1])) + piece + r.choice([b"\r\n"] * 50 + [b"", b"\n", b"zz"])
            at += step
        return out + r.choice([b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"", b"zz\r\n"])

    def headers(self, status, body):
        r, lines = self.r, []
        chunks = r.random() < 0.1
        length = None if chunks else self.length(body)
        if length is not None:
            lines.append("Content-Length: " + length)
        if chunks:
            lines.append("Transfer-Encoding: " + r.choice(["chunked", "chunked", "chunked, gzip", "x"]))
        if status == 206:
            value = self.range()
            if value is not None:
                lines.append("Content-Range: " + value)
        if r.random() < 0.7:
            lines.append("ETag: " + self.tag())
        if r.random() < 0.3:
            lines.append("Last-Modified: " + r.choice(["Mon, 01 Jan 2024 00:00:00 GMT", "yesterday", "", "Mon, 99 Foo -5"]))
        if 300 <= status < 400:
            lines.append("Location: " + self.location())
        if status in (429, 503):
            lines.append("Retry-After: " + r.choice(["0", "-1", "x", "0.5", "Mon, 01 Jan 2024 00:00:00 GMT", "1e-9"]))
        odd = r.random()
        if odd < 0.02:
            lines += ["X-%d: %s" % (i, "y" * 1000) for i in range(r.choice([10, 500]))]
        elif odd < 0.04:
            lines.append("no colon here")
        elif odd < 0.06:
            lines.append("Content-Encoding: gzip")
        elif odd < 0.08:
            lines.append("Content-Length: %d" % r.randrange(1 << 20))
        elif odd < 0.10:
            lines.append("\x00\x01: \xff")
        r.shuffle(lines)
        return lines, chunks

    def give(self, head):
        r, first = self.r, self.r.random()
        if first < 0.03:
            return self.put(r.choice([b"", b"\0" * 100, b"HTTP/9.9 abc\r\n\r\n", b"HTTP/1.1 -5 x\r\n\r\n", b"<html>", b"\r\n" * 50, os.urandom(300)]))
        if first < 0.05:
            self.put(b"HTTP/1.1 100 Continue\r\n\r\n" * r.choice([1, 20, 1000]))
        if first < 0.07:
            time.sleep(2)
        status = 206 if self.start and r.random() < 0.8 else 200 if r.random() < 0.75 else r.choice(STATUSES)
        body = b"" if status == 204 else self.body(status)
        lines, chunks = self.headers(status, body)
        text = ("HTTP/%s %d %s\r\n" % (r.choice(["1.1"] * 9 + ["1.0"]), status, r.choice(["OK", "", "x" * 50]))
                + "".join(line + "\r\n" for line in lines) + "\r\n").encode("latin-1")
        out = text + (b"" if head and r.random() < 0.95 else self.chunked(body) if chunks else body)
        if r.random() < 0.05:
            self.drip(out)
        else:
            self.put(out)
        if r.random() < 0.1:
            self.put(b"garbage after the end")
        if r.random() < 0.05:
            time.sleep(2)


def good(connection, head, start):
    first = "HTTP/1.1 200 OK\r\n" if not start else "HTTP/1.1 206 OK\r\nContent-Range: bytes %d-%d/%d\r\n" % (start, len(data) - 1, len(data))
    connection.sendall((first + "Content-Length: %d\r\nConnection: close\r\n\r\n" % (len(data) - start)).encode() + (b"" if head else data[start:]))


def serve(connection):
    r = random.Random(0)
    try:
        connection.settimeout(20)
        request = b""
        while b"\r\n\r\n" not in request:
            piece = connection.recv(65536)
            if not piece:
                return
            request += piece
        lines = request.decode("latin-1").split("\r\n")
        method, where = lines[0].split(" ")[:2]
        start = 0
        for line in lines[1:]:
            if line.lower().startswith("range: bytes="):
                start = min(int(line[13:].split("-")[0]), len(data))
        seed, name = where.split("?")[0].lstrip("/").split("/", 1)
        if seed == "good":
            return good(connection, method == "HEAD", start if start < len(data) else 0)
        with lock:
            n = asked[where] = asked.get(where, 0) + 1
        r = random.Random("%s %d" % (where, n))
        Answer(r, connection, int(seed), n, name, start).give(method == "HEAD")
    except (OSError, ValueError):
        pass
    finally:
        if r.random() < 0.1:  # a reset in the place of an end
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


server = socket.create_server(("127.0.0.1", 0), backlog=64)
port = server.getsockname()[1]


def accept():
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
with open(port_file + ".tmp", "w") as file:
    file.write(str(port))
os.rename(port_file + ".tmp", port_file)
sys.stdin.read()
os._exit(0)
