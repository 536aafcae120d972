//! A page in a browser, as somebody uses it.

use std::any::Any;
use std::path::Path;

use serde_json::{Value, json};

use super::driver::Browser;
use crate::support::{alone, shared};

/// A page that is open, in a browser of its own.
pub(super) struct Page {
    browser: Browser,
    session: String,
    /// What may be asked for: the file itself.
    url: String,
    // Last: what is started ends before.
    _started: Box<dyn Any>,
}

/// A key, as the protocol has it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    Tab,
    Enter,
    Escape,
}

impl Page {
    /// Opens nothing yet, where there is a browser.
    pub(super) fn blank() -> Option<Page> {
        Page::holding(Box::new(shared()))
    }

    /// The same while no other test of this process has started anything.
    pub(super) fn blank_alone() -> Option<Page> {
        Page::holding(Box::new(alone()))
    }

    fn holding(started: Box<dyn Any>) -> Option<Page> {
        let mut browser = Browser::start()?;
        let blank = json!({ "url": "about:blank" });
        let target = browser.ask(None, "Target.createTarget", blank)["targetId"].take();
        let attach = json!({ "targetId": target, "flatten": true });
        let session = browser.ask(None, "Target.attachToTarget", attach)["sessionId"].take();
        let mut page = Page {
            browser,
            session: session.as_str().expect("a session").to_owned(),
            url: String::new(),
            _started: started,
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.ask(&format!("{domain}.enable"), json!({}));
        }
        Some(page)
    }

    /// A file, opened.
    pub(super) fn of(file: &Path) -> Option<Page> {
        let mut page = Page::blank()?;
        page.open(file);
        Some(page)
    }

    /// Opens a file, and waits until it is loaded.
    #[track_caller]
    pub(super) fn open(&mut self, file: &Path) {
        self.url = format!("file://{}", file.display());
        self.ask("Page.navigate", json!({ "url": self.url }));
        self.browser.awaits("Page.loadEventFired");
    }

    #[track_caller]
    pub(super) fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.browser.ask(Some(&self.session), method, parameters)
    }

    /// What an expression, or the end of its promise, is in the page.
    #[track_caller]
    pub(super) fn eval(&mut self, expression: &str) -> Value {
        self.eval_in(None, expression)
    }

    /// As `eval`, in another world of scripts, which has the same document.
    #[track_caller]
    pub(super) fn eval_in(&mut self, world: Option<u64>, expression: &str) -> Value {
        let mut parameters =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        if let Some(world) = world {
            parameters["contextId"] = world.into();
        }
        let mut told = self.ask("Runtime.evaluate", parameters);
        assert!(told["exceptionDetails"].is_null(), "{expression}: {told}");
        told["result"]["value"].take()
    }

    /// As `eval`, for a text.
    #[track_caller]
    pub(super) fn text(&mut self, expression: &str) -> String {
        let told = self.eval(expression);
        let text = told
            .as_str()
            .unwrap_or_else(|| panic!("{expression}: {told}"));
        text.to_owned()
    }

    /// As `eval`, for a number.
    #[track_caller]
    pub(super) fn number(&mut self, expression: &str) -> f64 {
        let told = self.eval(expression);
        told.as_f64()
            .unwrap_or_else(|| panic!("{expression}: {told}"))
    }

    /// Waits until an expression holds.
    #[track_caller]
    pub(super) fn eventually(&mut self, holds: &str) {
        let told = self.eval(&format!(
            "new Promise((done) => {{
               const end = performance.now() + 30000;
               const look = () => ({holds}) ? done(true) : performance.now() > end ? done(false) : setTimeout(look, 5);
               look();
             }})"
        ));
        assert_eq!(told, true, "not within 30 s: {holds}");
    }

    /// A world of scripts of its own, to which the page's policy says nothing.
    #[track_caller]
    pub(super) fn world(&mut self) -> u64 {
        let tree = self.ask("Page.getFrameTree", json!({}));
        let frame = &tree["frameTree"]["frame"]["id"];
        let world = self.ask(
            "Page.createIsolatedWorld",
            json!({ "frameId": frame, "worldName": "test" }),
        );
        world["executionContextId"].as_u64().expect("a number")
    }

    /// Presses a key and lets it go.
    #[track_caller]
    pub(super) fn press(&mut self, key: Key) {
        let (name, code, text) = match key {
            Key::Tab => ("Tab", 9, ""),
            Key::Enter => ("Enter", 13, "\r"),
            Key::Escape => ("Escape", 27, ""),
        };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            self.ask(
                "Input.dispatchKeyEvent",
                json!({
                    "type": kind, "key": name, "code": name, "windowsVirtualKeyCode": code, "text": text,
                }),
            );
        }
    }

    /// Types where the focus is.
    #[track_caller]
    pub(super) fn types(&mut self, text: &str) {
        self.ask("Input.insertText", json!({ "text": text }));
    }

    /// Chooses a value of a list, as somebody does who clicks on it.
    #[track_caller]
    pub(super) fn choose(&mut self, list: &str, value: &str) {
        let value = json!(value);
        let chosen = self.eval(&format!(
            "(() => {{
               const list = document.getElementById('{list}');
               list.value = {value};
               list.dispatchEvent(new Event('change', {{ bubbles: true }}));
               return list.value;
             }})()"
        ));
        assert_eq!(chosen, value, "{list} has it");
    }

    /// Light or dark, as the system would say.
    #[track_caller]
    pub(super) fn scheme(&mut self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.ask(
            "Emulation.setEmulatedMedia",
            json!({ "features": [feature] }),
        );
    }

    /// The size of its window.
    #[track_caller]
    pub(super) fn size(&mut self, width: u32, height: u32) {
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
        );
    }

    /// What went wrong, and what was asked for besides the file.
    pub(super) fn complaints(&self) -> Vec<String> {
        let told = self.browser.events().iter().filter_map(|event| {
            let parameters = &event["params"];
            let is_bad = match event["method"].as_str()? {
                "Runtime.exceptionThrown" => true,
                "Runtime.consoleAPICalled" => ["error", "warning", "assert"]
                    .map(Value::from)
                    .contains(&parameters["type"]),
                "Log.entryAdded" => ["error", "warning"]
                    .map(Value::from)
                    .contains(&parameters["entry"]["level"]),
                "Network.requestWillBeSent" => parameters["request"]["url"] != self.url,
                "Page.javascriptDialogOpening" => true,
                _ => false,
            };
            is_bad.then(|| event.to_string())
        });
        told.collect()
    }

    #[track_caller]
    pub(super) fn assert_quiet(&self) {
        assert_eq!(self.complaints(), Vec::<String>::new());
    }
}
