//! Indexes of entries that are in order already, and of others.

use plimsoll_layer::{Entry, Kind, LayerIndex};

fn file(path: &str) -> Entry {
    Entry::new(path, Kind::File { size: 1 }, 0o644)
}

fn equal(entries: Vec<Entry>) -> bool {
    LayerIndex::from_sorted(entries.clone()).unwrap() == LayerIndex::from_entries(entries).unwrap()
}

#[test]
fn sorted_entries_give_the_index_that_the_builder_gives() {
    // `a-b` stands between a directory and what is in it.
    let entries = vec![
        Entry::directory(""),
        Entry::directory("a"),
        file("a-b"),
        Entry::directory("a/c"),
        file("a/c/d"),
        file("a/e"),
        Entry::new("b", Kind::Symlink { target: b"a".to_vec() }, 0o777),
    ];
    assert_eq!(LayerIndex::from_sorted(entries.clone()).unwrap().entries(), entries);
    assert!(equal(entries));
    assert!(equal(Vec::new()));
}

#[test]
fn entries_in_another_form_are_brought_into_order() {
    assert!(equal(vec![file("b"), file("a")]));
    assert!(equal(vec![file("a"), Entry::new("a", Kind::File { size: 2 }, 0o600)]));
    assert!(equal(vec![file("no/directory/is/listed")]));
    assert!(equal(vec![Entry::whiteout("a"), file("b")]));
    assert!(equal(vec![file("a"), Entry::new("b", Kind::Hardlink { target: b"a".to_vec() }, 0o644)]));
    assert!(LayerIndex::from_sorted(vec![file("../a")]).is_err());
    assert!(LayerIndex::from_sorted(vec![file("a"), file("a/b")]).is_err());
}
