//! A running plug that many callers share. One task owns the [`Session`] that records, and takes
//! calls in the order they come; what asks a server goes to another, the `courier`, so that no
//! record waits for a server.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::calls::Calls;
use crate::courier::{Courier, DUE, Route, route};
use crate::egress::Network;
use crate::error::Error;
use crate::operations::{NOTHING, failed, is_empty};
use crate::rules::{self, Written};
use crate::session::{Recovery, Session};
use crate::warnings;

/// How often a change of a rule file begins anew because another process has changed the file
/// meanwhile.
const MAX_ATTEMPTS: usize = 5;

/// A running plug. Cheap to clone; calls from all clones are taken in the order they come, but
/// those that ask a server: they are taken among themselves, while others go on.
#[derive(Clone)]
pub struct PlugHandle {
    leader: Calls,
    courier: Courier,
    /// Where rule files are written.
    rules_folder: Option<Arc<Path>>,
    network: Arc<Network>,
    /// Held by who changes a rule file.
    installing: Arc<tokio::sync::Mutex<()>>,
    warnings: Arc<[String]>,
}

impl PlugHandle {
    /// Puts tasks in charge of the session and of its courier; they end with the last handle.
    pub(crate) fn new(session: Session, rules_folder: Option<PathBuf>) -> Self {
        let (courier, network) = (session.courier(), Arc::clone(session.network()));
        let warnings = session.warnings().into();
        let leader = Calls::to(session);
        Self {
            courier: Courier::new(courier, leader.clone()),
            leader,
            rules_folder: rules_folder.map(Into::into),
            network,
            installing: Arc::default(),
            warnings,
        }
    }

    /// What the plug said of the configuration that it was started with, such as keys that it does
    /// not know.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Runs one operation with the configuration that the plug was started with. An operation that
    /// fails is an `Ok` answer with `success: false`.
    pub async fn process(&self, ctx: &Value) -> Result<Value, Error> {
        json(&self.process_text(ctx.to_string(), String::new()).await?)
    }

    /// Runs one operation: `ctx` and `cfg` go to the plug as they are, and so comes its answer. An
    /// empty `cfg` keeps the last one.
    pub async fn process_text(&self, ctx: String, cfg: String) -> Result<String, Error> {
        // Nearly no answer holds one.
        let may_hold_file = |answer: &str| answer.contains("\"rules_file\"");
        let Some(folder) = self.rules_folder.clone() else {
            let answer = self.run(ctx, cfg).await?;
            if self.network.advises()
                && may_hold_file(&answer)
                && matches!(rules::concerned(&json(&answer)?), Ok(Some(_)))
            {
                self.network.report_missing_rules_folder();
            }
            return Ok(answer);
        };
        let answer = self.run(ctx.clone(), cfg).await?;
        if may_hold_file(&answer) { self.install(&folder, &ctx, answer).await } else { Ok(answer) }
    }

    async fn run(&self, ctx: String, cfg: String) -> Result<String, Error> {
        match route(&ctx) {
            Route::Leader => {
                let answer = self.lead(ctx.clone(), cfg).await?;
                // Records say so where a push is due by the policy.
                if answer.contains(DUE) { self.courier.push(&ctx, &answer).await } else { Ok(answer) }
            }
            Route::LeaderFirst => {
                let answer = self.lead(ctx.clone(), cfg).await?;
                if !answer.contains(DUE) {
                    return Ok(answer);
                }
                // The courier says of the call what the leader did, and not what the leader said of
                // a new configuration.
                let found = warnings::in_text(&answer);
                Ok(warnings::with(self.courier.converse(ctx, true).await?, found))
            }
            Route::Courier { current } => {
                // The configuration is the leader's: it keeps it over crashes, and hands it to the
                // courier.
                let mut found = Vec::new();
                if !is_empty(&cfg) {
                    let told = self.lead(NOTHING.into(), cfg.clone()).await?;
                    if failed(&told) {
                        // Nobody is asked with a configuration that is none; this says so in the
                        // operation's own answer.
                        return self.lead(ctx, cfg).await;
                    }
                    found = warnings::in_text(&told);
                }
                Ok(warnings::with(self.courier.converse(ctx, current).await?, found))
            }
        }
    }

    async fn lead(&self, ctx: String, cfg: String) -> Result<String, Error> {
        self.with(move |session| Box::pin(async move { session.process(&ctx, &cfg).await })).await
    }

    /// Lets the plug go on with the rule file that an answer concerns: it is told what is in the
    /// file, what it answers then is written, and it asks the server to load that, and whether it
    /// has.
    async fn install(&self, folder: &Arc<Path>, ctx: &str, answer: String) -> Result<String, Error> {
        let Some(file) = rules::concerned(&json(&answer)?)? else { return Ok(answer) };
        let Ok(Value::Object(ctx)) = serde_json::from_str(ctx) else { return Ok(answer) };
        // One after the other, so that of two changes of one file none is lost. Other hosts are
        // kept apart by the comparison below.
        let _turn = self.installing.lock().await;
        for _ in 0..MAX_ATTEMPTS {
            let before = blocking({
                let (file, folder) = (file.clone(), folder.clone());
                move || file.read(&folder)
            })
            .await?;
            let informed = self.informed(&ctx, before.as_deref(), false).await?;
            let Some(content) = file.wanted(&informed)? else { return Ok(informed.to_string()) };
            let written = blocking({
                let (file, folder) = (file.clone(), folder.clone());
                move || file.write(&folder, before, content)
            })
            .await?;
            // Somebody else has changed it since it was read.
            let Some(written) = written else { continue };
            return self.confirm(folder, &ctx, &informed, written).await;
        }
        Err(Error::Settings {
            what: "the rules folder".into(),
            problem: "another process changes the rule file all the time; nothing was written: try again".into(),
        })
    }

