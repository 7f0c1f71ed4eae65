//! `loopdash` without a command: the dashboard for the repository one stands in and every unfinished run of the box.
//!
//! [`open`] is for whatever else ends on a dashboard, such as a run that was just started.

use super::agents::require;
use super::alone::{alone, greeting};
use crate::app::agents::Agents;
use crate::app::boot::{self, Boot, start};
use crate::app::cli::exit::{Exit, Failure};
use crate::app::cli::{Colour, DashboardArgs};
use crate::app::config::{
    Config, LoadOptions, Loaded, OnHangup, OnStart, Problems, RunRequest, Standing, for_run, load, repository_root,
    resolve, user_file,
};
use crate::app::context::Context;
use crate::app::link::Link;
use crate::app::logging;
use crate::app::tui::terminal::is_dumb;
use crate::app::tui::{AgentsOf, Ending, NewLoop, Options, has_terminal, run};
use crate::loops::core::command::{Command, Request};
use crate::loops::core::ids::Who;
use crate::loops::core::spec::{LoopSpec, Trigger};
use crate::loops::engine::{Handle, Startup};
use crate::loops::journal::Store;
use crate::widgets::theme::{Theme, ThemeLibrary, Tier};
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long the end of the engine is waited for once the operator has left the screen.
const PATIENCE: Duration = Duration::from_secs(8);

/// What a dashboard is opened for.
#[derive(Debug)]
pub struct Opening {
    /// Loops to start at once.
    pub start: Vec<LoopSpec>,
    /// How they are recorded as launched.
    pub trigger: Trigger,
    /// A word beside the product's name instead of the repository's.
    pub place: Option<String>,
    /// What happens to interrupted runs; as configured when absent.
    pub on_start: Option<OnStart>,
    /// Interrupted runs to go on with, by what is asked of each.
    pub resume: Vec<Command>,
}

/// Opens the dashboard and stays until the operator leaves.
///
/// # Errors
/// No terminal, a configuration or state directory that cannot be used.
pub fn dashboard(context: &Context, args: &DashboardArgs) -> Result<Exit, Failure> {
    let remedy = "`loopdash run --headless` and `loopdash resume --headless` need none";
    if is_dumb() {
        return Err(Failure::Usage(format!(
            "TERM=dumb: such a terminal holds no screen; set TERM to what it is; {remedy}"
        )));
    }
    if !has_terminal() {
        return Err(Failure::Usage(format!("the dashboard needs a terminal; {remedy}")));
    }
    let loaded = context.config()?;
    let repo = repository_root(&context.cwd);
    let start = match &repo {
        Some(repo) if args.start_all => resolve(&loaded, repo)?,
        None if args.start_all => {
            return Err(Failure::Data("there is no repository here, so there are no loops to start".to_owned()));
        }
        _ => Vec::new(),
    };
    let store = Store::open(&context.state_root()?).map_err(|error| Failure::Data(error.to_string()))?;
    if !start.is_empty() {
        require(context, &loaded.config, &start)?;
    }
    open(
        context,
        &loaded,
        store,
        Opening { start, trigger: Trigger::Tui, place: None, on_start: None, resume: Vec::new() },
    )
}

/// Opens a dashboard on the runs of `store`.
///
/// # Errors
/// No terminal, or an engine that cannot be started.
pub fn open(context: &Context, loaded: &Loaded, store: Store, opening: Opening) -> Result<Exit, Failure> {
    let startup = match opening.on_start.unwrap_or(loaded.config.engine.on_start) {
        OnStart::Leave => Startup::Recover,
        OnStart::Ask | OnStart::Resume => Startup::TakeUp,
    };
    open_on(context, loaded, Boot::new(store, &loaded.config, startup), opening)
}

/// Opens a dashboard on an engine of the caller's making.
///
/// # Errors
/// No terminal, or an engine that cannot be started.
pub fn open_on(context: &Context, loaded: &Loaded, boot: Boot, mut opening: Opening) -> Result<Exit, Failure> {
    let store = boot.store.clone();
    let resume = std::mem::take(&mut opening.resume);
    let filter = std::env::var(logging::LOG_VARIABLE).ok();
    let log = logging::start(store.root(), context.global.verbose, filter.as_deref());
    let _log = log.inspect_err(|error| context.note(&error.to_string())).ok();
    let mut options = options(context, loaded, store.root(), opening)?;
    options.greeting = greeting(&store);
    let runtime = boot::runtime(Some(2))?;
    let ending = runtime.block_on(async {
        let running = start(boot)?;
        tokio::spawn(go_on(running.handle.clone(), resume));
        let ending = run(options, Link::new(running.handle.clone(), store.clone())).await?;
        if ending == Ending::Unseen {
            alone(&running.handle, &store).await;
        }
        drop(running.handle);
        // Nothing is lost if it takes longer: the journals say where to go on.
        let _ = tokio::time::timeout(PATIENCE, running.task).await;
        Ok::<Ending, anyhow::Error>(ending)
    });
    // A read that still blocks must not hold the end.
    runtime.shutdown_timeout(Duration::from_millis(200));
    match ending {
        Ok(Ending::Left) => Ok(Exit::Done),
        Ok(Ending::Interrupted | Ending::Unseen) => Ok(Exit::Interrupted),
        Err(error) => Err(Failure::Failed(format!("{error:#}"))),
    }
}

