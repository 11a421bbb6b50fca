//! The commands of the shell.

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::exit;
use crate::terminal::show;

/// What a command gives: its exit code, or what went wrong.
type Outcome = Result<u8, String>;

const HELP: &str = "\
cat FILE…            show files                 cd [DIR]           change the directory
chmod MODE PATH…     change permission bits     cp FROM TO         copy a file
echo WORD…           show words                 env                show the variables
exit [CODE]          leave                      touch FILE…        make empty files
find [DIR]           show all paths below       grep TEXT FILE…    show lines with a text
head [-N] FILE…      show the first lines       help               show this
hex FILE             show the bytes of a file   id                 show user and groups
ls [-a] [PATH…]      show directories           mkdir DIR…         make directories
mounts               show what is mounted       mv FROM TO         rename
pwd                  show the directory         rm [-r] PATH…      remove
Any other word is a program, looked for in PATH. `> FILE` takes what a command shows.
";

/// Says what went wrong.
#[expect(clippy::print_stderr, reason = "a shell talks to whoever sits before it")]
pub(super) fn complain(problem: &str) {
    eprintln!("plimsoll: {problem}");
}

/// Runs a command; `output` is the file that takes what it shows.
pub(super) fn run(name: &str, arguments: &[String], output: Option<&str>) -> Outcome {
    let Some(text) = own(name, arguments)? else { return program(name, arguments, output) };
    match output {
        Some(path) => fs::write(path, text).map_err(|error| about(path, &error))?,
        None => show(&text).map_err(|error| error.to_string())?,
    }
    Ok(exit::DONE)
}

fn about(path: impl AsRef<Path>, error: &io::Error) -> String {
    format!("{}: {error}", path.as_ref().display())
}

/// What a command of the shell's own shows; nothing if there is none of that name.
fn own(name: &str, arguments: &[String]) -> Result<Option<Vec<u8>>, String> {
    let nothing = || Ok(Some(Vec::new()));
    let each = |work: &dyn Fn(&str) -> io::Result<()>| {
        for path in arguments.iter().filter(|argument| !argument.starts_with('-')) {
            work(path).map_err(|error| about(path, &error))?;
        }
        nothing()
    };
    match name {
        "cat" => bytes_of(arguments, usize::MAX).map(Some),
        "cd" => {
            let home = std::env::var("HOME").unwrap_or_else(|_| "/".to_owned());
            let to = arguments.first().unwrap_or(&home);
            std::env::set_current_dir(to).map_err(|error| about(to, &error))?;
            nothing()
        }
        "chmod" => {
            let (mode, paths) = arguments.split_first().ok_or("needs a mode in octal and paths")?;
            let mode = u32::from_str_radix(mode, 8).map_err(|_| format!("`{mode}` is not octal"))?;
            for path in paths {
                fs::set_permissions(path, Permissions::from_mode(mode))
                    .map_err(|error| about(path, &error))?;
            }
            nothing()
        }
        "cp" | "mv" => {
            let [from, to] = arguments else { return Err("needs two paths".to_owned()) };
            let to = into_directory(from, to);
            let done = if name == "cp" { fs::copy(from, &to).map(drop) } else { fs::rename(from, &to) };
            done.map_err(|error| about(from, &error))?;
            nothing()
        }
        "echo" => Ok(Some(format!("{}\n", arguments.join(" ")).into_bytes())),
        "env" => Ok(Some(variables())),
        "find" => {
            let mut text = Vec::new();
            let start = arguments.first().map_or(".", String::as_str);
            find(Path::new(start), &mut text);
            Ok(Some(text))
        }
        "grep" => grep(arguments).map(Some),
        "head" => {
            let count = arguments.iter().find_map(|argument| argument.strip_prefix('-')?.parse().ok());
            bytes_of(arguments, count.unwrap_or(10)).map(Some)
        }
        "help" => Ok(Some(HELP.as_bytes().to_vec())),
        "hex" => hex(arguments.first().ok_or("needs a file")?).map(Some),
        "id" => Ok(Some(identity())),
        "ls" => list(arguments).map(Some),
        "mkdir" => each(&|path| fs::create_dir_all(path)),
        "mounts" => bytes_of(&["/proc/self/mounts".to_owned()], usize::MAX).map(Some),
        "pwd" => {
            let place = std::env::current_dir().map_err(|error| error.to_string())?;
            Ok(Some(format!("{}\n", place.display()).into_bytes()))
        }
        "rm" => {
            let recursive = arguments.iter().any(|argument| argument == "-r" || argument == "-rf");
            each(&|path| {
                let is_tree = fs::symlink_metadata(path)?.is_dir() && recursive;
                if is_tree { fs::remove_dir_all(path) } else { fs::remove_file(path) }
            })
        }
        "touch" => each(&|path| File::options().append(true).create(true).open(path).map(drop)),
        "export" | "unset" => Err(VARIABLES.to_owned()),
        _ => Ok(None),
    }
}

/// Changing the environment of a process with threads is not safe, so programs are given variables in another way.
const VARIABLES: &str = "variables cannot be changed here; start a program with `NAME=VALUE program …`";

fn into_directory(from: &str, to: &str) -> PathBuf {
    let to = PathBuf::from(to);
    match Path::new(from).file_name() {
        Some(name) if to.is_dir() => to.join(name),
        _ => to,
    }
}

