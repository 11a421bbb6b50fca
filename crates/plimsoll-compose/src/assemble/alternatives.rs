//! Links that maintainer scripts would make by `update-alternatives`, where a plain rule tells which.
//!
//! Two forms are understood: a call in a `postinst` whose arguments are all literal, and the `.jinfo` tables of Java
//! runtimes. Anything computed by the script is left alone: a wrong link is worse than none.

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

/// The literal calls of a script.
fn declared(script: &str) -> Vec<(String, Alternative)> {
    let joined = script.replace("\\\n", " ");
    joined.lines().filter_map(|line| parse_call(line.trim())).collect()
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
        .filter(|path| path.ends_with(b".jinfo") && path.iter().filter(|byte| **byte == b'/').count() == 3)
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
    fn tables_of_java_runtimes_give_links() {
        let mut tree = Tree::new(&[], 0);
        tree.file("usr/lib/jvm/.java-1.17.0.jinfo", 0o644, "name=x\n\nhl java /usr/lib/jvm/j/bin/java\nhl gone /usr/lib/jvm/j/bin/gone\n");
        tree.file("usr/lib/jvm/j/bin/java", 0o755, "x");
        tree.directory("usr/bin", 0o755);
        add_java(&mut tree);
        assert_eq!(tree.follow(b"usr/bin/java"), Some(b"usr/lib/jvm/j/bin/java".to_vec()));
        assert!(!tree.contains(b"usr/bin/gone"));
    }
}
