// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Proof of transit: keys where they are needed, and nowhere else.

use ioam_dp::table::spec::{ActionSpec, NodeSpec, OptionSpec, ProofOfTransitSpec};

use super::Surroundings;
use crate::model::{Model, PotProfile};
use crate::report::Problems;
use crate::scalar::get;
use crate::text::NodeAction;

/// Checks the keys of a section whose namespaces are known to be declared.
pub(super) fn check(
    keys: &PotProfile,
    action: NodeAction,
    model: &Model,
    around: &Surroundings,
    problems: &mut Problems,
) {
    get(&keys.pot_type, problems);
    for item in &keys.use_namespace.items {
        let Some(id) = item.get(problems).map(|id| id.0) else {
            continue;
        };
        let declared = around.namespaces.iter().find(|spec| spec.id == id);
        let Some(namespace) = declared else { continue };
        match &namespace.proof_of_transit {
            None if names_keys(model, id) => {}
            None => {
                let what = format!("namespace {id} has no keys for proofs of transit");
                let help = format!("add `pot-keys: FILE` to `- id: {id}` in `namespaces`");
                problems.error(item.place, what, help);
            }
            Some(keys) if action == NodeAction::Decapsulate && !verifies(keys) => {
                let what = format!("a proof in namespace {id} cannot be verified without secret");
                let help = "add `secret:` to every set of its key file";
                problems.error(item.place, what, help);
            }
            Some(_) => {}
        }
    }
}

/// Whether the namespace has a key file, which then is what is wrong.
fn names_keys(model: &Model, id: u16) -> bool {
    let mut namespaces = model.namespaces.iter().flatten();
    namespaces.any(|namespace| {
        let own = namespace.id.get(&mut Problems::default());
        namespace.pot_keys.is_some() && own.is_some_and(|own| own.0 == id)
    })
}

fn verifies(keys: &ProofOfTransitSpec) -> bool {
    keys.sets.iter().all(|set| set.secret.is_some())
}

/// The options of an encapsulating section.
pub(super) fn options(namespaces: &[u16]) -> Vec<OptionSpec> {
    let option = |namespace: &u16| OptionSpec::ProofOfTransit {
        namespace: *namespace,
    };
    namespaces.iter().map(option).collect()
}

/// Warns of secrets at a node that verifies nothing with them.
pub(super) fn needless_secrets(model: &Model, spec: &NodeSpec, problems: &mut Problems) {
    for namespace in model.namespaces.iter().flatten() {
        let (Some(id), Some(key)) = (namespace.id.get(problems), &namespace.pot_keys) else {
            continue;
        };
        let own = spec.namespaces.iter().find(|spec| spec.id == id.0);
        let keys = own.and_then(|spec| spec.proof_of_transit.as_ref());
        let secret = keys.is_some_and(|keys| keys.sets.iter().any(|set| set.secret.is_some()));
        let takes = |action: &ActionSpec| matches!(action, ActionSpec::Decapsulate(what) if what.namespaces.contains(&id.0));
        let mut profiles = spec.profiles.iter();
        if secret && !profiles.any(|profile| takes(&profile.action)) {
            let what = format!(
                "this node has the secret of namespace {} and takes no proof out",
                id.0
            );
            let help = "leave `secret` out of the key file of every node but the verifying one";
            problems.warning(key.place, what, help);
        }
    }
}