/// The first lines of files.
fn bytes_of(arguments: &[String], lines: usize) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    for path in arguments.iter().filter(|argument| !argument.starts_with('-')) {
        let bytes = fs::read(path).map_err(|error| about(path, &error))?;
        if lines == usize::MAX {
            text.extend(bytes);
        } else {
            bytes.split_inclusive(|byte| *byte == b'\n').take(lines).for_each(|line| text.extend(line));
        }
    }
    Ok(text)
}

fn variables() -> Vec<u8> {
    let mut text = Vec::new();
    for (name, value) in std::env::vars_os() {
        text.extend([name.as_bytes(), b"=", value.as_bytes(), b"\n"].concat());
    }
    text
}

fn find(path: &Path, text: &mut Vec<u8>) {
    text.extend(path.as_os_str().as_bytes());
    text.push(b'\n');
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        return;
    }
    let mut below: Vec<PathBuf> =
        fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    below.sort_unstable();
    below.iter().for_each(|path| find(path, text));
}

fn grep(arguments: &[String]) -> Result<Vec<u8>, String> {
    let (wanted, paths) = arguments.split_first().ok_or("needs a text and files")?;
    let mut text = Vec::new();
    for path in paths {
        let bytes = fs::read(path).map_err(|error| about(path, &error))?;
        let fits = |line: &&[u8]| String::from_utf8_lossy(line).contains(wanted.as_str());
        bytes.split_inclusive(|byte| *byte == b'\n').filter(fits).for_each(|line| text.extend(line));
    }
    Ok(text)
}

fn hex(path: &str) -> Result<Vec<u8>, String> {
    /// More than anybody reads.
    const MOST: u64 = 64 << 10;
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut bytes));
    read.map_err(|error| about(path, &error))?;
    let mut text = String::new();
    for (line, part) in bytes.chunks(16).enumerate() {
        let shown: String =
            part.iter().map(|byte| if (32..127).contains(byte) { char::from(*byte) } else { '.' }).collect();
        let digits: Vec<String> = part.iter().map(|byte| format!("{byte:02x}")).collect();
        let _infallible = writeln!(text, "{:08x}  {:<47}  {shown}", line * 16, digits.join(" "));
    }
    Ok(text.into_bytes())
}

fn identity() -> Vec<u8> {
    let user = rustix::process::geteuid().as_raw();
    let group = rustix::process::getegid().as_raw();
    let groups: Vec<String> = rustix::process::getgroups()
        .unwrap_or_default()
        .iter()
        .map(|group| group.as_raw().to_string())
        .collect();
    format!("uid={user} gid={group} groups={}\n", groups.join(",")).into_bytes()
}

fn list(arguments: &[String]) -> Result<Vec<u8>, String> {
    let all = arguments.iter().any(|argument| argument.starts_with('-') && argument.contains('a'));
    let mut paths: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|argument| !argument.starts_with('-')).collect();
    if paths.is_empty() {
        paths.push(".");
    }
    let mut text = String::new();
    for path in &paths {
        let found = fs::symlink_metadata(path).map_err(|error| about(path, &error))?;
        if !found.is_dir() {
            entry(Path::new(path), path, &mut text);
            continue;
        }
        if paths.len() > 1 {
            let _infallible = writeln!(text, "{path}:");
        }
        let entries = fs::read_dir(path).map_err(|error| about(path, &error))?;
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort_unstable();
        for name in names.iter().filter(|name| all || !name.as_bytes().starts_with(b".")) {
            entry(&Path::new(path).join(name), &name.to_string_lossy(), &mut text);
        }
    }
    Ok(text.into_bytes())
}

/// One line of a listing: kind and permission bits, owner, size, name, target.
fn entry(path: &Path, name: &str, text: &mut String) {
    let Ok(found) = fs::symlink_metadata(path) else { return };
    let mode = found.mode();
    let kind = match mode & 0o170_000 {
        0o040_000 => 'd',
        0o120_000 => 'l',
        0o020_000 => 'c',
        0o060_000 => 'b',
        0o010_000 => 'p',
        0o140_000 => 's',
        _ => '-',
    };
    let target = fs::read_link(path).map(|target| format!(" -> {}", target.display())).unwrap_or_default();
    let owner = format!("{}:{}", found.uid(), found.gid());
    let _infallible =
        writeln!(text, "{kind}{:04o} {owner:<12} {:>10} {name}{target}", mode & 0o7777, found.len());
}

/// Runs a program of the image. Words of the form `NAME=VALUE` before its name are variables for it.
fn program(name: &str, arguments: &[String], output: Option<&str>) -> Outcome {
    let mut words = std::iter::once(name).chain(arguments.iter().map(String::as_str)).peekable();
    let mut variables = Vec::new();
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    while let Some((name, value)) = words.peek().and_then(|word| word.split_once('='))
        && is_name(name)
    {
        variables.push((name, value));
        words.next();
    }
    let Some(program) = words.next() else { return Err(VARIABLES.to_owned()) };
    let mut command = Command::new(program);
    command.args(words).envs(variables);
    if let Some(path) = output {
        command.stdout(File::create(path).map_err(|error| about(path, &error))?);
    }
    let status = command.status().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            "there is no such command or program; `help` shows the commands".to_owned()
        }
        _ => error.to_string(),
    })?;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(u8::try_from(code).unwrap_or(exit::IMPOSSIBLE))
}
