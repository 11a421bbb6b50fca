//! The page that lists the rules for secrets.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::MARK;

/// The page and its name.
pub(super) fn pages() -> BTreeMap<String, String> {
    let rules = plimsoll_secrets::rules();
    let mut page = format!(
        "{MARK}\n# Secrets\n\nThe {} kinds of secrets that are looked for in files, variables and histories, by family. Of several rules \
         that know the same value the one that knows most reports it.\n\n| rule | severity | what it is |\n| --- | --- | --- |\n",
        rules.len()
    );
    for rule in rules {
        writeln!(page, "| `{}` | {} | {} |", rule.id, rule.severity, rule.title)
            .expect("a string takes all that is written");
    }
    BTreeMap::from([("README.md".to_owned(), page)])
}
