# SPDX-License-Identifier: GPL-2.0-or-later
"""A key broker for benchmarks: takes old evidence, since another client than ours can only repeat what was said, and
gives back what that was."""

import broker


class Lenient(broker.Broker):
    """Believes whatever it is told. The body of the last auth is the resource said/auth, that of attest said/attest."""

    def __init__(self, *args):
        super().__init__(*args)
        self.said = {}

    def find(self, request):
        return list(self.sessions.values())[-1]

    def auth(self, request):
        self.said["auth"] = request.body
        return super().auth(request)

    def attest(self, nr, request):
        session = self.find(request)
        self.said["attest"] = request.body
        session.key = request.json()["runtime-data"]["tee-pubkey"]
        session.attested = True
        return session, broker.Answer(200, {"token": "a.b.c"}, cookie=session.id)

    def resource(self, request, path):
        if path.startswith("said/"):
            return None, broker.Answer(200, self.said[path[len("said/"):]])
        return super().resource(request, path)
