//! `cargo xtask table`: measures the examples, naive against production, and writes the table in README.md.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::examples::{EXAMPLES, Example, Variant};
use crate::plimsoll::{self, Plimsoll};
use crate::statistics::{machine, median, seconds, show_seconds};
use crate::{image, shell, smoke};

const START: &str = "<!-- table:examples -->";
const END: &str = "<!-- /table:examples -->";

/// Options of `table`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    plimsoll: plimsoll::Options,

    /// How often each build is measured; the table shows the median
    #[arg(long, default_value_t = 5)]
    rounds: u32,

    /// Print the table and leave README.md as it is
    #[arg(long)]
    print: bool,
}

/// What was measured of one Dockerfile.
struct Row {
    unpacked_bytes: u64,
    cold: Vec<f64>,
    unchanged: Vec<f64>,
    changed: Vec<f64>,
    /// One file changed, by a Dockerfile without cache mounts.
    changed_bare: Vec<f64>,
}

/// Measures and writes.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let plimsoll = Plimsoll::open(&arguments.plimsoll)?;
    let mut text = String::from(
        "| example | Dockerfile | size | built from nothing | nothing changed | one source file changed | … without cache \
         mounts |\n| --- | --- | --: | --: | --: | --: | --: |\n",
    );
    for example in EXAMPLES {
        let naive = measure(&plimsoll, example, Variant::Naive, arguments.rounds)?;
        let production = measure(&plimsoll, example, Variant::Production, arguments.rounds)?;
        let before = text.len();
        write_rows(&mut text, example.name, &naive, &production)?;
        eprint!("{}", &text[before..]);
    }
    write!(
        text,
        "\nMedian of {} runs of `cargo xtask table`, {}; {}. The size is the sum of all files. “Built from nothing” starts \
         with the base images composed, and with neither results nor cache mounts. The last column is the same change with every `--mount=type=cache` taken \
         out of the Dockerfile.\n",
        arguments.rounds,
        plimsoll.version()?,
        machine(),
    )?;
    if arguments.print {
        print!("{text}");
        return Ok(());
    }
    let readme = shell::workspace().join("README.md");
    let old =
        std::fs::read_to_string(&readme).with_context(|| format!("could not read `{}`", readme.display()))?;
    std::fs::write(&readme, replace(&old, &text)?)?;
    print!("{text}");
    Ok(())
}

fn measure(plimsoll: &Plimsoll, example: &Example, variant: Variant, rounds: u32) -> Result<Row> {
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join(example.name);
    example.copy_to(&copy)?;
    let dockerfile = copy.join(variant.dockerfile());
    let build_of = |dockerfile: &Path| {
        let mut build = plimsoll.build(&copy, dockerfile);
        build.args(["--tag", &example.tag(variant)]);
        build
    };
    let build = || build_of(&dockerfile);
    // Outside of the context: one more file there would be a change.
    let bare = folder.path().join("Dockerfile");
    std::fs::write(&bare, without_cache_mounts(&std::fs::read_to_string(&dockerfile)?))?;
    // A list of what is ignored that belongs to this Dockerfile alone stands beside it.
    let ignored = PathBuf::from(format!("{}.dockerignore", dockerfile.display()));
    if ignored.exists() {
        std::fs::copy(ignored, folder.path().join("Dockerfile.dockerignore"))?;
    }
    // Once for the bases, which are not part of any figure, and for the size.
    let files = folder.path().join("files.tar");
    eprintln!("measuring the {} build of {}", variant.name(), example.name);
    shell::capture(build().arg("--output").arg(format!("type=tar,dest={}", files.display())))?;
    let unpacked_bytes = image::unpacked_bytes(&files)?;

    let (mut cold, mut unchanged) = (Vec::new(), Vec::new());
    let (mut changed, mut changed_bare) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let nonce = format!("{}-{round}", std::process::id());
        // A namespace of its own gives the build empty cache mounts, beside results that are not looked up.
        let namespace = format!("BUILDKIT_CACHE_MOUNT_NS={nonce}");
        cold.push(shell::time(build().args(["--no-cache", "--build-arg", &namespace]))?);
        example.change(&copy, "")?;
        shell::capture(&mut build())?;
        unchanged.push(shell::time(&mut build())?);
        example.change(&copy, &nonce)?;
        changed.push(shell::time(&mut build())?);
        example.change(&copy, "")?;
        shell::capture(&mut build_of(&bare))?;
        // Another change than before: where there is no cache mount to take out, it is the same build.
        example.change(&copy, &format!("{nonce}-bare"))?;
        changed_bare.push(shell::time(&mut build_of(&bare))?);
    }
    Ok(Row {
        unpacked_bytes,
        cold: seconds(&cold),
        unchanged: seconds(&unchanged),
        changed: seconds(&changed),
        changed_bare: seconds(&changed_bare),
    })
}

/// The Dockerfile with every cache mount taken out.
fn without_cache_mounts(dockerfile: &str) -> String {
    let mut out = String::new();
    let mut rest = dockerfile;
    while let Some((before, mount)) = rest.split_once("--mount=type=cache") {
        out.push_str(before);
        let end = mount.find(char::is_whitespace).unwrap_or(mount.len());
        rest = mount[end..].strip_prefix(' ').unwrap_or(&mount[end..]);
    }
    out + rest
}

fn write_rows(text: &mut String, name: &str, naive: &Row, production: &Row) -> Result<()> {
    for (variant, row) in [(Variant::Naive, naive), (Variant::Production, production)] {
        let shown = |naive: f64, own: f64, value: String| {
            // A ratio is shown where it says something: of production to naive, and only when it is a gain.
            if variant == Variant::Production && own > 0.0 && naive / own >= 1.05 {
                format!("**{value}** ({:.1} ×)", naive / own)
            } else {
                value
            }
        };
        let time = |pick: fn(&Row) -> &Vec<f64>| {
            let own = median(pick(row));
            shown(median(pick(naive)), own, show_seconds(own))
        };
        let megabytes = smoke::megabytes(row.unpacked_bytes);
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            if variant == Variant::Naive { format!("[{name}](examples/{name})") } else { String::new() },
            variant.name(),
            shown(smoke::megabytes(naive.unpacked_bytes), megabytes, format!("{megabytes:.1} MB")),
            time(|row| &row.cold),
            time(|row| &row.unchanged),
            time(|row| &row.changed),
            time(|row| &row.changed_bare),
        )?;
    }
    Ok(())
}

/// Puts the table between its marks.
fn replace(page: &str, table: &str) -> Result<String> {
    let parts =
        page.split_once(START).and_then(|(head, rest)| rest.split_once(END).map(|(_, tail)| (head, tail)));
    let Some((head, tail)) = parts else {
        bail!("README.md has no `{START}` followed by `{END}`");
    };
    Ok(format!("{head}{START}\n{table}{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_mounts_are_taken_out_and_nothing_else() {
        let text = "RUN --mount=type=cache,target=/a --mount=type=secret,id=b cmd\nRUN --mount=type=cache,target=/c \\\n    go\n";
        assert_eq!(without_cache_mounts(text), "RUN --mount=type=secret,id=b cmd\nRUN \\\n    go\n");
        assert_eq!(without_cache_mounts("FROM a\n"), "FROM a\n");
    }

    #[test]
    fn the_table_is_put_between_its_marks_and_the_rest_stays() {
        let page = format!("a\n{START}\nold\n{END}\nb\n");
        assert_eq!(replace(&page, "new\n").unwrap(), format!("a\n{START}\nnew\n{END}\nb\n"));
        assert!(replace("no marks", "new").is_err());
    }
}
