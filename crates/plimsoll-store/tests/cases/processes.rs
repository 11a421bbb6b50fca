//! Several processes at once, and processes that are killed.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll_oci::Digest;
use plimsoll_store::{Kind, LayerId, LayerRecord, PruneOptions};

use super::{layer, list, open, result, waiting};

const ROLE: &str = "STORE_TEST_ROLE";
const ROOT: &str = "STORE_TEST_ROOT";

/// Runs this test binary as another process with one of the roles below.
fn spawn(role: &str, root: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "cases::processes::another_process", "--nocapture"])
        .env(ROLE, role)
        .env(ROOT, root)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn wait(mut child: Child) {
    assert!(child.wait().unwrap().success());
}

#[test]
#[ignore = "the other process of the tests below"]
fn another_process() {
    let root = std::env::var_os(ROOT).expect("started by another test");
    let root = Path::new(&root);
    match std::env::var(ROLE).unwrap().as_str() {
        "create" => create(root),
        "run-step" => run_step(root),
        "write" => write(root),
        "hold" => hold(root),
        "build" => build(root),
        "prune" => prune(root),
        role => panic!("unknown role {role}"),
    }
}

fn create(root: &Path) {
    let go = root.with_extension("go");
    while !go.exists() {
        thread::yield_now();
    }
    open(root).put_blob(b"bytes").unwrap();
}

#[test]
fn several_processes_create_one_store_at_once() {
    for _ in 0..5 {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("store");
        let children: Vec<_> = (0..5).map(|_| spawn("create", &root)).collect();
        thread::sleep(Duration::from_millis(100));
        fs::write(root.with_extension("go"), b"").unwrap();
        children.into_iter().for_each(wait);
        assert!(open(&root).has_blob(&Digest::of("bytes")).unwrap());
    }
}

fn run_step(root: &Path) {
    let store = open(root);
    let key = Digest::of("step");
    let _lock = store.lock_key(&key, &mut waiting).unwrap();
    if store.results(&key).unwrap().is_empty() {
        let mut file =
            fs::File::options().append(true).create(true).open(root.with_extension("ran")).unwrap();
        file.write_all(b"x").unwrap();
        thread::sleep(Duration::from_millis(50));
        let id = layer(&store, b"made");
        result(&store, "step", &[], Some(&id));
    }
}

#[test]
fn a_step_that_several_processes_want_runs_once() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    let children: Vec<_> = (0..4).map(|_| spawn("run-step", &root)).collect();
    children.into_iter().for_each(wait);
    assert_eq!(fs::read(root.with_extension("ran")).unwrap(), b"x");
    let store = open(&root);
    let results = store.results(&Digest::of("step")).unwrap();
    assert!(store.pick_result(&results[0]).unwrap());
}

/// Writes until killed; says the number of each round once it is complete.
fn write(root: &Path) {
    let store = open(root);
    let first = list(&root.join("layers-v0")).len() * 1000;
    println!("ready");
    for number in first.. {
        let text = format!("{number}");
        let mut blob = store.blob_writer().unwrap();
        blob.write_all(text.as_bytes()).unwrap();
        blob.write_all(&vec![7; 20_000]).unwrap();
        let (digest, _) = blob.commit(None).unwrap();
        let draft = store.draft_layer().unwrap();
        fs::create_dir(draft.fs().join("directory")).unwrap();
        fs::write(draft.fs().join("directory/file"), &text).unwrap();
        let id = draft.id().clone();
        store.publish_layer(draft, &id, &LayerRecord::default()).unwrap();
        let _lock = store.lock_key(&Digest::of(&text), &mut waiting).unwrap();
        result(&store, &text, &[], Some(&id));
        store.set_image("last:1", &plimsoll_oci::Descriptor::new("blob", digest, 1)).unwrap();
        println!("{number}");
    }
}

#[test]
fn a_writer_killed_at_any_instant_leaves_a_store_that_works() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    drop(open(&root));
    let mut complete = Vec::new();
    for round in 0..30_u64 {
        let mut child = spawn("write", &root);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while lines.next().unwrap().unwrap() != "ready" {}
        // Some rounds complete for certain, the next one is broken off anywhere.
        complete.extend((0..round % 4).map(|_| lines.next().unwrap().unwrap()));
        thread::sleep(Duration::from_micros(round * 137));
        child.kill().unwrap();
        child.wait().unwrap();
        complete.extend(lines.map_while(Result::ok).filter(|line| line.parse::<u64>().is_ok()));

        let store = open(&root);
        assert_eq!(store.sweep().unwrap(), Vec::<std::path::PathBuf>::new());
        assert_eq!(list(&root.join("tmp")), Vec::<std::path::PathBuf>::new());
        for path in list(&root.join("layers-v0")) {
            let id = LayerId::new(path.file_name().unwrap().to_str().unwrap()).unwrap();
            assert!(store.layer_present(&id).unwrap());
        }
        for path in list(&root.join("blobs-v0/sha256")) {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            assert_eq!(Digest::of(fs::read(&path).unwrap()).hex(), name);
        }
        for text in &complete {
            let results = store.results(&Digest::of(text)).unwrap();
            assert!(store.pick_result(&results[0]).unwrap(), "result {text} was lost");
            let file = store.layer_fs(results[0].layer.as_ref().unwrap()).join("directory/file");
            assert_eq!(&fs::read_to_string(file).unwrap(), text);
        }
    }
    assert!(complete.len() >= 43, "the writer got through {} rounds only", complete.len());
    let locks = list(&root.join("locks"));
    assert!(locks.iter().all(|path| path.ends_with("gate")), "{locks:?}");
    open(&root).prune(&PruneOptions { all: true, ..PruneOptions::default() }).unwrap();
    assert!(list(&root.join("layers-v0")).is_empty() && list(&root.join("blobs-v0/sha256")).is_empty());
}

