//! Links that maintainer scripts would make by `update-alternatives`, where a plain rule tells which.
//!
//! Two forms are understood: a call in a `postinst` whose arguments are literal or the variable of a loop over
//! literal words, and the `.jinfo` tables of Java runtimes. Anything computed by the script is left alone: a
//! wrong link is worse than none.

use std::collections::BTreeMap;

use super::Package;
use super::tree::Tree;

/// One name with the link in the path and the program that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Alternative {
    link: String,
    target: String,
    priority: i64,
    slaves: Vec<(String, String, String)>,
}

/// Makes the links of all packages; of several programs for one name the one with the highest priority wins.
pub(super) fn add(tree: &mut Tree<'_>, packages: &[Package<'_>]) {
    let mut best: BTreeMap<String, Alternative> = BTreeMap::new();
    for package in packages {
        for (name, alternative) in declared(&package.deb.control.text_of("postinst")) {
            let present = tree.follow(plain(&alternative.target).as_bytes()).is_some();
            if present && best.get(&name).is_none_or(|other| alternative.priority > other.priority) {
                best.insert(name, alternative);
            }
        }
    }
    for (name, alternative) in best {
        link(tree, &name, &alternative.link, &alternative.target);
        for (name, link_path, target) in alternative.slaves {
            if tree.follow(plain(&target).as_bytes()).is_some() {
                link(tree, &name, &link_path, &target);
            }
        }
    }
    add_java(tree);
}

fn link(tree: &mut Tree<'_>, name: &str, link: &str, target: &str) {
    let place = super::tree::merged(plain(link).as_bytes());
    let Ok(place) = String::from_utf8(place) else { return };
    // A link for documentation that was left out would bring its folder back.
    let folder_kept = place.rsplit_once('/').is_some_and(|(folder, _)| tree.contains(folder.as_bytes()));
    if folder_kept && !tree.contains(place.as_bytes()) {
        tree.symlink(&format!("etc/alternatives/{name}"), target);
        tree.symlink(&place, &format!("/etc/alternatives/{name}"));
    }
}

fn plain(path: &str) -> &str {
    path.trim_start_matches('/')
}

/// The calls of a script.
fn declared(script: &str) -> Vec<(String, Alternative)> {
    let joined = script.replace("\\\n", " ");
    // The loops around a line, each with its variable and words; without words where they are computed.
    let mut loops: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut calls = Vec::new();
    for line in joined.lines().map(str::trim) {
        let first = line.split([' ', '\t', ';']).next().unwrap_or_default();
        match first {
            "for" | "while" | "until" if !line.ends_with("done") => {
                loops.push(loop_over(line).unwrap_or_default());
            }
            "done" => {
                loops.pop();
            }
            "update-alternatives" => {
                calls.extend(expanded(line, &loops).iter().filter_map(|line| parse_call(line)));
            }
            _ => {}
        }
    }
    calls
}

/// The variable and words of `for name in a b c; do`.
fn loop_over(line: &str) -> Option<(&str, Vec<&str>)> {
    let (name, rest) = line.strip_prefix("for ")?.trim_start().split_once(" in ")?;
    let words = rest.split(';').next().unwrap_or_default();
    let literal = words.chars().all(|c| c.is_ascii_alphanumeric() || " /._+-".contains(c));
    literal.then(|| (name.trim(), words.split_ascii_whitespace().collect()))
}

/// A line once for every round of the loops around it.
fn expanded(line: &str, loops: &[(&str, Vec<&str>)]) -> Vec<String> {
    let mut lines = vec![line.to_owned()];
    for (name, words) in loops.iter().filter(|(name, _)| !name.is_empty()) {
        let (braced, plain) = (format!("${{{name}}}"), format!("${name}"));
        let round = |line: &String| -> Vec<String> {
            if !line.contains(&braced) && !line.contains(&plain) {
                return vec![line.clone()];
            }
            words.iter().map(|word| line.replace(&braced, word).replace(&plain, word)).collect()
        };
        lines = lines.iter().flat_map(round).collect();
    }
    lines
}

