"""MuseHub: answers 200 to the runner whose token it has loaded. It loads .env when it gets SIGHUP, and ends with its standard input."""

import hmac
import http.server
import os
import pathlib
import signal
import sys
import threading

env = {}
loads = 0


def publish(name, text):
    """Writes a file that others never see half written."""
    pathlib.Path(name + ".new").write_text(str(text))
    os.replace(name + ".new", name)


def load(*_):
    global env, loads
    env = dict(line.split("=", 1) for line in pathlib.Path(".env").read_text().splitlines())
    loads += 1
    publish("loads", loads)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        given = self.headers.get("Authorization", "").encode()
        wanted = ("Bearer " + env["RUNNER_TOKEN"]).encode() if "RUNNER_TOKEN" in env else None
        routes = {
            "/explore": 200 if env else 503,
            "/runner": 200 if wanted and hmac.compare_digest(given, wanted) else 401,
        }
        self.send_response(routes.get(self.path, 404))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


signal.signal(signal.SIGHUP, load)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
publish("loads", loads)
publish("app.pid", os.getpid())
publish("app.port", server.server_address[1])
sys.stdin.read()