/// Goes on with runs once the box has been read; one that refuses stays in the list as it is, with the key that helps.
async fn go_on(handle: Handle, resume: Vec<Command>) {
    if resume.is_empty() {
        return;
    }
    let Ok(mut subscription) = handle.subscribe().await else { return };
    subscription.loaded().await;
    for command in resume {
        if let Err(refused) = handle.send(Request { who: Who::Cli, command }).await {
            tracing::warn!(%refused, "a run could not go on");
        }
    }
}

fn options(context: &Context, loaded: &Loaded, state: &Path, opening: Opening) -> Result<Options, Failure> {
    let repo = repository_root(&context.cwd);
    let configured = loaded.files.iter().any(|(_, path)| repo.as_ref().is_some_and(|repo| path.starts_with(repo)));
    // A mistake in one loop was told when the configuration was read; here it only means that it cannot be started.
    let loops = repo.as_ref().and_then(|repo| resolve(loaded, repo).ok()).unwrap_or_default();
    let name = repo.as_ref().and_then(|repo| repo.file_name()).map(|name| name.to_string_lossy().into_owned());
    Ok(Options {
        theme: theme(context, loaded)?,
        zone: TimeZone::system(),
        place: opening.place.or(name),
        configured,
        loops,
        start: opening.start,
        trigger: opening.trigger,
        on_start: opening.on_start.unwrap_or(loaded.config.engine.on_start),
        // What a demo works on goes with it.
        on_hangup: match opening.trigger {
            Trigger::Demo => OnHangup::Stop,
            _ => loaded.config.engine.on_hangup,
        },
        calls: loaded.config.notify.calls(),
        greeting: None,
        agents: Agents::new(
            loaded.config.clone(),
            repo.clone().unwrap_or_else(|| context.cwd.clone()),
            Some(state.to_owned()),
        ),
        agents_of: agents_of(context, repo.clone(), state),
        new_loop: new_loop(context, repo, &loaded.config, state),
    })
}

/// How a prompt becomes a loop: as `loopdash run -p` would make it, with the configuration as it then is.
fn new_loop(context: &Context, repo: Option<PathBuf>, config: &Config, state: &Path) -> Result<NewLoop, String> {
    let repo = repo.ok_or("this is no git repository: go to one, or make one with `git init`")?;
    if config.agents.is_empty() {
        return Err("no agent is configured: `loopdash init` writes a loopdash.toml to put yours into".to_owned());
    }
    let (options, state) = (context.load_options(), state.to_owned());
    Ok(Arc::new(move |prompt: &str| make_loop(&options, &repo, &state, prompt)))
}

fn make_loop(options: &LoadOptions, repo: &Path, state: &Path, prompt: &str) -> Result<LoopSpec, String> {
    let path = options.env.get("PATH").cloned().unwrap_or_default();
    let standing = Standing { repo, cwd: &options.cwd, path: &path };
    let request = RunRequest { prompt: Some(prompt.to_owned()), ..RunRequest::default() };
    let loaded = load(options).map_err(|problems| first_line(&problems))?;
    let spec = for_run(&loaded, standing, &request).map_err(|problems| first_line(&problems))?;
    Agents::new(loaded.config, repo.to_owned(), Some(state.to_owned())).require(spec.agents())?;
    Ok(spec)
}

/// The agents of any repository, as its configuration has them by then; the file of `--config` is for the own one alone.
fn agents_of(context: &Context, own: Option<PathBuf>, state: &Path) -> AgentsOf {
    let (options, state) = (context.load_options(), state.to_owned());
    let same = move |repo: &Path| own.as_ref().and_then(|own| own.canonicalize().ok()) == repo.canonicalize().ok();
    Arc::new(move |repo: &Path| {
        let options = match same(repo) {
            true => options.clone(),
            false => LoadOptions { cwd: repo.to_owned(), config_file: None, ..options.clone() },
        };
        let loaded = load(&options).map_err(|problems| {
            format!("the configuration of {} cannot be used: {}", repo.display(), first_line(&problems))
        })?;
        Ok(Agents::new(loaded.config, repo.to_owned(), Some(state.clone())))
    })
}

fn first_line(problems: &Problems) -> String {
    problems.to_string().lines().next().unwrap_or_default().to_owned()
}

/// The configured theme, in the colours that the terminal has.
fn theme(context: &Context, loaded: &Loaded) -> Result<Theme, Failure> {
    let env = context.load_options().env;
    let get = |name: &str| env.get(name).map(String::as_str);
    let detected = Theme::detect(get("NO_COLOR"), get("COLORTERM"), get("TERM"));
    let tier = if context.global.color == Colour::Never { Tier::None } else { detected.tier };
    let named = loaded.origins.get("ui.theme").is_some();
    let name = if named { loaded.config.ui.theme.as_str() } else { detected.theme };
    let wrong = |error: &dyn std::fmt::Display| Failure::Data(error.to_string());
    let mut library = ThemeLibrary::bundled().map_err(|error| wrong(&error))?;
    let own = user_file(&env).and_then(|file| Some(file.parent()?.join("themes")));
    for file in own.iter().flat_map(std::fs::read_dir).flatten().flatten() {
        let path = file.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        if let (Some(stem), Some("toml")) = (stem, path.extension().and_then(|extension| extension.to_str())) {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Failure::Data(format!("cannot read {}: {error}", path.display())))?;
            library.add(&path.display().to_string(), stem, &text).map_err(|error| wrong(&error))?;
        }
    }
    library.theme(name, tier).map_err(|error| wrong(&error))
}
