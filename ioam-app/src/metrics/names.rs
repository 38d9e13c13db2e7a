// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Names of counters: in a snapshot and as metrics.

/// A counter's name in a snapshot, the metric's, and what it counts.
pub(super) type Named = (&'static str, &'static str, &'static str);

/// Of a port.
pub(super) const PORTS: [Named; 8] = [
    (
        "received",
        "ioam_port_received_packets_total",
        "Packets that workers received.",
    ),
    (
        "received_octets",
        "ioam_port_received_bytes_total",
        "Octets that workers received, from the Ethernet header on.",
    ),
    (
        "sent",
        "ioam_port_sent_packets_total",
        "Packets handed to the port.",
    ),
    (
        "sent_octets",
        "ioam_port_sent_bytes_total",
        "Octets sent, as the driver counts them.",
    ),
    (
        "rx_missed",
        "ioam_port_receive_missed_packets_total",
        "Packets for which the receive queues had no room.",
    ),
    (
        "rx_errors",
        "ioam_port_receive_errors_total",
        "Packets received with errors.",
    ),
    (
        "rx_no_buffer",
        "ioam_port_receive_no_buffer_packets_total",
        "Packets for which there was no packet buffer.",
    ),
    (
        "tx_errors",
        "ioam_port_send_errors_total",
        "Packets that could not be sent.",
    ),
];

/// Of a namespace.
pub(super) const NAMESPACES: [Named; 7] = [
    (
        "filled",
        "ioam_namespace_filled_total",
        "Traces this node wrote its data into.",
    ),
    (
        "overflowed",
        "ioam_namespace_overflowed_total",
        "Traces without room for this node's data.",
    ),
    (
        "encapsulated",
        "ioam_namespace_encapsulated_total",
        "Options put into packets.",
    ),
    (
        "decapsulated",
        "ioam_namespace_decapsulated_total",
        "Options taken out of packets.",
    ),
    (
        "exported",
        "ioam_namespace_exported_total",
        "Direct exports made.",
    ),
    (
        "proved",
        "ioam_namespace_proved_total",
        "Proofs of transit this node added its share to.",
    ),
    (
        "proofs_valid",
        "ioam_namespace_proofs_valid_total",
        "Proofs of transit that were verified and found good.",
    ),
];

/// Of a profile.
pub(super) const PROFILES: [Named; 4] = [
    (
        "selected",
        "ioam_profile_selected_packets_total",
        "Packets the profile's filter wanted.",
    ),
    (
        "sampled",
        "ioam_profile_sampled_packets_total",
        "Of these, packets the sampling took.",
    ),
    (
        "done",
        "ioam_profile_done_packets_total",
        "Packets the profile's action was carried out on.",
    ),
    (
        "records",
        "ioam_profile_records_total",
        "Records handed over for export.",
    ),
];

/// Of what a profile accounts for.
pub(super) const SEQUENCES: [Named; 6] = [
    (
        "received",
        "ioam_sequence_received_packets_total",
        "Packets with a sequence number, every copy counted.",
    ),
    (
        "lost",
        "ioam_sequence_lost_packets_total",
        "Sequence numbers that did not arrive.",
    ),
    (
        "reordered",
        "ioam_sequence_reordered_packets_total",
        "Packets that arrived behind one with a larger number.",
    ),
    (
        "duplicates",
        "ioam_sequence_duplicate_packets_total",
        "Packets that arrived again.",
    ),
    (
        "late",
        "ioam_sequence_late_packets_total",
        "Packets that arrived after they had been given up.",
    ),
    (
        "restarts",
        "ioam_sequence_restarts_total",
        "Times a sequence started over.",
    ),
];

/// Of a collector of IPFIX.
pub(super) const COLLECTORS: [Named; 9] = [
    (
        "produced",
        "ioam_collector_produced_records_total",
        "Records for a collector: those sent, dropped and waiting.",
    ),
    (
        "sent",
        "ioam_collector_sent_records_total",
        "Records whose messages the system took.",
    ),
    (
        "dropped",
        "ioam_collector_dropped_records_total",
        "Records that are lost: no room, a connection that broke, the end.",
    ),
    (
        "data_records",
        "ioam_collector_sent_data_records_total",
        "Data Records of IPFIX the system took.",
    ),
    (
        "messages",
        "ioam_collector_sent_messages_total",
        "Messages of IPFIX the system took.",
    ),
    (
        "octets",
        "ioam_collector_sent_bytes_total",
        "Octets of these messages.",
    ),
    (
        "connections",
        "ioam_collector_connections_total",
        "Times a connection was made, or a socket opened.",
    ),
    (
        "failures",
        "ioam_collector_failures_total",
        "Times that failed, or that what was made broke.",
    ),
    (
        "refused",
        "ioam_collector_refused_total",
        "Times the collector's machine said that nobody listens there.",
    ),
];

/// Of an output.
pub(super) const OUTPUTS: [Named; 4] = [
    (
        "written",
        "ioam_export_written_records_total",
        "Records written.",
    ),
    (
        "lost",
        "ioam_export_lost_records_total",
        "Records that could not be written.",
    ),
    (
        "discarded",
        "ioam_export_discarded_records_total",
        "Records that nobody asked for.",
    ),
    (
        "write_errors",
        "ioam_export_write_errors_total",
        "Times that writing failed.",
    ),
];
