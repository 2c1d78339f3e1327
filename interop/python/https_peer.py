"""Serves policies and takes reports over HTTPS on a free port of 127.0.0.1, with Python's http.server.

    https_peer.py CERT KEY FOLDER

A request for /.well-known/mta-sts.txt gets the file of FOLDER that is named as its Host, less the port. What is
posted is taken. It greets with {"https": VERSION, "port": 12345}; {} asks for the hosts whose policy was asked for,
and for what was posted, since the last question:
    -> {"hosts": ["mta-sts.d.test"], "posted": [{"host": "reports.test", "path": "/", "type": "...", "data": BASE64}]}
"""

import base64
import http.server
import json
import pathlib
import ssl
import sys
import threading

certificate, key, folder = sys.argv[1:]
hosts, posted = [], []


class Handler(http.server.BaseHTTPRequestHandler):
    def host(self):
        return self.headers.get("Host", "").split(":")[0]

    def do_GET(self):
        hosts.append(self.host())
        file = pathlib.Path(folder) / pathlib.Path(self.host()).name
        if self.path != "/.well-known/mta-sts.txt" or not file.is_file():
            self.send_error(404)
            return
        body = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        posted.append(
            {
                "host": self.host(),
                "path": self.path,
                "type": self.headers["Content-Type"],
                "data": base64.b64encode(data).decode(),
            }
        )
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"https": sys.version.split()[0], "port": server.server_port}), flush=True)
for _ in sys.stdin:
    print(json.dumps({"hosts": hosts, "posted": posted}), flush=True)
    hosts.clear()
    posted.clear()
