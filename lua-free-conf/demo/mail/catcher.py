#!/usr/bin/env python3
"""A mail server that delivers into a web page: for the demo only.

    catcher.py PORT FOLDER      listens on 127.0.0.1:PORT, keeps FOLDER/index.html and FOLDER/mails.jsonl
"""
import email
import email.policy
import html
import json
import os
import signal
import sys
import threading

from aiosmtpd.controller import Controller

PAGE = """<!DOCTYPE html>
<html lang="fr"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Courriels de démonstration</title>
<link rel="icon" href="data:,"><style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }}
body {{ max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
article {{ border: 1px solid #8886; border-radius: .5rem; padding: 1rem; margin: 1rem 0; }}
h2 {{ font-size: 1.1rem; margin: 0; }} p {{ margin: .25rem 0 1rem; opacity: .75; }}
pre {{ white-space: pre-wrap; font: inherit; margin: 0; }}
</style></head><body><h1>Courriels de démonstration</h1>{mails}</body></html>
"""
MAIL = "<article><h2>{subject}</h2><p>à {to}</p><pre>{text}</pre></article>"


class Catcher:
    def __init__(self, folder):
        self.folder, self.mails = folder, []
        self.write()

    async def handle_DATA(self, _server, _session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = message.get_body(("plain",))
        mail = {"to": ", ".join(envelope.rcpt_tos), "subject": str(message["Subject"]),
                "text": body.get_content() if body else ""}
        self.mails.insert(0, mail)
        with open(os.path.join(self.folder, "mails.jsonl"), "a", encoding="utf-8") as file:
            file.write(json.dumps(mail, ensure_ascii=False) + "\n")
        self.write()
        return "250 delivered"

    def write(self):
        mails = "".join(MAIL.format(**{name: html.escape(text) for name, text in mail.items()}) for mail in self.mails)
        path = os.path.join(self.folder, "index.html")
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(PAGE.format(mails=mails or "<p>Aucun pour le moment.</p>"))
        os.replace(path + ".new", path)


def main():
    port, folder = int(sys.argv[1]), sys.argv[2]
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    controller = Controller(Catcher(folder), hostname="127.0.0.1", port=port)
    controller.start()
    ended.wait()
    controller.stop()


main()
