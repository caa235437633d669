//! Every dependency is under a licence of the allow-list.

use std::path::Path;
use std::process::Command;

const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Is some choice of the licence expression allowed as a whole?
fn allowed(expression: &str) -> bool {
    // With brackets every licence that is named has to be allowed: stricter than needed, and never too lax.
    if expression.contains('(') {
        let words = expression.replace(['(', ')'], "").replace(" AND ", " OR ");
        return words.split(" OR ").all(|licence| ALLOWED.contains(&licence.trim()));
    }
    expression
        .replace('/', " OR ")
        .replace(['(', ')'], "")
        .split(" OR ")
        .any(|choice| choice.split(" AND ").all(|licence| ALLOWED.contains(&licence.trim())))
}

#[test]
fn every_dependency_is_under_an_allowed_licence() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 20, "only {} packages", packages.len());
    let refused: Vec<String> = packages
        .iter()
        .filter(|p| !p["license"].as_str().is_some_and(allowed))
        .map(|p| format!("{} {}: {}", p["name"], p["version"], p["license"]))
        .collect();
    assert!(refused.is_empty(), "not on the allow-list:\n{}", refused.join("\n"));
}

#[test]
fn the_allow_list_refuses() {
    assert!(allowed("MIT OR GPL-3.0-only"));
    assert!(allowed("Apache-2.0 OR MIT"));
    assert!(!allowed("AGPL-3.0-or-later"));
    assert!(!allowed("MIT AND GPL-2.0-only"));
    assert!(!allowed("(MIT OR Apache-2.0) AND GPL-2.0-only"));
}
