//! Requests and notifications of the editor, each with what is answered.

use std::collections::BTreeMap;
use std::path::PathBuf;

use plimsoll_lint::Bases;
use serde_json::{Value, json};

use super::actions::actions;
use super::completion::completions;
use super::document::{Open, path_of};
use super::hover::hover;

/// More files than this are not looked at at a time.
const MOST_OPEN: usize = 200;

/// The protocol's error codes.
const INVALID_REQUEST: i32 = -32600;
const UNKNOWN_METHOD: i32 = -32601;
const NOT_INITIALIZED: i32 = -32002;

/// The state between two messages.
pub(super) struct Server<'b> {
    bases: &'b Bases<'b>,
    /// Folders of the editor, links resolved.
    folders: Vec<PathBuf>,
    open: BTreeMap<String, Open>,
    is_initialized: bool,
    was_shut_down: bool,
    is_over: bool,
}

impl<'b> Server<'b> {
    pub(super) fn new(bases: &'b Bases<'b>) -> Self {
        Self {
            bases,
            folders: Vec::new(),
            open: BTreeMap::new(),
            is_initialized: false,
            was_shut_down: false,
            is_over: false,
        }
    }

    /// Whether the editor has said the last word.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether the editor asked for the end before it came.
    pub(super) fn was_shut_down(&self) -> bool {
        self.was_shut_down
    }

    /// What is to be sent for a message.
    pub(super) fn answer(&mut self, message: &Value) -> Vec<Value> {
        let (id, params) = (&message["id"], &message["params"]);
        let Some(method) = message["method"].as_str() else {
            // An answer to something that was never asked needs none; anything else is no message.
            let is_answer = message.get("result").is_some() || message.get("error").is_some();
            return if is_answer { Vec::new() } else { vec![error(id, INVALID_REQUEST, "not a request")] };
        };
        if id.is_null() {
            return self.notified(method, params);
        }
        let result = match method {
            "initialize" => Ok(self.initialize(params)),
            _ if !self.is_initialized => Err((NOT_INITIALIZED, "not initialized")),
            _ if self.was_shut_down => Err((INVALID_REQUEST, "shut down")),
            "shutdown" => {
                self.was_shut_down = true;
                Ok(Value::Null)
            }
            "textDocument/hover" => {
                let open = self.document(params);
                Ok(open
                    .and_then(|(_, open)| hover(open, &params["position"], self.bases))
                    .unwrap_or_default())
            }
            "textDocument/completion" => {
                let items = self.document(params).map(|(_, open)| completions(open, &params["position"]));
                Ok(items.unwrap_or_default().into())
            }
            "textDocument/codeAction" => {
                let only = params["context"]["only"].as_array().map(Vec::as_slice);
                let found = self
                    .document(params)
                    .map(|(uri, open)| actions(open, uri, &params["range"], only, self.bases));
                Ok(found.unwrap_or_default().into())
            }
            _ => Err((UNKNOWN_METHOD, "there is no such method")),
        };
        vec![match result {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err((code, text)) => error(id, code, text),
        }]
    }

    fn initialize(&mut self, params: &Value) -> Value {
        let folders = params["workspaceFolders"].as_array().map(Vec::as_slice).unwrap_or_default();
        let uris = folders.iter().map(|folder| &folder["uri"]).chain([&params["rootUri"]]);
        let paths = uris.filter_map(Value::as_str).filter_map(path_of);
        self.folders = paths.filter_map(|path| path.canonicalize().ok()).collect();
        self.is_initialized = true;
        json!({
            "capabilities": {
                "positionEncoding": "utf-16",
                // 1: the whole text with every change.
                "textDocumentSync": { "openClose": true, "change": 1 },
                "hoverProvider": true,
                "completionProvider": { "triggerCharacters": ["-", "=", ",", " "] },
                "codeActionProvider": { "codeActionKinds": ["quickfix", "source.fixAll.plimsoll"] },
            },
            "serverInfo": { "name": "plimsoll", "version": env!("CARGO_PKG_VERSION") },
        })
    }

    fn document(&self, params: &Value) -> Option<(&str, &Open)> {
        let (uri, open) = self.open.get_key_value(params["textDocument"]["uri"].as_str()?)?;
        Some((uri, open))
    }

    fn notified(&mut self, method: &str, params: &Value) -> Vec<Value> {
        if method == "exit" {
            self.is_over = true;
        }
        if !self.is_initialized {
            return Vec::new();
        }
        let document = &params["textDocument"];
        let Some(uri) = document["uri"].as_str() else { return Vec::new() };
        let text = match method {
            "textDocument/didOpen" => document["text"].as_str(),
            "textDocument/didChange" => {
                params["contentChanges"].as_array().and_then(|changes| changes.last()?["text"].as_str())
            }
            "textDocument/didClose" => {
                self.open.remove(uri);
                return vec![published(uri, &Value::Null, &[])];
            }
            _ => None,
        };
        let Some(text) = text else { return Vec::new() };
        if !self.open.contains_key(uri) && self.open.len() >= MOST_OPEN {
            return Vec::new();
        }
        let open = Open::new(uri, text, &self.folders, self.bases);
        let diagnostics = open.diagnostics();
        self.open.insert(uri.to_owned(), open);
        vec![published(uri, &document["version"], &diagnostics)]
    }
}

fn published(uri: &str, version: &Value, diagnostics: &[Value]) -> Value {
    let mut params = json!({ "uri": uri, "diagnostics": diagnostics });
    if !version.is_null() {
        params["version"] = version.clone();
    }
    json!({ "jsonrpc": "2.0", "method": "textDocument/publishDiagnostics", "params": params })
}

fn error(id: &Value, code: i32, text: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": text } })
}