    /// What the plug answers when it knows what is in the rule file.
    async fn informed(&self, ctx: &Map<String, Value>, content: Option<&str>, written: bool) -> Result<Value, Error> {
        let mut ctx = ctx.clone();
        ctx.insert("rules_current".into(), serde_json::json!({ "content": content }));
        ctx.insert("rules_written".into(), Value::Bool(written));
        json(&self.run(Value::Object(ctx).to_string(), String::new()).await?)
    }

    /// Has the plug ask whether the server has loaded the file that was written; takes it back
    /// where the server refuses it.
    async fn confirm(
        &self,
        folder: &Arc<Path>,
        ctx: &Map<String, Value>,
        before: &Value,
        written: Written,
    ) -> Result<String, Error> {
        let mut told = match self.informed(ctx, written.content(), true).await {
            Ok(told) => told,
            // The error says that nothing was done.
            Err(error) => {
                let folder = folder.clone();
                blocking(move || written.take_back(&folder)).await?;
                return Err(error);
            }
        };
        let removed = written.content().is_none();
        if let Some(Value::Object(result)) = told.get_mut("result") {
            let refused = result.get("reload_refused") == Some(&Value::Bool(true));
            let taken_back = refused
                && blocking({
                    let folder = folder.clone();
                    move || written.take_back(&folder)
                })
                .await?;
            result.insert("rules_file_written".into(), Value::Bool(!taken_back && !removed));
            if removed {
                result.insert("rules_file_removed".into(), Value::Bool(!taken_back));
            }
            // What changed is what was found before the file was there.
            for key in ["created", "changed", "unchanged", "removed", "changes", "was_there"] {
                if let Some(value) = before.pointer("/result").and_then(|result| result.get(key)) {
                    result.insert(key.into(), value.clone());
                }
            }
        }
        Ok(told.to_string())
    }

    /// Asks every configured server whether it is well.
    pub async fn health_check(&self) -> Result<Value, Error> {
        self.process(&serde_json::json!({"operation": "health_check"})).await
    }

    /// Makes the plug forget what it recorded, and its configuration, and delete the groups that it
    /// pushed.
    pub async fn cleanup(&self) -> Result<Value, Error> {
        let mut answer = json(&self.with(|session| Box::pin(session.cleanup())).await?)?;
        // What was dropped the leader knows; what was pushed, the courier.
        let told = self.courier.cleanup().await?.map(|told| json(&told)).transpose()?;
        let told = told.as_ref().and_then(|told| told.get("result")?.as_object());
        if let (Some(told), Some(Value::Object(result))) = (told, answer.get_mut("result")) {
            for (key, value) in told {
                result.entry(key.as_str()).or_insert_with(|| value.clone());
            }
        }
        Ok(answer)
    }

    /// Makes the plug push what no gateway has accepted yet, for a host that is about to end: the
    /// plug has no timers of its own. Says why, where that was to be done and could not; a plug
    /// without that operation has nothing to push.
    pub async fn flush(&self) -> Result<Option<String>, Error> {
        let answer = self.process(&serde_json::json!({"operation": "flush_metrics"})).await?;
        let text = |key: &str| answer.get(key).and_then(Value::as_str);
        let done = answer.get("success") == Some(&Value::Bool(true)) || text("error_code") == Some("unknown_operation");
        Ok((!done).then(|| text("error").unwrap_or_default().to_owned()))
    }

    /// What the plug says of itself.
    pub async fn describe(&self) -> Result<Value, Error> {
        json(&self.with(|session| Box::pin(session.describe())).await?)
    }

    /// What became of crashes so far, those of the courier's instance included.
    pub async fn recovery(&self) -> Result<Recovery, Error> {
        let mut recovery = self.with(|session| Box::pin(async move { Ok(session.recovery().clone()) })).await?;
        recovery.crashes += self.courier.crashes();
        Ok(recovery)
    }

    /// What [`PlugHandle::recovery`] said at the end of the last call, or [`Error::Ended`]: known
    /// without waiting for the plug.
    pub fn liveness(&self) -> Result<Recovery, Error> {
        if self.leader.is_closed() {
            return Err(Error::Ended);
        }
        let mut recovery = self.leader.recovery();
        recovery.crashes += self.courier.crashes();
        Ok(recovery)
    }

    /// Host resources that the plug's instances hold between calls: see
    /// [`Session::host_resources`].
    pub async fn host_resources(&self) -> Result<usize, Error> {
        let leader = self.with(|session| Box::pin(async move { Ok(session.host_resources()) })).await?;
        Ok(leader + self.courier.host_resources())
    }

    /// Runs anything on the session that records, in its turn: the typed calls, or several calls
    /// that belong together. What asks a server there holds up the others.
    pub async fn with<T, F>(&self, call: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s mut Session) -> Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 's>>
            + Send
            + 'static,
    {
        self.leader.call(call).await
    }
}

/// Runs what waits for a disk where that holds up nobody.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Ended)?
}

fn json(answer: &str) -> Result<Value, Error> {
    serde_json::from_str(answer).map_err(|error| Error::Answer { problem: error.to_string() })
}
