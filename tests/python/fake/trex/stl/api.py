# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The names of TRex' API that bench/trex uses, which remember what they were given, and check what TRex checks."""


class STLVmFlowVar:
    def __init__(self, name, init_value=None, min_value=0, max_value=255, size=4, step=1, op="inc"):
        assert size in (1, 2, 4, 8) and op in ("inc", "dec", "random")
        assert all(0 <= value < 1 << 8 * size for value in (min_value, max_value, step)), "does not fit its size"
        assert min_value < max_value and step > 0
        assert (max_value - min_value + 1) % step == 0, "TRex would change the range to a whole cycle"
        self.name, self.size, self.step = name, size, step
        self.min_value, self.max_value, self.value = min_value, max_value, min_value


class STLVmWrFlowVar:
    def __init__(self, fv_name, pkt_offset, offset_fixup=0, add_val=0, is_big=True):
        assert isinstance(pkt_offset, int) and is_big
        self.fv_name, self.pkt_offset = fv_name, pkt_offset


class STLScVmRaw:
    def __init__(self, list_of_commands=None):
        self.commands = list_of_commands


class STLPktBuilder:
    def __init__(self, pkt=None, vm=None):
        self.pkt, self.vm = bytes(pkt), vm

    def sent(self, count):
        """The first packets, as TRex would send them."""
        commands = self.vm.commands if self.vm else []
        variables = {one.name: one for one in commands if isinstance(one, STLVmFlowVar)}
        for number in range(count):
            octets = bytearray(self.pkt)
            for one in commands:
                if isinstance(one, STLVmWrFlowVar):
                    variable = variables[one.fv_name]
                    span = variable.max_value - variable.min_value + 1
                    value = variable.min_value + number * variable.step % span
                    octets[one.pkt_offset:one.pkt_offset + variable.size] = value.to_bytes(variable.size, "big")
            yield bytes(octets)


class STLTXCont:
    def __init__(self, bps_L1=None, bps_L2=None, pps=None, percentage=None):
        self.pps = pps


class STLStream:
    def __init__(self, name=None, packet=None, mode=None):
        assert isinstance(packet, STLPktBuilder) and isinstance(mode, STLTXCont)
        self.name, self.packet, self.mode = name, packet, mode


class STLProfile:
    def __init__(self, streams=None):
        self.streams = streams

    def get_streams(self):
        return self.streams


class STLClient:
    """A generator in front of a device that forwards up to `capacity` packets a second."""

    def __init__(self, server="127.0.0.1", capacity=10_000_000, fastest=float("inf")):
        self.capacity, self.fastest, self.calls, self.result = capacity, fastest, [], None

    def connect(self):
        self.calls.append("connect")

    def disconnect(self):
        self.calls.append("disconnect")

    def reset(self, ports=None):
        self.calls.append(("reset", ports))

    def add_streams(self, streams, ports=None):
        assert streams
        self.calls.append(("add_streams", ports))

    def clear_stats(self):
        self.result = None

    def start(self, ports=None, mult="1", duration=-1, force=False):
        assert mult.endswith("pps") and force
        asked = float(mult[:-3])
        sent = min(asked, self.fastest)
        self.result = (round(sent * duration), round(min(sent, self.capacity) * duration))

    def wait_on_traffic(self, ports=None, timeout=None, rx_delay_ms=None):
        assert rx_delay_ms == 2000

    def get_stats(self):
        return {0: {"opackets": self.result[0], "ipackets": 0}, 1: {"opackets": 0, "ipackets": self.result[1]}}
