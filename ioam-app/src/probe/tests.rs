// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Records of two destinations, read as a file.

use super::*;

/// A probe that ended: its destination and path, with a timestamp of each node in microseconds.
fn active(to: u8, second: u32, path: &[(u32, u32)]) -> String {
    let nodes: Vec<_> = path
        .iter()
        .map(|(id, micros)| {
            format!(
                r#"{{"node_id":{id},"timestamp_seconds":{second},"timestamp_fraction":{micros}}}"#
            )
        })
        .collect();
    format!(
        r#"{{"time":"2024-08-13T14:43:46.000500000Z","namespace":123,"option_type":"preallocated-trace","occasion":"active","timestamp_format":"posix","outer":{{"source":"2001:db8::a","destination":"2001:db8::d"}},"flow":{{"source":"2001:db8::a","destination":"2001:db8:2::{to}","source_port":1,"destination_port":2,"next_header":17,"flow_label":0}},"nodes":[{}]}}"#,
        nodes.join(",")
    ) + "\n"
}

fn report(flow: &str, distinct: u64, lost: u64, last: bool) -> String {
    format!(
        r#"{{"record":"sequence-report","namespace":123,"option_type":"edge-to-edge","outer_source":"2001:db8::a","flow_id":null,"flow":{flow},"last":{last},"packets":{distinct},"received":{distinct},"distinct":{distinct},"lost":{lost},"pending":0,"reordered":1,"duplicates":0,"late":0,"restarts":0,"delay":{{"packets":{distinct},"min":1000,"mean":2000,"max":3000,"jitter":250,"mean_variation":7}}}}"#
    ) + "\n"
}

fn looped(path: &[u32]) -> String {
    let nodes: Vec<_> = path
        .iter()
        .map(|id| format!(r#"{{"hop_limit":64,"node_id":{id}}}"#))
        .collect();
    format!(
        r#"{{"time":null,"namespace":123,"option_type":"preallocated-trace","occasion":"looped-back","outer":{{"source":"2001:db8::b","destination":"2001:db8::a"}},"flow":{{"source":"2001:db8::b","destination":"2001:db8::a"}},"nodes":[{}]}}"#,
        nodes.join(",")
    ) + "\n"
}

fn read_text(text: &str) -> Result<Summary> {
    tally("a test", &mut text.as_bytes()).map(|tally| Summary::from(&tally))
}

const SECOND: u32 = 1_723_560_226;

#[test]
fn a_destination_has_its_path_delays_and_loss() {
    let text = [
        active(1, SECOND, &[(10, 100), (12, 400)]),
        active(1, SECOND, &[(10, 100), (11, 300)]),
        report("null", 1, 0, false),
        active(1, SECOND, &[(10, 200), (11, 450)]),
        report("null", 3, 1, true),
        "{\"time\":null,\"namespace\":123,\"option_type\":\"direct-export\",\"occasion\":\"direct-export\"}\n".to_owned(),
        "{\"record\":\"seq".to_owned(),
    ];
    let summary = read_text(&text.concat()).unwrap();
    let expected = "\n\
2001:db8::a -> 2001:db8:2::1: 3 probes ended here (namespace 123)
path: 0x00000a -> 0x00000b
hop  node           min      mean       max
1    0x00000a         -         -         -
2    0x00000b  200.0 µs  225.0 µs  250.0 µs
3    (end)      50.0 µs  125.0 µs  200.0 µs
other paths before: 1 probe
loss: 1 of 4 (25.00 %), 1 reordered [edge-to-edge, namespace 123]
one-way delay: min 1.0 µs, mean 2.0 µs, max 3.0 µs, jitter 250 ns
";
    assert_eq!(summary.to_string(), expected);
    let json = serde_json::to_value(&summary).unwrap();
    let destination = &json["destinations"][0];
    assert_eq!(destination["received"], 3);
    assert_eq!(destination["paths"][0]["received"], 2);
    assert_eq!(destination["paths"][0]["hops"][1]["node"], "0x00000b");
    assert_eq!(destination["paths"][0]["hops"][1]["delay"]["mean"], 225_000);
    assert_eq!(destination["paths"][1]["hops"][1]["node"], "0x00000c");
    assert_eq!(destination["sequences"][0]["loss_ratio"], 0.25);
    assert!(json.get("sent").is_none() && json.get("not_sent").is_none());
}

#[test]
fn sequences_go_to_their_flow_or_to_all_of_their_source() {
    let flow = r#"{"source":"2001:db8::a","destination":"2001:db8:2::2"}"#;
    let text = [
        active(1, SECOND, &[(10, 100)]),
        active(2, SECOND, &[(10, 100)]),
        report(flow, 5, 0, true),
        report(flow, 4, 2, false),
        report("null", 9, 0, false),
    ];
    let json = serde_json::to_value(read_text(&text.concat()).unwrap()).unwrap();
    let of = |place: usize| &json["destinations"][place]["sequences"];
    assert_eq!(of(0).as_array().unwrap().len(), 0);
    assert_eq!(
        (&of(1)[0]["distinct"], &of(1)[0]["lost"]),
        (&9.into(), &2.into())
    );
    assert_eq!(json["sequences"][0]["distinct"], 9);
}

#[test]
fn copies_are_counted_by_the_hop_that_sent_them_back() {
    let text = [
        looped(&[10, 11, 12]),
        looped(&[10, 11]),
        looped(&[10, 11]),
        looped(&[10]),
    ];
    let summary = read_text(&text.concat()).unwrap();
    let expected = "\n\
looped back to 2001:db8::a: 4 copies
hop  node      copies
1    0x00000a       1
2    0x00000b       2
3    0x00000c       1
";
    assert_eq!(summary.to_string(), expected);
}

#[test]
fn what_is_no_record_is_said_with_its_line() {
    let error = read_text(&(active(1, SECOND, &[]) + "\nnonsense\n")).unwrap_err();
    assert!(
        error.to_string().contains("a test: line 3 is no record"),
        "{error}"
    );
    let error = read(Path::new("/nonesuch/records")).unwrap_err();
    assert!(
        error.to_string().contains("--report /nonesuch/records"),
        "{error}"
    );
    let nothing = read_text("").unwrap().to_string();
    assert!(nothing.contains("no probe ended here"), "{nothing}");
}
