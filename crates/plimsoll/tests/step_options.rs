//! What steps are given and what they may not go beyond: limits, devices, entitlements, agents.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::support::{Lab, is_root, plain_user, user_with_subordinate_ids};

#[test]
fn limits_hold_in_steps_and_are_in_no_key() {
    let lab = Lab::new();
    lab.dockerfile("RUN ulimit -Sn; ulimit -Hn; df -k /dev/shm | tail -n 1 | awk '{print $2}'\n");
    let outcome = lab.build().args(["--ulimit", "nofile=321:654", "--shm-size", "2m"]).ok();
    assert_eq!(outcome.log(), ["321", "654", "2048"]);
    assert_eq!(lab.build().ok().steps_run(), 0);
    assert_eq!(lab.build().arg("--no-cache").ok().log()[2], "65536");
}

#[test]
fn a_limit_of_memory_ends_a_step_and_says_so_or_is_an_error() {
    let lab = Lab::new();
    lab.dockerfile("RUN head -c 100000000 /dev/zero | tail >/dev/null; echo went on; exit 3\n");
    let outcome = lab.build().args(["--memory=16m", "--memory-swap", "16m"]).fails(1);
    if outcome.stderr.contains("this machine cannot limit memory") {
        eprintln!("SKIPPED: this machine has no control group for memory");
        assert!(!outcome.log().contains(&"went on"));
        return;
    }
    outcome.assert_logged("went on");
    assert!(outcome.stderr.contains("the limit of memory was reached"), "{}", outcome.stderr);
}

#[test]
fn a_plain_user_without_a_group_of_its_own_is_told_how_to_get_one() {
    if !is_root("a_plain_user_without_a_group_of_its_own_is_told_how_to_get_one") {
        return;
    }
    let lab = Lab::of(Some(plain_user()));
    lab.dockerfile("RUN echo ran\n");
    let outcome = lab.build().args(["--memory", "64m"]).run();
    assert!(outcome.code == 0 || outcome.stderr.contains("control group"), "{}", outcome.stderr);
    assert_eq!(outcome.code == 0, outcome.log().contains(&"ran"));
}

#[test]
fn stages_whose_cache_is_not_wanted_run_again() {
    let lab = Lab::new();
    lab.dockerfile(
        "FROM base AS One\nRUN echo 1 > /1\nFROM base AS two\nRUN echo 2 > /2\n\
         FROM base\nCOPY --from=one /1 /\nCOPY --from=two /2 /\n",
    );
    lab.build().ok();
    let again = lab.build().args(["--no-cache-filter", "one, x"]).ok();
    assert!(again.ran("echo 1") && !again.ran("echo 2"), "{:?}", again.names("vertex-started"));
    assert_eq!(lab.build().args(["--no-cache-filter=one", "--no-cache"]).run().code, 2);
}

#[test]
fn more_than_a_sandbox_needs_the_callers_consent() {
    let lab = Lab::new();
    lab.dockerfile(
        "RUN --security=insecure grep Seccomp: /proc/self/status; mount -t tmpfs x /mnt && echo mounted\n",
    );
    lab.write("mnt/x", "");
    let refused = lab.build().fails(1);
    assert!(refused.stderr.contains("--allow security.insecure"), "{}", refused.stderr);
    lab.dockerfile(
        "COPY mnt /mnt\nUSER 5\n\
         RUN --security=insecure grep Seccomp: /proc/self/status; grep CapEff: /proc/self/status | grep -v 0000000000000000 && echo able\n\
         RUN --network=host echo connected\n",
    );
    let outcome = lab.build().args(["--allow", "security.insecure", "--allow=network.host"]).ok();
    outcome.assert_logged("Seccomp:\t0");
    outcome.assert_logged("able");
    outcome.assert_logged("connected");
    assert_eq!(lab.build().args(["--allow", "everything"]).run().code, 2);
}