fn parse_call(line: &str) -> Option<(String, Alternative)> {
    let mut words = line.split_ascii_whitespace();
    if words.next()? != "update-alternatives" {
        return None;
    }
    let mut words = words.skip_while(|word| *word == "--quiet" || *word == "--force");
    if words.next()? != "--install" {
        return None;
    }
    let literal = |word: &str| {
        let word = word.trim_matches(['"', '\'']);
        let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "/._+-@".contains(c));
        (plain && !word.is_empty()).then(|| word.to_owned())
    };
    let absolute = |word: &str| literal(word).filter(|word| word.starts_with('/') && !word.contains("/../"));
    let link = absolute(words.next()?)?;
    let name = literal(words.next()?).filter(|name| !name.contains('/'))?;
    let target = absolute(words.next()?)?;
    let priority = words.next()?.parse().ok()?;
    let mut slaves = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "--slave" => {
                let link = absolute(words.next()?)?;
                let name = literal(words.next()?).filter(|name| !name.contains('/'))?;
                slaves.push((name, link, absolute(words.next()?)?));
            }
            // The call ends where the shell goes on: `|| true`, `;`, `>/dev/null`.
            _ => break,
        }
    }
    Some((name, Alternative { link, target, priority, slaves }))
}

/// Java runtimes list their programs in `.<name>.jinfo`: `hl java /usr/lib/jvm/…/bin/java`.
fn add_java(tree: &mut Tree<'_>) {
    let tables: Vec<Vec<u8>> = tree
        .below("usr/lib/jvm")
        .filter(|path| path.ends_with(b".jinfo") && path.split(|byte| *byte == b'/').count() == 4)
        .map(<[u8]>::to_vec)
        .collect();
    for table in tables {
        let Some(Ok(bytes)) = tree.bytes(&table) else { continue };
        for line in String::from_utf8_lossy(&bytes).lines() {
            let mut words = line.split_ascii_whitespace();
            let (Some("hl" | "jre" | "jdkhl" | "jdk"), Some(name), Some(target)) =
                (words.next(), words.next(), words.next())
            else {
                continue;
            };
            let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
            let is_program = target.rsplit('/').nth(1) == Some("bin");
            if is_name && is_program && tree.follow(plain(target).as_bytes()).is_some() {
                link(tree, name, &format!("/usr/bin/{name}"), target);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_calls_are_read_and_computed_ones_are_not() {
        let script = "#!/bin/sh\nif [ x ]; then\n  update-alternatives --quiet --install /usr/bin/awk awk /usr/bin/mawk 5 \\\n\
             \t--slave /usr/share/man/man1/awk.1.gz awk.1.gz /usr/share/man/man1/mawk.1.gz || true\nfi\n\
             update-alternatives --install /usr/bin/$name $name /x 1\n\
             update-alternatives --remove awk /usr/bin/mawk\n";
        let calls = declared(script);
        assert_eq!(calls.len(), 1);
        let (name, awk) = &calls[0];
        assert_eq!((name.as_str(), awk.link.as_str(), awk.priority), ("awk", "/usr/bin/awk", 5));
        assert_eq!(awk.slaves.len(), 1);
    }

    #[test]
    fn loops_over_literal_words_are_followed() {
        let script = "for b in php phar; do\n  update-alternatives \\\n  --install /usr/bin/${b} $b /usr/bin/${b}8.2 82\ndone\n\
             for b in $LIST; do\n  update-alternatives --install /usr/bin/$b $b /opt/$b 1\ndone\n\
             update-alternatives --install /usr/bin/x$b x /opt/x 1\n";
        let targets: Vec<String> = declared(script).into_iter().map(|(_, call)| call.target).collect();
        assert_eq!(targets, ["/usr/bin/php8.2", "/usr/bin/phar8.2"]);
    }

    #[test]
    fn tables_of_java_runtimes_give_links() {
        let mut tree = Tree::new(&[], 0);
        tree.file(
            "usr/lib/jvm/.java-1.17.0.jinfo",
            0o644,
            "name=x\n\nhl java /usr/lib/jvm/j/bin/java\nhl gone /usr/lib/jvm/j/bin/gone\n",
        );
        tree.file("usr/lib/jvm/j/bin/java", 0o755, "x");
        tree.directory("usr/bin", 0o755);
        add_java(&mut tree);
        assert_eq!(tree.follow(b"usr/bin/java"), Some(b"usr/lib/jvm/j/bin/java".to_vec()));
        assert!(!tree.contains(b"usr/bin/gone"));
    }
}
