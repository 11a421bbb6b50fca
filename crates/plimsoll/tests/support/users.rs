//! Users of the machine for the length of the tests that need them.

use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// A user, removed when the last test lets go of it.
pub(crate) struct User {
    name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The account files are written by one command at a time.
static ACCOUNTS: Mutex<()> = Mutex::new(());

/// A user with 65536 subordinate ids.
pub(crate) fn user_with_subordinate_ids() -> Arc<User> {
    static USER: Mutex<Weak<User>> = Mutex::new(Weak::new());
    shared(&USER, "s", |name| {
        let range = "524288000-524353535";
        run("usermod", &["--add-subuids", range, "--add-subgids", range, name]);
    })
}

/// A user without subordinate ids.
pub(crate) fn plain_user() -> Arc<User> {
    static USER: Mutex<Weak<User>> = Mutex::new(Weak::new());
    shared(&USER, "p", |_| ())
}

fn shared(user: &Mutex<Weak<User>>, letter: &str, prepare: impl FnOnce(&str)) -> Arc<User> {
    let mut user = user.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(user) = user.upgrade() {
        return user;
    }
    let guard = ACCOUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let name = format!("plimsoll-{letter}{}", std::process::id());
    // A system user gets no subordinate ids by itself.
    run("useradd", &["--system", "--no-create-home", "--user-group", "--shell", "/bin/sh", &name]);
    prepare(&name);
    let id = |flag: &str| {
        let output = Command::new("id").args([flag, &name]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    };
    let made = Arc::new(User { uid: id("-u"), gid: id("-g"), name });
    drop(guard);
    *user = Arc::downgrade(&made);
    made
}

/// Runs a command that writes the account files; another process may hold their lock for a moment.
fn run(program: &str, arguments: &[&str]) {
    let mut tries = 50;
    loop {
        let output = Command::new(program).args(arguments).output().unwrap();
        if output.status.success() {
            return;
        }
        let said = String::from_utf8_lossy(&output.stderr);
        tries -= 1;
        assert!(tries > 0 && said.contains("lock"), "{program} {arguments:?}: {said}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _guard = ACCOUNTS.lock().unwrap_or_else(PoisonError::into_inner);
        // A panic here would hide the one that is being unwound.
        let removed = (0..50).any(|_| {
            let output = Command::new("userdel").args(["--force", &self.name]).output();
            let done = output.is_ok_and(|output| output.status.success());
            if !done {
                std::thread::sleep(Duration::from_millis(100));
            }
            done
        });
        if !removed {
            eprintln!("cannot remove the user `{}`", self.name);
        }
    }
}
