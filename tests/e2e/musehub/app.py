"""MuseHub: it is up while it logs in to its database, and answers 200 to the runner whose token it has loaded.

It loads .env when it gets SIGHUP, and ends with its standard input.
"""

import hmac
import http.server
import os
import pathlib
import signal
import subprocess
import sys
import threading

env = {}
loads = 0
psql, port = sys.argv[1:]


def publish(name, text):
    """Writes a file that others never see half written."""
    pathlib.Path(name + ".new").write_text(str(text))
    os.replace(name + ".new", name)


def load(*_):
    global env, loads
    env = dict(line.split("=", 1) for line in pathlib.Path(".env").read_text().splitlines())
    loads += 1
    publish("loads", loads)


def logs_in():
    """Whether the database lets it in with the password that it has loaded."""
    login = [psql, "-XqAt", "-h", "127.0.0.1", "-p", port, "-U", "musehub", "-d", "musehub", "-w", "-c", "SELECT 1"]
    known = {"PATH": os.environ["PATH"], "PGPASSWORD": env.get("DB_PASSWORD", "")}
    return subprocess.run(login, env=known, capture_output=True).returncode == 0


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        given = self.headers.get("Authorization", "").encode()
        wanted = ("Bearer " + env["RUNNER_TOKEN"]).encode() if "RUNNER_TOKEN" in env else None
        if self.path == "/explore":
            status = 200 if logs_in() else 503
        elif self.path == "/runner":
            status = 200 if wanted and hmac.compare_digest(given, wanted) else 401
        else:
            status = 404
        self.send_response(status)
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
