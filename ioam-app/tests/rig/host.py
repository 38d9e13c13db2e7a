#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A host's sockets. Prints "ready" when it listens, and a summary at the end.

usage: host.py tcp-sink ADDRESS PORT           digest of what one connection brought
       host.py tcp-source ADDRESS PORT OCTETS  sends pseudo-random octets, prints their digest
       host.py udp-echo ADDRESS PORT           returns datagrams until killed
       host.py udp-ask ADDRESS PORT COUNT SIZE numbered datagrams; how many came back whole
"""
import hashlib
import random
import socket
import sys
import time

role, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
PATIENCE = 20


def tcp_sink():
    listener = socket.create_server((address, port), family=socket.AF_INET6)
    listener.settimeout(PATIENCE)
    print("ready", flush=True)
    connection, _ = listener.accept()
    connection.settimeout(PATIENCE)
    digest, octets = hashlib.sha256(), 0
    while piece := connection.recv(1 << 16):
        digest.update(piece)
        octets += len(piece)
    print(octets, digest.hexdigest(), flush=True)


def tcp_source():
    octets = int(sys.argv[4])
    data = random.Random(1).randbytes(octets)
    with socket.create_connection((address, port), timeout=PATIENCE) as connection:
        connection.sendall(data)
    print(octets, hashlib.sha256(data).hexdigest(), flush=True)


def udp_echo():
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.bind((address, port))
    print("ready", flush=True)
    while True:
        data, peer = server.recvfrom(65536)
        server.sendto(data, peer)


def udp_ask():
    count, size = int(sys.argv[4]), int(sys.argv[5])
    client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    client.connect((address, port))
    client.settimeout(3)
    returned = 0
    for number in range(count):
        data = number.to_bytes(4, "big") * (size // 4)
        client.send(data)
        try:
            returned += client.recv(65536) == data
        except TimeoutError:
            pass
        time.sleep(0.0002)
    print(returned, flush=True)


{"tcp-sink": tcp_sink, "tcp-source": tcp_source, "udp-echo": udp_echo, "udp-ask": udp_ask}[role]()
