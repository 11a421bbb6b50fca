//! Every pair of the fixtures, as its ecosystem's tool compares it.

use std::cmp::Ordering;
use std::path::Path;

use plimsoll_versions::{Ecosystem, compare};

fn sign(order: Option<Ordering>) -> &'static str {
    match order {
        None => "!",
        Some(Ordering::Less) => "<",
        Some(Ordering::Equal) => "=",
        Some(Ordering::Greater) => ">",
    }
}

#[test]
fn pairs_are_compared_as_the_tools_compare_them() {
    let mut wrong = Vec::new();
    for ecosystem in Ecosystem::ALL {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/{ecosystem}.tsv"));
        let text = std::fs::read_to_string(path).unwrap();
        let pairs: Vec<_> = text.lines().filter(|line| !line.starts_with("# ")).collect();
        assert!(pairs.len() > 300, "{ecosystem} has {} pairs", pairs.len());
        for pair in pairs {
            let [left, right, expected] = pair.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{ecosystem}: `{pair}` is no pair with its answer");
            };
            let backwards = match expected {
                "<" => ">",
                ">" => "<",
                same => same,
            };
            for (left, right, expected) in [(left, right, expected), (right, left, backwards)] {
                let found = sign(compare(ecosystem, left, right));
                if found != expected {
                    wrong.push(format!("{ecosystem}: `{left}` {found} `{right}`, and not {expected}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
