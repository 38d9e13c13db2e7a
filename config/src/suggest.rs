// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Did you mean …?

/// The candidate nearest to what was written, when it is near enough to be a slip.
pub(crate) fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let written = written.to_ascii_lowercase().replace('_', "-");
    let slips = ((written.chars().count() + 1) / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&written, candidate), candidate))
        .filter(|(distance, _)| *distance <= slips && *distance < written.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Help for a word that is none of `candidates`: the nearest, or else all of them.
pub(crate) fn help<'a>(
    written: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match nearest(written, candidates.clone()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("{what}: {}", list(candidates)),
    }
}

/// The words, quoted, with commas.
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words
        .into_iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        assert_eq!(
            nearest("max_lenght", ["max-length", "placement"]),
            Some("max-length")
        );
        assert_eq!(nearest("lunix", ["rfc", "linux"]), Some("linux"));
        assert_eq!(nearest("windows", ["rfc", "linux"]), None);
        assert_eq!(nearest("", ["id"]), None);
    }
}
