# SPDX-License-Identifier: GPL-2.0-or-later
"""The host as a debugger: makes the guest's CPU skip a function of its kernel, over QEMU's gdb stub.

The protocol is gdb's remote serial protocol ("GDB Remote Serial Protocol" in gdb's manual); of it only what is needed:
g and G for the registers, m for memory, Z0 for a breakpoint, c. The first registers are eight bytes each, in the order
of gdb's amd64 target."""

import re
import socket
import threading

RSP, RIP = 7, 16
FUNCTION = "native_machine_shutdown"


class Skipper(threading.Thread):
    """Connects, sets a breakpoint at the address, and each time it is hit returns to the caller at once."""

    def __init__(self, path, address):
        super().__init__(daemon=True)
        self.address, self.skipped = address, 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.buffer = b""

    def run(self):
        try:
            # Connecting has stopped the machine, and that is reported without being asked.
            if self.ask(f"Z0,{self.address:x},1") != "OK":
                return
            while True:
                self.send("c")
                self.receive()                  # when the breakpoint is hit, or the machine ends
                registers = bytearray.fromhex(self.ask("g"))
                if word(registers, RIP) != self.address:
                    return
                top = word(registers, RSP)
                back = self.ask(f"m{top:x},8")
                registers[RIP * 8:RIP * 8 + 8] = bytes.fromhex(back)
                registers[RSP * 8:RSP * 8 + 8] = (top + 8).to_bytes(8, "little")
                if self.ask("G" + registers.hex()) != "OK":
                    return
                self.skipped += 1
        except (OSError, ValueError):
            return                              # the machine is gone

    def ask(self, text):
        """The answer to a request; reports of a stop are none."""
        self.send(text)
        while True:
            answer = self.receive()
            if not answer.startswith("T"):
                return answer

    def send(self, text):
        self.socket.sendall(f"${text}#{sum(text.encode()) % 256:02x}".encode())

    def receive(self):
        while True:
            found = re.search(rb"\$([^#]*)#..", self.buffer)
            if found:
                self.buffer = self.buffer[found.end():]
                self.socket.sendall(b"+")
                return found.group(1).decode()
            data = self.socket.recv(65536)
            if not data:
                raise OSError("closed")
            self.buffer += data


def word(registers, number):
    return int.from_bytes(registers[number * 8:number * 8 + 8], "little")
