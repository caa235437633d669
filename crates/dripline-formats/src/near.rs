//! The nearest of some known words.

/// The known word nearest to what was written, if it is near enough to be what was meant.
#[must_use]
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written: Vec<char> = plain(written);
    known
        .into_iter()
        .map(|word| (distance(&written, &plain(word)), word))
        .filter(|(d, word)| *d * 3 <= word.chars().count().max(3))
        .min_by_key(|(d, _)| *d)
        .map(|(_, word)| word)
}

/// Known words that may be meant: those that hold what was written, then those near it; at most `most`.
#[must_use]
pub fn near<'a>(written: &str, known: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let plain_written = plain(written);
    let lower: String = plain_written.iter().collect();
    let mut found: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|word| {
            let candidate = plain(word);
            let d = distance(&plain_written, &candidate);
            let holds = lower.len() > 2 && candidate.iter().collect::<String>().contains(&lower);
            let parts = shared_parts(&lower, word);
            (holds || d * 2 <= candidate.len() || parts > 1).then_some((if holds { 0 } else { d - parts.min(d) }, word))
        })
        .collect();
    found.sort();
    found.into_iter().take(most).map(|(_, word)| word).collect()
}

fn plain(word: &str) -> Vec<char> {
    word.chars().flat_map(char::to_lowercase).map(|c| if c == '-' || c == ' ' { '_' } else { c }).collect()
}

fn shared_parts(written: &str, word: &str) -> usize {
    word.split('-').filter(|part| part.len() > 3 && written.split('_').any(|w| w == *part)).count()
}

/// Edits between two words: letters put in, left out, changed, or two neighbours swapped.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let keys = ["start", "stop", "stop_source", "dose", "drug"];
        assert_eq!(nearest("stopp", keys), Some("stop"));
        assert_eq!(nearest("strat", keys), Some("start"));
        assert_eq!(nearest("Stop-Source", keys), Some("stop_source"));
        assert_eq!(nearest("patient_name", keys), None);
        assert_eq!(nearest("", keys), None);
    }

    #[test]
    fn part_of_an_id_finds_the_ids_that_hold_it() {
        let ids = ["same-push-again-office", "same-push-again-facility", "push-definition"];
        assert_eq!(near("push-again", ids, 5), ["same-push-again-facility", "same-push-again-office"]);
        assert_eq!(near("push-same-again", ids, 1), ["same-push-again-office"]);
    }
}
