//! The language server, spoken to as an editor does.

#![expect(clippy::needless_pass_by_value, reason = "what is sent is written where it is sent")]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::support::Lab;

struct Editor {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    last_request: u64,
}

impl Editor {
    /// Starts the server on the context of a lab.
    fn new(lab: &Lab) -> Self {
        let mut command = lab.command(&["lsp", "--stdio"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut editor = Self { child, input, output, last_request: 0 };
        assert_eq!(editor.error("textDocument/hover", json!({})), -32002);
        let folder = json!({ "uri": format!("file://{}", lab.context().display()), "name": "context" });
        let answer = editor.ask("initialize", json!({ "workspaceFolders": [folder], "capabilities": {} }));
        assert_eq!(answer["capabilities"]["positionEncoding"], "utf-16");
        editor.tell("initialized", json!({}));
        editor
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the server has ended");
            match line.trim_end().split_once(": ") {
                Some((_, value)) => length = value.parse().unwrap(),
                None => break,
            }
        }
        let mut bytes = vec![0; length];
        self.output.read_exact(&mut bytes).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    fn request(&mut self, method: &str, params: Value) -> Value {
        self.last_request += 1;
        let id = self.last_request;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let answer = self.receive();
        assert_eq!(answer["id"], id);
        answer
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let answer = self.request(method, params);
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].clone()
    }

    fn error(&mut self, method: &str, params: Value) -> i64 {
        self.request(method, params)["error"]["code"].as_i64().unwrap()
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Opens a file and gives what is said about it.
    fn open(&mut self, uri: &str, text: &str) -> Vec<Value> {
        let document = json!({ "uri": uri, "languageId": "dockerfile", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
        let published = self.receive();
        assert_eq!(published["method"], "textDocument/publishDiagnostics");
        assert_eq!((&published["params"]["uri"], &published["params"]["version"]), (&uri.into(), &1.into()));
        published["params"]["diagnostics"].as_array().unwrap().clone()
    }

    fn labels(&mut self, uri: &str, line: u64, character: u64) -> Vec<String> {
        let position = json!({ "line": line, "character": character });
        let items = self
            .ask("textDocument/completion", json!({ "textDocument": { "uri": uri }, "position": position }));
        items.as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
    }

    /// Ends the server as the protocol wants it; gives its exit code.
    fn end(mut self) -> i32 {
        assert_eq!(self.ask("shutdown", Value::Null), Value::Null);
        self.tell("exit", Value::Null);
        self.child.wait().unwrap().code().unwrap()
    }
}

/// Applies the edits of an action to a text whose lines are ASCII.
fn applied(action: &Value, uri: &str, text: &str) -> String {
    let offset = |position: &Value| {
        let line = usize::try_from(position["line"].as_u64().unwrap()).unwrap();
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        start + usize::try_from(position["character"].as_u64().unwrap()).unwrap()
    };
    let mut edits: Vec<_> = action["edit"]["changes"][uri]
        .as_array()
        .unwrap()
        .iter()
        .map(|edit| {
            let range = &edit["range"];
            (offset(&range["start"]), offset(&range["end"]), edit["newText"].as_str().unwrap().to_owned())
        })
        .collect();
    edits.sort_unstable();
    let mut out = text.to_owned();
    for (start, end, new) in edits.iter().rev() {
        out.replace_range(*start..*end, new);
    }
    out
}

const URI: &str = "untitled:Untitled-1";

#[test]
fn findings_are_published_with_positions_in_utf_16() {
    let lab = Lab::new();
    let mut editor = Editor::new(&lab);
    let text = "FROM scratch AS a\nUSER 1\nRUN echo é😀 && sudo ls\n";
    let found = editor.open(URI, text);
    let sudo = found.iter().find(|one| one["code"] == "sudo-in-run").unwrap();
    let range = |start: u64, end: u64| json!({ "start": { "line": 2, "character": start }, "end": { "line": 2, "character": end } });
    // The smile is two units.
    assert_eq!(sudo["range"], range(16, 20));
    assert_eq!((&sudo["severity"], &sudo["source"]), (&1.into(), &"plimsoll".into()));
    assert!(sudo["message"].as_str().unwrap().contains("DL3004"));

    let changed =
        json!({ "textDocument": { "uri": URI, "version": 2 }, "contentChanges": [{ "text": "RUNN x\n" }] });
    editor.tell("textDocument/didChange", changed);
    let published = editor.receive();
    assert_eq!(published["params"]["version"], 2);
    let codes: Vec<_> =
        published["params"]["diagnostics"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert!(codes.contains(&&"unknown-instruction".into()), "{codes:?}");
    editor.tell("textDocument/didClose", json!({ "textDocument": { "uri": URI } }));
    assert_eq!(editor.receive()["params"]["diagnostics"], json!([]));
    assert_eq!(editor.end(), 0);
}

#[test]
fn fixes_and_comments_are_offered() {
    let lab = Lab::new();
    let mut editor = Editor::new(&lab);
    let text = "from debian:trixie\nRUN apt-get update && apt-get install curl\n";
    editor.open(URI, text);
    let at = json!({ "line": 1, "character": 32 });
    let params = |context: Value| json!({ "textDocument": { "uri": URI }, "range": { "start": at, "end": at }, "context": context });
    let actions = editor.ask("textDocument/codeAction", params(json!({ "diagnostics": [] })));
    let actions = actions.as_array().unwrap();
    let action = |part: &str| {
        actions
            .iter()
            .find(|one| one["title"].as_str().unwrap().contains(part))
            .unwrap_or_else(|| panic!("{part}"))
    };
    let yes = action("(apt-get-without-yes)");
    assert_eq!((&yes["kind"], &yes["isPreferred"]), (&"quickfix".into(), &true.into()));
    assert!(applied(yes, URI, text).contains("apt-get install -y curl"));
    let allowed = applied(action("allow apt-get-without-yes here"), URI, text);
    assert!(
        allowed.starts_with("from debian:trixie\n# plimsoll allow=apt-get-without-yes\nRUN "),
        "{allowed}"
    );
    let found = editor.open(URI, &allowed);
    assert!(!found.iter().any(|one| one["code"] == "apt-get-without-yes"));

    editor.open(URI, text);
    let all = editor
        .ask("textDocument/codeAction", params(json!({ "diagnostics": [], "only": ["source.fixAll"] })));
    let fixed = applied(&all[0], URI, text);
    assert!(all.as_array().unwrap().len() == 1 && fixed.starts_with("FROM debian:trixie\n"), "{fixed}");
    assert!(fixed.contains(" -y") && fixed.contains("--no-install-recommends"), "{fixed}");
    let none =
        editor.ask("textDocument/codeAction", params(json!({ "diagnostics": [], "only": ["refactor"] })));
    assert_eq!(none, json!([]));
    assert_eq!(editor.end(), 0);
}

#[test]
fn rules_and_images_are_explained() {
    let lab = Lab::new();
    lab.write("base.Dockerfile", "FROM scratch\nENV KIND=`x`\nUSER 7\nENTRYPOINT [\"/bin/app\"]\n");
    let file = lab.path("base.Dockerfile");
    lab.build().args(["--file", file.to_str().unwrap(), "--tag", "known"]).ok();
    let mut editor = Editor::new(&lab);
    editor.open(URI, "FROM known AS first\nFROM first\nFROM unknown\nUSER 1\nRUN sudo ls\n");
    let mut hover = |line: u64, character: u64| {
        let position = json!({ "line": line, "character": character });
        let answer =
            editor.ask("textDocument/hover", json!({ "textDocument": { "uri": URI }, "position": position }));
        answer["contents"]["value"].as_str().map(str::to_owned)
    };
    let known = hover(0, 6).unwrap();
    assert!(
        known.contains("user: `7`") && known.contains("`/bin/app`") && known.contains("`KIND='x'`"),
        "{known}"
    );
    assert!(hover(1, 6).unwrap().contains("the stage that starts in line 1"));
    assert!(hover(2, 6).unwrap().contains("not in the store"));
    assert!(hover(4, 5).unwrap().contains("**sudo-in-run**"));
    assert_eq!(hover(3, 0), None);
    assert_eq!(editor.end(), 0);
}

#[test]
fn words_are_completed() {
    let lab = Lab::new();
    let mut editor = Editor::new(&lab);
    let text = "FROM scratch AS tools\nHE\nru\nRUN --mo\nFROM t\nCOPY --from=\nCOPY --f\nRUN true \\\n  && HE\nRUN --mount=type=bind,from=t\n# HE\n";
    editor.open(URI, text);
    for (line, character, labels) in [
        (1, 2, &["HEALTHCHECK"][..]),
        (2, 2, &["run"]),
        (3, 8, &["--mount="]),
        (4, 6, &["tools"]),
        (5, 12, &["tools"]),
        (6, 8, &["--from="]),
        (8, 7, &[]),
        (9, 28, &["tools"]),
        (10, 4, &[]),
        (
            99,
            0,
            &[
                "ADD",
                "ARG",
                "CMD",
                "COPY",
                "ENTRYPOINT",
                "ENV",
                "EXPOSE",
                "FROM",
                "HEALTHCHECK",
                "LABEL",
                "MAINTAINER",
                "ONBUILD",
                "RUN",
                "SHELL",
                "STOPSIGNAL",
                "USER",
                "VOLUME",
                "WORKDIR",
            ],
        ),
    ] {
        assert_eq!(editor.labels(URI, line, character), labels, "{line}");
    }
    assert_eq!(editor.end(), 0);
}

#[test]
fn the_ignore_file_of_the_folder_counts_and_no_other() {
    let lab = Lab::new();
    lab.write(".dockerignore", "secret\n");
    std::fs::create_dir(lab.beside("other")).unwrap();
    std::fs::write(lab.beside("other/.dockerignore"), "secret\n").unwrap();
    let mut editor = Editor::new(&lab);
    let mut finds = |folder: &str| {
        let uri = format!("file://{}/Dockerfile", lab.beside(folder).display());
        let found = editor.open(&uri, "FROM scratch\nCOPY secret /\nUSER 1\n");
        found.iter().any(|one| one["code"] == "copy-of-ignored-file")
    };
    assert!(finds("context"));
    assert!(!finds("other"));
    assert_eq!(editor.end(), 0);
    assert!(!lab.store().exists(), "an editor makes no store");
}

#[test]
fn hostile_messages_and_texts_are_survived() {
    let lab = Lab::new();
    let mut editor = Editor::new(&lab);
    for method in ["textDocument/hover", "textDocument/completion", "textDocument/codeAction"] {
        for params in
            [json!(null), json!([1]), json!({ "textDocument": { "uri": URI }, "position": { "line": -1 } })]
        {
            editor.request(method, params);
        }
    }
    assert_eq!(editor.error("no/such/method", json!({})), -32601);
    editor.send(&json!([1, 2]));
    assert_eq!(editor.receive()["error"]["code"], -32600);
    editor.tell("textDocument/didChange", json!({ "textDocument": { "uri": URI }, "contentChanges": "x" }));
    let long = format!("FROM scratch\nRUN {}\n", "a; sudo x; ".repeat(5000));
    for text in ["", "\u{feff}", "\r\r\r", "RUN <<EOF", "FROM \u{1f600}\\", &long] {
        assert!(editor.open(URI, text).len() <= 500, "{}", &text[..text.len().min(20)]);
        editor.labels(URI, 1, 4);
    }
    let found = editor.open(URI, &"RUN true\n".repeat(200_000));
    assert!(found.len() == 1 && found[0]["code"] == "too-large");
    // The editor goes away without a word.
    let Editor { mut child, input, .. } = editor;
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