/// Writes a specification of devices; gives the configuration that names its directory.
fn with_devices(lab: &Lab) -> String {
    let directory = lab.beside("cdi");
    std::fs::create_dir(&directory).unwrap();
    let spec = "cdiVersion: 0.6.0\nkind: vendor.example/thing\ndevices:\n\
                - name: nothing\n  containerEdits:\n    env: [GIVEN=yes, PATH=/bin:/given]\n    \
                deviceNodes:\n    - {path: /dev/thing, hostPath: /dev/null}\n    \
                mounts:\n    - {hostPath: /proc/version, containerPath: /opt/version, options: [ro]}\n\
                - name: hooked\n  containerEdits:\n    hooks: [{hookName: createContainer, path: /bin/hook}]\n\
                - name: free\n  annotations: {org.mobyproject.buildkit.device.autoallow: 'true'}\n  \
                containerEdits: {env: [FREE=1]}\n";
    std::fs::write(directory.join("vendor.yaml"), spec).unwrap();
    let config = lab.beside("config.toml");
    std::fs::write(&config, format!("[devices]\ndirectories = [\"{}\"]\n", directory.display())).unwrap();
    for path in [&directory, &directory.join("vendor.yaml"), &config] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    config.to_str().unwrap().to_owned()
}

#[test]
fn a_step_is_given_the_devices_that_it_names() {
    let users = if is_root("as plain users: a_step_is_given_the_devices_that_it_names") {
        vec![None, Some(plain_user()), Some(user_with_subordinate_ids())]
    } else {
        vec![None]
    };
    for user in users {
        let lab = Lab::of(user);
        let config = with_devices(&lab);
        lab.dockerfile(
            "RUN --device=vendor.example/thing=nothing,required test -c /dev/thing && echo x > /dev/thing && \
             echo $GIVEN $PATH && grep -c Linux /opt/version\n\
             RUN --device=vendor.example/thing=absent echo without\n\
             RUN --device=vendor.example/thing=free echo free $FREE\n",
        );
        let build = lab.build().env("PLIMSOLL_CONFIG", &config);
        let refused = build.clone().fails(1);
        assert!(refused.stderr.contains("--allow device=vendor.example/thing=nothing"), "{}", refused.stderr);
        assert!(!refused.stderr.contains("thing=free`"), "{}", refused.stderr);
        let outcome = build.arg("--allow=device=vendor.example/thing=nothing").ok();
        for line in ["yes /bin:/given", "1", "without", "free 1"] {
            outcome.assert_logged(line);
        }
        assert!(outcome.log().iter().any(|line| line.contains("no specification names the device")));
        assert!(!outcome.image().has("opt") && !outcome.image().has("dev/thing"));
    }
}

#[test]
fn a_device_that_must_be_there_or_has_hooks_fails_the_step() {
    let lab = Lab::new();
    let config = with_devices(&lab);
    for (device, word) in [("absent,required", "no specification names"), ("hooked", "createContainer")] {
        lab.dockerfile(&format!("RUN --device=vendor.example/thing={device} true\n"));
        let outcome = lab.build().env("PLIMSOLL_CONFIG", &config).arg("--allow=device").fails(1);
        assert!(outcome.stderr.contains(word), "{}", outcome.stderr);
    }
}

/// An agent of ssh that holds one new key; ended when it is dropped.
struct Agent {
    process: Child,
    socket: PathBuf,
    comment: &'static str,
}

impl Agent {
    fn start(lab: &Lab, run_as: impl Fn(&str) -> Command) -> Option<Self> {
        let installed = |program: &str| Command::new(program).arg("-?").output().is_ok();
        if !(installed("ssh-agent") && installed("ssh-add") && installed("ssh-keygen")) {
            eprintln!("SKIPPED: the programs of the package `openssh-client` are needed");
            return None;
        }
        let (socket, key) = (lab.beside("home/agent"), lab.beside("home/key"));
        let mut command = run_as("ssh-agent");
        command.args(["-D", "-a"]).arg(&socket).stdout(Stdio::null());
        let agent = Self { process: command.spawn().unwrap(), socket, comment: "a key of the test" };
        while !agent.socket.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let mut generate = run_as("ssh-keygen");
        generate.args(["-q", "-t", "ed25519", "-N", "", "-C", agent.comment, "-f"]).arg(&key);
        assert!(generate.status().unwrap().success());
        let mut add = run_as("ssh-add");
        add.arg("-q").arg(&key).env("SSH_AUTH_SOCK", &agent.socket);
        assert!(add.status().unwrap().success());
        Some(agent)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        self.process.wait().unwrap();
    }
}

