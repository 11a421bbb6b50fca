//! What is measured: one entry per case, with the budget that the design sets.

/// How a case is brought to its start before each measured build.
#[derive(Clone, Copy)]
pub(crate) enum Mode {
    /// Everything is cached.
    Unchanged,
    /// One file of the context was changed after the last build.
    Changed,
    /// No earlier result is used.
    NoCache,
    /// The builder has never seen the context.
    First,
    /// One file was changed, and the image is pushed as well.
    Push,
}

/// The most that plimsoll may need.
#[derive(Clone, Copy)]
pub(crate) enum Budget {
    /// As a part of the time that `BuildKit` needs.
    Ratio(f64),
    /// In seconds, whatever others need.
    Seconds(f64),
    /// Shown for comparison.
    None,
}

/// Where the files of a case come from.
#[derive(Clone, Copy)]
pub(crate) enum Files {
    /// A folder of `examples/`.
    Example(&'static str),
    /// A few small files.
    Small,
    /// Fifty thousand small files in a thousand directories.
    Many,
}

/// One case.
pub(crate) struct Case {
    /// The name on the command line, and the image's.
    pub(crate) name: &'static str,
    /// What is done, for the table.
    pub(crate) title: &'static str,
    pub(crate) mode: Mode,
    pub(crate) budget: Budget,
    pub(crate) files: Files,
    /// The Dockerfile; empty for that of an example.
    pub(crate) dockerfile: &'static str,
    /// Base images, and the `debian://` source of each.
    pub(crate) bases: &'static [(&'static str, &'static str)],
    /// The most rounds that are useful: long cases have fewer.
    pub(crate) rounds: u32,
}

/// A shell without any base image: the same first steps for every builder.
macro_rules! with_shell {
    ($rest:literal) => {
        concat!(
            "FROM scratch AS shell\nCOPY busybox /bin/busybox\n",
            "RUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n",
            $rest
        )
    };
}

/// 1,024 files of a random megabyte each. It is one megabyte behind a number, which no compressor with a window of 32 KiB can
/// tell from different ones: 1 GB from the kernel's generator takes every builder about five seconds, and it is the copying and
/// exporting that is compared.
const GIGABYTE: &str = with_shell!(
    "FROM shell AS data\nRUN mkdir /data; head -c 1048572 /dev/urandom > /random; for i in $(seq 1024); do { printf %04d $i; cat /random; } > /data/$i; done\n\
     FROM scratch\nCOPY source /source\nCOPY --from=data /data /data\n"
);

const GO_BASE: &[(&str, &str)] =
    &[("go-build", "debian://bookworm?packages=golang-go,ca-certificates&variant=minbase")];

/// All cases, in the order of the table.
pub(crate) const CASES: &[Case] = &[
    Case {
        name: "unchanged",
        title: "everything cached, nothing to do (examples/go-service)",
        mode: Mode::Unchanged,
        budget: Budget::Ratio(0.35),
        files: Files::Example("go-service"),
        dockerfile: "",
        bases: GO_BASE,
        rounds: 15,
    },
    Case {
        name: "changed",
        title: "one source file changed, dependencies cached",
        mode: Mode::Changed,
        budget: Budget::Ratio(0.5),
        files: Files::Small,
        dockerfile: with_shell!(
            "FROM shell AS build\nWORKDIR /work\nCOPY manifest .\nRUN mkdir deps && cp manifest deps/\n\
             COPY source source\nRUN cat deps/manifest source/* > program\n\
             FROM scratch\nCOPY --from=build /work/deps /deps\nCOPY --from=build /work/program /program\n\
             ENTRYPOINT [\"/program\"]\n"
        ),
        bases: &[],
        rounds: 15,
    },
    Case {
        name: "changed-go",
        title: "one source file changed and compiled again (examples/go-service)",
        mode: Mode::Changed,
        budget: Budget::None,
        files: Files::Example("go-service"),
        dockerfile: "",
        bases: GO_BASE,
        rounds: 5,
    },
    Case {
        name: "run-30",
        title: "30 `RUN true` steps, no cache",
        mode: Mode::NoCache,
        budget: Budget::Ratio(0.3),
        files: Files::Small,
        dockerfile: with_shell!(
            "RUN true\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\n\
             RUN true\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\n\
             RUN true\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\nRUN true\n"
        ),
        bases: &[],
        rounds: 7,
    },
    Case {
        name: "copy-cached",
        title: "`COPY --from` of 1 GB in 1,024 files, the source cached",
        mode: Mode::Changed,
        budget: Budget::Ratio(0.1),
        files: Files::Small,
        dockerfile: GIGABYTE,
        bases: &[],
        rounds: 5,
    },
    Case {
        name: "copy-anew",
        title: "the same, the source made anew, no cache",
        mode: Mode::NoCache,
        budget: Budget::Ratio(0.5),
        files: Files::Small,
        dockerfile: GIGABYTE,
        bases: &[],
        rounds: 3,
    },
    Case {
        name: "context-first",
        title: "context of 50,000 files, first time",
        mode: Mode::First,
        budget: Budget::Ratio(0.3),
        files: Files::Many,
        dockerfile: "FROM scratch\nCOPY . /\n",
        bases: &[],
        rounds: 3,
    },
    Case {
        name: "context-unchanged",
        title: "context of 50,000 files, unchanged",
        mode: Mode::Unchanged,
        budget: Budget::Ratio(0.2),
        files: Files::Many,
        dockerfile: "FROM scratch\nCOPY . /\n",
        bases: &[],
        rounds: 7,
    },
    Case {
        name: "parallel",
        title: "4 independent stages that sleep 2 s, no cache",
        mode: Mode::NoCache,
        budget: Budget::Seconds(2.3),
        files: Files::Small,
        dockerfile: with_shell!(
            "FROM shell AS a\nRUN sleep 2; echo a > /a\nFROM shell AS b\nRUN sleep 2; echo b > /b\n\
             FROM shell AS c\nRUN sleep 2; echo c > /c\nFROM shell AS d\nRUN sleep 2; echo d > /d\n\
             FROM scratch\nCOPY --from=a /a /\nCOPY --from=b /b /\nCOPY --from=c /c /\nCOPY --from=d /d /\n"
        ),
        bases: &[],
        rounds: 5,
    },
    Case {
        name: "push",
        title: "a new layer of 500 MB of programs and libraries, compressed with gzip and pushed to a registry on this machine",
        mode: Mode::Push,
        budget: Budget::Ratio(0.5),
        files: Files::Small,
        // The changed file becomes part of the layer: no registry has it already.
        dockerfile: "FROM go-build AS go\nCOPY source/main /usr/main\nFROM scratch\nCOPY --from=go /usr /usr\n",
        bases: GO_BASE,
        rounds: 3,
    },
];
