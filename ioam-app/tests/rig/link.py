#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Raw frames of one interface as lines of hex: stdin is sent, what arrives is printed.

usage: link.py INTERFACE PAUSE_MICROSECONDS
"""
import socket
import struct
import sys
import threading
import time

SOL_PACKET, PACKET_AUXDATA, PACKET_OUTGOING, SO_RCVBUFFORCE = 263, 8, 4, 33
VLAN_VALID, VLAN_TPID_VALID = 0x10, 0x40

link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
link.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
link.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
link.bind((sys.argv[1], 3))
pause = int(sys.argv[2]) / 1e6


def receive():
    while True:
        frame, ancillary, _, address = link.recvmsg(65536, 256)
        if address[2] == PACKET_OUTGOING:
            continue
        for level, kind, data in ancillary:
            if (level, kind) != (SOL_PACKET, PACKET_AUXDATA):
                continue
            # The kernel takes the outermost VLAN tag out of the frame: put it back.
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", data[:20])
            if status & VLAN_VALID:
                tpid = tpid if status & VLAN_TPID_VALID else 0x8100
                frame = frame[:12] + struct.pack(">HH", tpid, tci) + frame[12:]
        sys.stdout.write(frame.hex() + "\n")
        sys.stdout.flush()


print("ready", flush=True)
threading.Thread(target=receive, daemon=True).start()
for line in sys.stdin:
    link.send(bytes.fromhex(line))
    time.sleep(pause)
