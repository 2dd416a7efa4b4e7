"""Stands for `vllm serve` where only its process matters: it listens late, fails, hangs or will not end.

python slow_server.py [--after S] [--fail TEXT] [--stubborn] --host H --port P
"""

import argparse
import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        allowed = self.headers["Authorization"] == f"Bearer {os.environ['VLLM_API_KEY']}"
        body = json.dumps({"data": [{"id": str(os.getpid())}]}).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Silent."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--after", type=float, default=0.0)
    parser.add_argument("--fail", default="")
    parser.add_argument("--stubborn", action="store_true")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    print("INFO starting", flush=True)  # noqa: T201
    if options.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(options.after)
    if options.fail:
        print(options.fail, flush=True)  # noqa: T201
        sys.exit(3)
    HTTPServer((options.host, options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