/// The libraries that a program of the host needs, itself included, each at its own path.
fn with_libraries(lab: &Lab, program: &str) {
    let output = Command::new("ldd").arg(program).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let libraries = text.split_whitespace().filter(|word| word.starts_with('/'));
    for path in libraries.chain([program]) {
        let to = format!("host{path}");
        lab.write(&to, std::fs::read(path).unwrap());
        std::fs::set_permissions(lab.path(&to), PermissionsExt::from_mode(0o755)).unwrap();
    }
}

#[test]
fn an_agent_answers_in_a_step_whoever_builds_and_whoever_asks() {
    let users = if is_root("as plain users: an_agent_answers_in_a_step_whoever_builds_and_whoever_asks") {
        vec![(None, true), (Some(plain_user()), false), (Some(user_with_subordinate_ids()), true)]
    } else {
        vec![(None, false)]
    };
    for (user, has_ids) in users {
        let lab = Lab::of(user.clone());
        let run_as = |program: &str| {
            use std::os::unix::process::CommandExt;
            let mut command = Command::new(program);
            if let Some(user) = &user {
                command.uid(user.uid).gid(user.gid);
            }
            command.current_dir(lab.beside("home")).env("HOME", lab.beside("home"));
            command
        };
        let Some(agent) = Agent::start(&lab, run_as) else { return };
        with_libraries(&lab, "/usr/bin/ssh-add");
        let mut steps = "COPY host /\nRUN mkdir -p /etc && echo root:x:0:0::/: > /etc/passwd && echo u:x:5:5::/: >> /etc/passwd\n\
                         RUN --mount=type=ssh ssh-add -l; stat -c 'socket %a' $SSH_AUTH_SOCK\n\
                         RUN --mount=type=ssh,id=other,target=/socket,mode=0666,required SSH_AUTH_SOCK=/socket ssh-add -l\n\
                         RUN --mount=type=ssh,id=absent echo agent: $SSH_AUTH_SOCK.; ls /run/buildkit 2>/dev/null || true\n"
            .to_owned();
        if has_ids {
            steps.push_str("USER 5\nRUN --mount=type=ssh,uid=5 ssh-add -l && echo plain user\n");
        }
        lab.dockerfile(&format!("ENV PATH=/bin:/usr/bin\n{steps}"));
        let sockets = format!("other={}", agent.socket.display());
        let outcome = lab
            .build()
            .args(["--ssh", "default", "--ssh", &sockets])
            .env("SSH_AUTH_SOCK", agent.socket.to_str().unwrap())
            .ok();
        let keys = outcome.log().iter().filter(|line| line.contains(agent.comment)).count();
        assert_eq!(keys, if has_ids { 3 } else { 2 }, "{}", outcome.log().join("\n"));
        outcome.assert_logged("socket 600");
        assert!(!outcome.image().has("run/buildkit") && !outcome.image().has("socket"));
        // Neither the agent nor its socket decides what is built.
        assert_eq!(
            lab.build()
                .args(["--ssh", "default"])
                .env("SSH_AUTH_SOCK", agent.socket.to_str().unwrap())
                .run()
                .steps_run(),
            0
        );

        // The same key, without an agent.
        let key = lab.beside("home/key");
        lab.write("key.pub", std::fs::read(key.with_extension("pub")).unwrap());
        lab.dockerfile(
            "ENV PATH=/bin:/usr/bin\nCOPY host key.pub /\nRUN mkdir -p /etc && echo root:x:0:0::/: > /etc/passwd\n\
             RUN --mount=type=ssh,id=key ssh-add -l && ssh-add -T /key.pub && echo it signs\n",
        );
        let outcome = lab.build().args(["--ssh", &format!("key={}", key.display())]).ok();
        assert!(
            outcome.log().iter().any(|line| line.contains(agent.comment)),
            "{}",
            outcome.log().join("\n")
        );
        outcome.assert_logged("it signs");
    }
}

#[test]
fn keys_and_sockets_of_ssh_that_are_none_are_refused() {
    let lab = Lab::new();
    lab.dockerfile("RUN true\n");
    lab.write("text", "no key");
    let text = lab.path("text").display().to_string();
    for (value, word) in [
        (text.as_str(), "holds no private key"),
        ("/", "is a directory"),
        ("/absent", "cannot use `/absent`"),
    ] {
        let outcome = lab.build().args(["--ssh", &format!("default={value}")]).fails(2);
        assert!(outcome.stderr.contains(word), "{}", outcome.stderr);
    }
}
