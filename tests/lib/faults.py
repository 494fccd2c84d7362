# SPDX-License-Identifier: GPL-2.0-or-later
"""What a key broker for tests does wrong, a name each: broker.py listens once for each that is asked for.

A fault changes one thing of a conversation that is otherwise good. Those in RIGHT are unusual and no mistake:
the client has to get its secret. Three take numbers: reset-in:FIRST:STEP and reset-out:FIRST:STEP reset the
connection behind that many bytes from, or to the client, and STEP bytes later in each connection that follows."""

import ssl

FAULTS = {}
RIGHT = []


class Fault:
    """The behaviour of one listener; without changes, a good one."""

    def __init__(self, name, certificate="server", tls=None, listens=True, greet=None):
        self.name, self.certificate, self.tls, self.listens = name, certificate, tls, listens
        self.greet = greet or (lambda wire: None)
        self.change = {}    # step: function(broker, session, answer), returns the answer to send
        self.sending = {}   # step: function(wire, answer)
        self.limits = lambda turn: (None, None)

    def context(self, certificates):
        context = certificates.context(self.certificate)
        if self.tls:
            self.tls(context)
        return context

    def answer(self, step, broker, session, answer):
        change = self.change.get(step)
        # What the broker itself refuses stays as it is, or a fault would hide a client's mistake.
        if not change or answer.status != 200:
            return answer
        return change(broker, session, answer) or answer

    def deliver(self, step, wire, answer):
        if step in self.sending:
            self.sending[step](wire, answer)
        else:
            wire.send(answer.bytes())


def listener(name, right=False, **properties):
    FAULTS[name] = Fault(name, **properties)
    if right:
        RIGHT.append(name)
    return FAULTS[name]


def at(step, name, right=False):
    """Decorates what changes the answer of a step."""
    def add(function):
        fault = FAULTS.get(name) or listener(name, right)
        fault.change[step] = function
        return function
    return add


def sends(step, name, right=False):
    """Decorates what sends the answer of a step."""
    def add(function):
        fault = FAULTS.get(name) or listener(name, right)
        fault.sending[step] = function
        return function
    return add


def find(name):
    word, *numbers = name.split(":")
    if word not in ("reset-in", "reset-out"):
        return FAULTS[name]
    first, step = map(int, numbers)
    fault = Fault(name)

    def limits(turn):
        behind = first + step * turn
        return (behind, None) if word == "reset-in" else (None, behind)
    fault.limits = limits
    return fault


listener("good", right=True)

# Connection and TLS

listener("refused", listens=False)
listener("reset-at-once", greet=lambda wire: wire.reset())
listener("closed-at-once", greet=lambda wire: wire.close())
listener("not-tls", greet=lambda wire: (wire.raw_receive(),
                                        wire.raw_send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), wire.close()))
listener("silent", greet=lambda wire: [wire.raw_receive() for _ in iter(int, 1)])
listener("expired", right=True, certificate="expired")
listener("early", right=True, certificate="early")
listener("other-key", certificate="other-key")
listener("other-ca", certificate="other-ca")
listener("other-name", certificate="other-name")


def tls_old(context):
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")


def tls_12(context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def tls_group(context):
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # In no client's list, and not for TLS 1.3 at all.
    context.set_ecdh_curve("brainpoolP256r1")


def tls_cipher(context):
    tls_12(context)
    context.set_ciphers("ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0")


listener("tls-1.1", tls=tls_old)
listener("tls-1.2", right=True, tls=tls_12)
listener("no-common-group", tls=tls_group)
listener("no-common-cipher", tls=tls_cipher)