/// Holds a result in its lease until killed.
fn hold(root: &Path) {
    let store = open(root);
    let results = store.results(&Digest::of("step")).unwrap();
    println!("picked {}", store.pick_result(&results[0]).unwrap());
    thread::sleep(Duration::from_mins(1));
}

#[test]
fn the_lease_of_another_process_protects_until_that_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let id = layer(&store, b"x");
    result(&store, "step", &[], Some(&id));
    drop(store);

    let mut child = spawn("hold", directory.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while lines.next().unwrap().unwrap() != "picked true" {}
    let store = open(directory.path());
    assert_eq!(store.prune(&PruneOptions::default()).unwrap().in_use, 1);
    assert!(store.layer_present(&id).unwrap());

    child.kill().unwrap();
    child.wait().unwrap();
    let kinds: Vec<_> =
        store.prune(&PruneOptions::default()).unwrap().items.iter().map(|item| item.kind).collect();
    assert_eq!(kinds, [Kind::Temporary, Kind::Layer], "what the killed process left goes too");
    assert!(!store.layer_present(&id).unwrap());
}

/// Builds the same small image again and again, relying on what it picked.
fn build(root: &Path) {
    let end = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        let store = open(root);
        let mut chain: Vec<LayerId> = Vec::new();
        for step in ["one", "two", "three"] {
            let _lock = store.lock_key(&Digest::of(step), &mut waiting).unwrap();
            let mut picked = None;
            for record in store.results(&Digest::of(step)).unwrap() {
                if record.base == chain && store.pick_result(&record).unwrap() {
                    picked = record.layer;
                    break;
                }
            }
            let made = picked.unwrap_or_else(|| {
                let id = layer(&store, step.as_bytes());
                result(&store, step, &chain, Some(&id));
                id
            });
            chain.push(made);
            for (layer, text) in chain.iter().zip(["one", "two", "three"]) {
                let contents = fs::read_to_string(store.layer_fs(layer).join("file"));
                assert_eq!(contents.expect("a leased layer vanished"), text);
            }
        }
        let blob = store.put_blob(b"image").unwrap();
        store.set_image("app:1", &plimsoll_oci::Descriptor::new("blob", blob, 5)).unwrap();
        assert_eq!(store.read_blob(&blob, 5).expect("a leased blob vanished"), b"image");
    }
}

#[test]
fn prune_never_takes_what_a_build_relies_on() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    drop(open(&root));
    let mut children: Vec<_> = (0..2).map(|_| spawn("build", &root)).collect();
    let mut removed = 0;
    while children.iter_mut().any(|child| child.try_wait().unwrap().is_none()) {
        let options = PruneOptions { all: removed % 2 == 0, ..PruneOptions::default() };
        removed += open(&root).prune(&options).unwrap().items.len();
    }
    children.into_iter().for_each(wait);
    assert!(removed > 0, "prune had nothing to remove");
}

const STEPS: u32 = 20;

/// Fills the store and empties it again until killed.
fn prune(root: &Path) {
    println!("ready");
    loop {
        let store = open(root);
        let mut chain = Vec::new();
        for step in 0..STEPS {
            let id = layer(&store, step.to_string().as_bytes());
            result(&store, &step.to_string(), &chain, Some(&id));
            chain.push(id);
        }
        drop(store);
        open(root).prune(&PruneOptions::default()).unwrap();
    }
}

#[test]
fn a_prune_killed_at_any_instant_leaves_whole_results_or_none() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    drop(open(&root));
    for round in 0..20_u64 {
        let mut child = spawn("prune", &root);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while lines.next().unwrap().unwrap() != "ready" {}
        thread::sleep(Duration::from_millis(5 + round * 3));
        child.kill().unwrap();
        child.wait().unwrap();

        let store = open(&root);
        for step in 0..STEPS {
            for record in store.results(&Digest::of(step.to_string())).unwrap() {
                if !store.pick_result(&record).unwrap() {
                    continue;
                }
                for (number, layer) in record.chain().enumerate() {
                    let contents = fs::read_to_string(store.layer_fs(layer).join("file")).unwrap();
                    assert_eq!(contents, number.to_string());
                }
            }
        }
        drop(store);
        open(&root).prune(&PruneOptions::default()).unwrap();
        for folder in ["layers-v0", "trash", "tmp"] {
            assert_eq!(list(&root.join(folder)), Vec::<std::path::PathBuf>::new());
        }
    }
}
